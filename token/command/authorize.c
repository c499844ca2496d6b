/* What a command must ask for before its key does what it wants. */
#include "token/command/data.h"
#include "token/command/key.h"
#include "token/command/secret.h"

#include <string.h>

static bool has(const struct key_command *c, unsigned status)
{
    return (c->key.protection.protection_status & status) != 0;
}

/* What helps against a blocked PIN. */
static const char *remedy(struct key_command *c)
{
    const char *text;

    if (!has(c, PROTECTION_STATUS_PUK))
        return "it has no PUK, so only its issuer can unlock it";
    if (has(c, PROTECTION_STATUS_PUK_BLOCKED))
        return "its PUK is blocked too, so only its issuer can unlock it";
    text = arena_printf(&c->arena, "its PUK unlocks it: sks-token unlock %u", c->key.handle);
    return text == NULL ? "its PUK unlocks it" : text;
}

/* "PIN of key 3 "Login" (1 of 3 tries left), in hexadecimal" */
static const char *prompt_text(struct key_command *c, const char *what, unsigned errors,
                               const char *tries, uint8_t format)
{
    const char *text =
        arena_printf(&c->arena, "%s of %s%s%s%s%s", what, key_title(&c->key, &c->arena),
                     errors > 0 ? " (" : "", errors > 0 ? tries : "", errors > 0 ? ")" : "",
                     format == FORMAT_BINARY ? ", in hexadecimal" : "");

    return text == NULL ? what : text;
}

static enum sks_status get_pin(struct key_command *c, struct secret_request request)
{
    request.what = "PIN";
    request.option = "--pin-file";
    request.file = c->options->pin_file;
    request.variable = "SKS_TOKEN_PIN";
    return secret_get(&request, &c->authorization, &c->err);
}

enum sks_status key_authorize_pin(struct key_command *c)
{
    const struct key_protection_out *p = &c->key.protection;
    struct secret_request request = { .format = p->format };
    enum sks_status rc;

    if (has(c, PROTECTION_STATUS_DEVICE_PIN)) {
        c->asked = KEY_SECRET_DEVICE_PIN;
        request.prompt = "device PIN";
        return get_pin(c, request);
    }
    REQUIRE(has(c, PROTECTION_STATUS_PIN), &c->err, SKS_ERROR_NOT_ALLOWED, "%s has no PIN",
            key_title(&c->key, &c->arena));
    REQUIRE(!has(c, PROTECTION_STATUS_PIN_BLOCKED), &c->err, SKS_ERROR_AUTHORIZATION,
            "the PIN of %s is %s; %s", key_title(&c->key, &c->arena), pin_tries_text(p, &c->arena),
            remedy(c));
    c->asked = KEY_SECRET_PIN;
    request.prompt =
        prompt_text(c, "PIN", p->pin_error_count, pin_tries_text(p, &c->arena), p->format);
    rc = get_pin(c, request);
out:
    return rc;
}

enum sks_status key_authorize_puk(struct key_command *c)
{
    const struct key_protection_out *p = &c->key.protection;
    const struct secret_request request = {
        .what = "PUK",
        .prompt =
            prompt_text(c, "PUK", p->puk_error_count, puk_tries_text(p, &c->arena), p->puk_format),
        .option = "--puk-file",
        .file = c->options->puk_file,
        .variable = "SKS_TOKEN_PUK",
        .format = p->puk_format,
    };
    enum sks_status rc;

    REQUIRE(has(c, PROTECTION_STATUS_PUK), &c->err, SKS_ERROR_NOT_ALLOWED, "%s has no PUK",
            key_title(&c->key, &c->arena));
    REQUIRE(!has(c, PROTECTION_STATUS_PUK_BLOCKED), &c->err, SKS_ERROR_AUTHORIZATION,
            "the PUK of %s is %s; only its issuer can unlock it", key_title(&c->key, &c->arena),
            puk_tries_text(p, &c->arena));
    c->asked = KEY_SECRET_PUK;
    rc = secret_get(&request, &c->authorization, &c->err);
out:
    return rc;
}

enum sks_status key_authorize_by(struct key_command *c, uint8_t protection)
{
    switch (protection) {
    case PROTECTION_PIN:
        return key_authorize_pin(c);
    case PROTECTION_PUK:
        return key_authorize_puk(c);
    default: /* nothing; where it is never allowed the token says so */
        return SKS_OK;
    }
}

/* SKS V1.07, "biometricProtection". */
enum sks_status key_authorize_use(struct key_command *c)
{
    uint8_t protection = c->key.protection.biometric_protection;
    bool biometric = c->options->biometric;
    enum sks_status rc = SKS_OK;

    REQUIRE(!biometric || protection != BIOMETRIC_NONE, &c->err, SKS_ERROR_OPTION,
            "--biometric: %s has no biometric protection", key_title(&c->key, &c->arena));
    REQUIRE(biometric || (protection != BIOMETRIC_COMBINED && protection != BIOMETRIC_EXCLUSIVE),
            &c->err, SKS_ERROR_OPTION,
            "%s wants a biometric check: --biometric says that it was passed",
            key_title(&c->key, &c->arena));
    if (biometric && protection != BIOMETRIC_COMBINED)
        goto out;
    if (has(c, PROTECTION_STATUS_PIN | PROTECTION_STATUS_DEVICE_PIN))
        rc = key_authorize_pin(c);
out:
    return rc;
}

enum sks_status key_check_new_pin(struct key_command *c)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(!has(c, PROTECTION_STATUS_DEVICE_PIN), &c->err, SKS_ERROR_NOT_ALLOWED,
            "%s has the device PIN, which is changed where the device's settings are",
            key_title(&c->key, &c->arena));
    REQUIRE(has(c, PROTECTION_STATUS_PIN), &c->err, SKS_ERROR_NOT_ALLOWED, "%s has no PIN",
            key_title(&c->key, &c->arena));
    REQUIRE(c->key.protection.user_modifiable, &c->err, SKS_ERROR_NOT_ALLOWED,
            "the PIN of %s is not the user's to change", key_title(&c->key, &c->arena));
out:
    return rc;
}

enum sks_status key_get_new_pin(struct key_command *c)
{
    const struct key_protection_out *p = &c->key.protection;
    const struct pin_policy policy = pin_policy_of(p);
    const struct secret_request request = {
        .what = "new PIN",
        .prompt = prompt_text(c, "New PIN", 0, "", p->format),
        .option = "--new-pin-file",
        .file = c->options->new_pin_file,
        .variable = "SKS_TOKEN_NEW_PIN",
        .format = p->format,
        .policy = &policy,
    };

    return secret_get(&request, &c->new_pin, &c->err);
}

/* ---- the call ---- */

/* Adds to the text of a wrong PIN or PUK what it has cost. */
static void explain_refusal(struct key_command *c)
{
    const union sks_in in = { .key_handle.key_handle = c->key.handle };
    struct sks_error ignored = { 0 };
    union sks_out out;
    size_t len = strlen(c->err.text);
    bool pin = c->asked == KEY_SECRET_PIN;

    if (token_call(c->port.link, GET_KEY_PROTECTION_INFO, &in, &out, &c->arena, &ignored) != SKS_OK)
        return;
    c->key.protection = out.key_protection;
    (void)snprintf(c->err.text + len, sizeof c->err.text - len, "; %s%s%s",
                   pin ? pin_tries_text(&c->key.protection, &c->arena)
                       : puk_tries_text(&c->key.protection, &c->arena),
                   pin && has(c, PROTECTION_STATUS_PIN_BLOCKED) ? "; " : "",
                   pin && has(c, PROTECTION_STATUS_PIN_BLOCKED) ? remedy(c) : "");
}

enum sks_status key_call(struct key_command *c, enum method_id method, const union sks_in *in,
                         union sks_out *out)
{
    enum sks_status rc = port_call(&c->port, method, in, out, &c->arena, &c->err);

    if (rc == SKS_ERROR_AUTHORIZATION && (c->asked == KEY_SECRET_PIN || c->asked == KEY_SECRET_PUK))
        explain_refusal(c);
    return rc;
}

enum sks_status key_operate(struct key_command *c, enum method_id method,
                            const struct algorithm *algorithm, struct bytes data,
                            struct bytes *result)
{
    const union sks_in in = {
        .operation = { .key_handle = c->key.handle,
                       .algorithm = bytes_of(algorithm->uri),
                       .biometric_auth = c->options->biometric,
                       .authorization = buf_bytes(&c->authorization),
                       .data = data },
    };
    union sks_out out = { 0 };
    enum sks_status rc = key_call(c, method, &in, &out);

    *result = out.result.result;
    return rc;
}

enum sks_status key_read_input(struct key_command *c, struct buf *data)
{
    const union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    TRY(port_call(&c->port, GET_DEVICE_INFO, &in, &out, &c->arena, &c->err));
    rc = data_read(c->options->input, out.device_info.crypto_data_size, data, &c->err);
out:
    return rc;
}
