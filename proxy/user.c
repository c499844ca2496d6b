#include "proxy/user.h"

#include "keygen2/base/log.h"
#include "keygen2/base/terminal.h"

#include <stdio.h>
#include <stdlib.h>

struct user {
    struct user_config config;
    struct buf file_pin; /* first line of the PIN file */
    const char *environment_pin;
    size_t next; /* PIN of the config */
};

/* ---- where PINs come from without asking ---- */

enum sks_status user_open(const struct user_config *config, struct user **user,
                          struct sks_error *err)
{
    struct user *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *user = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for the user");
    made->config = *config;
    if (config->pin_file != NULL)
        TRY(secret_from_file(config->pin_file, &made->file_pin, err));
    else if (config->pin_count == 0)
        made->environment_pin = getenv("SKS_PROXY_PIN");
    *user = made;
    made = NULL;
out:
    user_close(made);
    return rc;
}

void user_close(struct user *user)
{
    if (user == NULL)
        return;
    buf_free(&user->file_pin);
    free(user);
}

/* False if the user must be asked. */
static bool next_given_pin(struct user *user, struct bytes *pin)
{
    if (user->config.pin_file != NULL) {
        *pin = buf_bytes(&user->file_pin);
        return true;
    }
    if (user->config.pin_count > 0) {
        *pin = bytes_of(user->config.pins[user->next]);
        user->next += user->next + 1 < user->config.pin_count;
        return true;
    }
    *pin = bytes_of(user->environment_pin);
    return user->environment_pin != NULL;
}

/* ---- the terminal ---- */

enum sks_status user_consent(struct user *user, const char *url, const char *what,
                             struct sks_error *err)
{
    if (user->config.yes)
        return SKS_OK;
    if (terminal_exists())
        (void)fprintf(stderr, "The issuer %s\nwants to %s.\n", url, what);
    return terminal_confirm("Go on?", user->config.stop, err);
}

enum sks_status user_choose(struct user *user, const char *question, const char *const *offers,
                            size_t count, size_t *choice, struct sks_error *err)
{
    struct buf answer = { 0 };
    char *end;
    unsigned long number;
    enum sks_status rc = SKS_OK;

    *choice = 0;
    if (user->config.yes)
        return SKS_OK;
    REQUIRE(terminal_exists(), err, SKS_ERROR_USER_ABORT, "nobody can be asked which one");
    for (size_t i = 0; i < count; i++)
        (void)fprintf(stderr, "%zu  %s\n", i + 1, offers[i]);
    TRY(terminal_read(question, false, user->config.stop, &answer, err));
    put_byte(&answer, '\0');
    TRY(sks_explain(err, answer.status));
    number = strtoul((const char *)answer.ptr, &end, 10);
    REQUIRE(*end == '\0' && number >= 1 && number <= count, err, SKS_ERROR_USER_ABORT,
            "no number from 1 to %zu", count);
    *choice = number - 1;
out:
    buf_free(&answer);
    return rc;
}

void user_trust_anchor(struct user *user, const char *subject, const char *fingerprint)
{
    (void)user;
    (void)fprintf(stderr,
                  "The issuer offers a certification authority to be trusted:\n  %s\n  SHA-256 %s\n"
                  "Nothing protects this offer on its way: compare the fingerprint with one that "
                  "you have\nfrom elsewhere before you install it.\n",
                  subject, fingerprint);
}

bool user_folder(struct user *user, struct buf *folder)
{
    struct sks_error err = { 0 };

    if (user->config.yes || !terminal_exists() ||
        terminal_read("Folder to write it to (empty: do not)", false, user->config.stop, folder,
                      &err) != SKS_OK ||
        folder->len == 0)
        return false;
    put_byte(folder, '\0');
    return folder->status == SKS_OK;
}

static enum sks_status ask_pin(struct user *user, const char *what, const char *wants,
                               struct buf *typed, struct sks_error *err)
{
    char clean[200];
    enum sks_status rc;

    REQUIRE(terminal_exists(), err, SKS_ERROR_USER_ABORT,
            "a PIN is needed, none was given, and there is no terminal to ask on");
    (void)snprintf(clean, sizeof clean, "%s", what);
    log_clean(clean);
    (void)fprintf(stderr, "Choose a PIN for %s: %s.\n", clean, wants);
    rc = terminal_read_new("PIN", user->config.stop, typed, err);
out:
    return rc;
}

enum sks_status user_pin(struct user *user, const char *what, const char *wants, struct buf *typed,
                         struct sks_error *err)
{
    struct bytes given;

    if (!next_given_pin(user, &given))
        return ask_pin(user, what, wants, typed, err);
    buf_reset(typed);
    put_raw(typed, given);
    return sks_explain(err, typed->status);
}

bool user_try_again(struct user *user, const char *why)
{
    if (user->config.pin_file != NULL || user->config.pin_count > 0 ||
        user->environment_pin != NULL || !terminal_exists())
        return false;
    (void)fprintf(stderr, "%s.\n", why);
    return true;
}
