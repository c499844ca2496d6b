#include "token/command/secret.h"
#include "keygen2/base/terminal.h"
#include "keygen2/crypto/pin_text.h"

#include <stdio.h>
#include <stdlib.h>

/* True if nobody needs to be asked; the text is what the user wrote. */
static bool is_given(const struct secret_request *r, struct buf *text, enum sks_status *rc,
                     struct sks_error *err)
{
    const char *value = getenv(r->variable);

    if (r->file != NULL) {
        *rc = secret_from_file(r->file, text, err);
        return true;
    }
    if (value == NULL || value[0] == '\0')
        return false;
    put_text(text, value);
    *rc = sks_explain(err, text->status);
    return true;
}

static enum sks_status take(const struct secret_request *r, struct bytes text, struct buf *secret,
                            struct sks_error *err)
{
    enum sks_status rc;

    buf_reset(secret);
    REQUIRE(text.len > 0, err, SKS_ERROR_USER_ABORT, "no %s was given", r->what);
    TRY(pin_from_text(r->format, text, secret, err));
    if (r->policy == NULL)
        return SKS_OK;
    rc = pin_check(r->policy, buf_bytes(secret), err);
    if (rc == SKS_ERROR_OPTION) /* of a person's choice, not of the command line */
        rc = err->status = SKS_ERROR_NOT_ALLOWED;
out:
    return rc;
}

static enum sks_status ask(const struct secret_request *r, struct buf *text, struct sks_error *err)
{
    char wanted[PIN_POLICY_TEXT_MAX];
    enum sks_status rc;

    REQUIRE(terminal_exists(), err, SKS_ERROR_USER_ABORT,
            "the %s is needed: %s, %s or a terminal to ask on", r->what, r->option, r->variable);
    if (r->policy == NULL)
        return terminal_read(r->prompt, true, NULL, text, err);
    pin_policy_text(r->policy, wanted);
    (void)fprintf(stderr, "Choose a new PIN: %s.\n", wanted);
    rc = terminal_read_new(r->prompt, NULL, text, err);
out:
    return rc;
}

enum sks_status secret_get(const struct secret_request *request, struct buf *secret,
                           struct sks_error *err)
{
    struct buf text = { 0 };
    enum sks_status rc;

    if (is_given(request, &text, &rc, err)) {
        TRY(rc);
        TRY(take(request, buf_bytes(&text), secret, err));
        goto out;
    }
    for (;;) {
        TRY(ask(request, &text, err));
        rc = take(request, buf_bytes(&text), secret, err);
        if (rc != SKS_ERROR_NOT_ALLOWED && rc != SKS_ERROR_OPTION)
            break;
        (void)fprintf(stderr, "%s.\n", err->text);
    }
out:
    buf_free(&text);
    return rc;
}
