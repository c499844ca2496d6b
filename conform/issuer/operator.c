/* What is the issuer's operator's to do: to decide on sessions, and to invite. */
#include "conform/issuer/site.h"

#include "keygen2/base/base64.h"
#include "keygen2/base/command.h"
#include "keygen2/crypto/certificate.h"

#include <string.h>

enum { ANSWER_MAX = 64 * 1024, OPERATOR_SECONDS = 60, CODE_MAX = 64 };

/* @param line  freed */
static enum sks_status ask(struct site *site, struct check *check, struct buf *line,
                           struct buf *answer)
{
    enum sks_status rc;

    put_byte(line, '\n');
    TRY(sks_explain(&check->err, line->status));
    rc = command_run(site->config->options->operator_command, buf_bytes(line), OPERATOR_SECONDS,
                     ANSWER_MAX, answer, &check->err);
    if (rc == SKS_ERROR_EXTERNAL)
        rc = check_skip(check, "the operator's command: %s", check->err.text);
out:
    buf_free(line);
    return rc;
}

enum sks_status site_decide(struct site *site, struct check *check, const char *what,
                            struct bytes session_id)
{
    uint8_t fingerprint[32];
    struct buf line = { 0 }, answer = { 0 };
    enum sks_status rc;

    if (site->config->options->operator_command == NULL)
        return check_skip(check, "needs an operator (--operator)");
    TRY(certificate_fingerprint(site->devices.own.certificate[0], fingerprint));
    put_text(&line, what);
    put_byte(&line, ' ');
    put_raw(&line, session_id);
    put_byte(&line, ' ');
    hex_encode(&line, bytes_at(fingerprint, sizeof fingerprint));
    rc = ask(site, check, &line, &answer);
out:
    buf_free(&answer);
    return rc;
}

enum sks_status site_invite(struct site *site, struct check *check, const char *what,
                            const struct site_profile *profile, const char **code)
{
    struct buf line = { 0 }, answer = { 0 };
    size_t len = 0;
    enum sks_status rc;

    if (site->config->options->operator_command == NULL)
        return check_skip(check, "needs an operator (--operator)");
    put_text(&line, what);
    put_byte(&line, ' ');
    put_text(&line, profile->name);
    TRY(ask(site, check, &line, &answer));
    while (len < answer.len && answer.ptr[len] > ' ' && answer.ptr[len] < 0x7F)
        len++;
    if (len == 0 || len > CODE_MAX)
        return check_skip(check, "the operator's command has printed no code");
    *code = arena_text(&check->arena, bytes_at(answer.ptr, len));
    REQUIRE(*code != NULL, &check->err, SKS_ERROR_STORAGE, "no memory for a code");
out:
    buf_free(&answer);
    return rc;
}

enum sks_status site_withdraw(struct site *site, struct check *check, const char *code)
{
    struct buf line = { 0 }, answer = { 0 };
    enum sks_status rc;

    put_text(&line, "withdraw ");
    put_text(&line, code);
    rc = ask(site, check, &line, &answer);
    buf_free(&answer);
    return rc;
}

enum sks_status site_code(struct site *site, struct check *check,
                          const struct site_profile *profile, const char **code)
{
    const struct texts *codes = &site->config->options->code;

    if (site->codes < codes->count) {
        *code = codes->item[site->codes++];
        return SKS_OK;
    }
    if (site->config->options->operator_command != NULL)
        return site_invite(site, check, "invite", profile, code);
    return check_skip(check, "no code is left: --code once more");
}
