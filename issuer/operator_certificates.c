#include "issuer/operator_certificates.h"
#include "issuer/data_folder.h"
#include "issuer/revocation.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/pem.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- revoke ---- */

/* What the options must not be together; NULL if they are right. */
static const char *wrong_options(const struct revoke_options *o, const char *serial)
{
    if ((serial == NULL) == (o->session == NULL))
        return "revoke wants either SERIAL or --session ID";
    if (o->hold + o->release + (o->reason != NULL) > 1)
        return "--reason, --hold and --release exclude each other";
    return NULL;
}

static enum sks_status parse_reason(const struct revoke_options *o, struct revocation_wish *wish,
                                    struct sks_error *err)
{
    uint8_t reason = o->hold ? REASON_HOLD : REASON_UNSPECIFIED;
    enum sks_status rc = SKS_OK;

    wish->reason = (enum revocation_reason)reason;
    if (o->reason == NULL)
        return SKS_OK;
    REQUIRE(name_to_value(NAMES_REVOCATION_REASON, bytes_of(o->reason), &reason) &&
                reason != REASON_HOLD,
            err, SKS_ERROR_OPTION,
            "--reason: '%s' is none of unspecified, keyCompromise, affiliationChanged, superseded,"
            " cessationOfOperation, privilegeWithdrawn",
            o->reason);
    wish->reason = (enum revocation_reason)reason;
out:
    return rc;
}

/* Leading zeros do not count, and openssl separates digits by colons. */
static enum sks_status parse_serial(const char *text, struct buf *serial, struct sks_error *err)
{
    struct buf digits = { 0 };
    enum sks_status rc = SKS_OK;

    for (const char *c = text; *c != '\0'; c++)
        if (*c != ':' && (*c != '0' || digits.len > 0))
            put_byte(&digits, (uint8_t)*c);
    if (digits.len % 2 != 0) {
        struct buf even = { 0 };

        put_byte(&even, '0');
        put_raw(&even, buf_bytes(&digits));
        buf_free(&digits);
        digits = even;
    }
    REQUIRE(digits.len > 0 && hex_decode(buf_bytes(&digits), serial) == SKS_OK, err,
            SKS_ERROR_OPTION, "'%s' is no serial number in hexadecimal digits", text);
out:
    buf_free(&digits);
    return rc;
}

static void tell(const struct revoke_options *o, size_t changed, size_t external)
{
    if (o->json)
        (void)printf("{\"changed\":%zu}\n", changed);
    else if (changed == 0)
        (void)printf("nothing to change: it is so already\n");
    else
        (void)printf("%zu certificate%s %s\n", changed, changed == 1 ? "" : "s",
                     o->release ? "released"
                     : o->hold  ? "on hold"
                                : "revoked");
    if (external > 0)
        (void)fprintf(stderr,
                      "sks-issuer: %zu of an external CA, whose CRL is not ours: tell it as well\n",
                      external);
}

enum exit_code operator_revoke(const struct revoke_options *options, const char *serial)
{
    struct revocation_wish wish = { .session = options->session, .release = options->release };
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    struct buf number = { 0 };
    size_t changed, external;
    enum sks_status rc;

    if (wrong_options(options, serial) != NULL)
        return program_fail(EXIT_USAGE, "%s", wrong_options(options, serial));
    log_set_level(LOG_LEVEL_ERROR);
    TRY(parse_reason(options, &wish, &err));
    if (serial != NULL)
        TRY(parse_serial(serial, &number, &err));
    wish.serial = buf_bytes(&number);
    TRY(data_folder_open(options->data, &store, &err));
    TRY(revocation_apply(&store, &wish, &changed, &external, &err));
    tell(options, changed, external);
out:
    buf_free(&number);
    session_store_close(&store);
    return program_finish(rc, &err);
}

/* ---- export ---- */

struct exporter {
    bool json, first;
};

static json_t *time_of(int64_t seconds)
{
    char text[32];

    keygen2_time_format(seconds, false, text);
    return json_string(text);
}

static json_t *revocation_of(const struct exported_certificate *c)
{
    if (!c->revoked)
        return json_null();
    return json_pack("{s:s, s:o, s:s}", "reason", name_of_value(NAMES_REVOCATION_REASON, c->reason),
                     "time", time_of(c->at), "origin",
                     name_of_value(NAMES_REVOCATION_ORIGIN, c->origin));
}

static void print_json_row(struct exporter *e, const struct exported_certificate *c,
                           const struct buf *pem)
{
    const struct issued_certificate *i = &c->issued;
    json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:b, s:o, s:o}",
                            "serialNumber", json_hex(i->serial), "fingerPrint",
                            json_hex(bytes_at(i->fingerprint, sizeof i->fingerprint)), "keyId",
                            json_text(i->key_id), "device", json_hex(i->device), "profile",
                            c->profile, "session", i->session_id, "state",
                            name_of_value(NAMES_CERTIFICATE_STATE, (uint8_t)i->state), "notAfter",
                            time_of(i->expires), "external", (int)i->external, "revocation",
                            revocation_of(c), "certificate", json_text(buf_bytes(pem)));
    char *text = row == NULL ? NULL : json_dumps(row, JSON_COMPACT);

    (void)printf("%s%s", e->first ? "" : ",\n", text == NULL ? "{}" : text);
    free(text);
    json_decref(row);
}

static void print_pem(const struct exported_certificate *c, const struct buf *pem)
{
    const struct issued_certificate *i = &c->issued;
    struct buf hex = { 0 };

    hex_encode(&hex, i->serial);
    (void)printf("serial %.*s\n", (int)hex.len, (const char *)hex.ptr);
    buf_reset(&hex);
    hex_encode(&hex, i->device);
    (void)printf("device %.*s\nprofile %s\nsession %s\nstate %s\n",
                 hex.len == 0 ? (int)sizeof "unknown" - 1 : (int)hex.len,
                 hex.len == 0 ? "unknown" : (const char *)hex.ptr, c->profile, i->session_id,
                 name_of_value(NAMES_CERTIFICATE_STATE, (uint8_t)i->state));
    if (c->revoked)
        (void)printf("revoked %s (%s)\n", name_of_value(NAMES_REVOCATION_REASON, c->reason),
                     name_of_value(NAMES_REVOCATION_ORIGIN, c->origin));
    (void)printf("%.*s", (int)pem->len, (const char *)pem->ptr);
    buf_free(&hex);
}

static void print_certificate(void *ctx, const struct exported_certificate *c)
{
    struct exporter *e = ctx;
    struct buf pem = { 0 };

    if (put_pem(&pem, "CERTIFICATE", c->issued.der) != SKS_OK)
        buf_reset(&pem);
    if (e->json)
        print_json_row(e, c, &pem);
    else
        print_pem(c, &pem);
    e->first = false;
    buf_free(&pem);
}

enum exit_code operator_export(const char *data, const char *session, bool json)
{
    struct exporter exporter = { json, true };
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    if (json)
        (void)printf("{\"certificates\":[");
    TRY(revocation_export(&store, session, print_certificate, &exporter, &err));
    if (json)
        (void)printf("]}\n");
    REQUIRE(session == NULL || json || !exporter.first, &err, SKS_ERROR_NO_SESSION,
            "there is no certificate of session %s", session);
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}
