#include "issuer/operator.h"
#include "issuer/certificate_store.h"
#include "issuer/data_folder.h"
#include "issuer/deferred.h"
#include "issuer/forget.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- keys ---- */

struct printer {
    bool json, first;
};

static void print_certificate(void *ctx, const struct issued_certificate *c)
{
    struct printer *printer = ctx;
    const char *state = name_of_value(NAMES_CERTIFICATE_STATE, (uint8_t)c->state);
    json_t *row = json_pack(
        "{s:o, s:o, s:s%, s:o, s:s, s:s, s:i, s:s}", "serialNumber", json_hex(c->serial),
        "fingerPrint", json_hex(bytes_at(c->fingerprint, sizeof c->fingerprint)), "keyId",
        c->key_id.ptr, c->key_id.len, "device", json_hex(c->device), "session", c->session_id,
        "owner", c->owner_id, "generation", (int)c->generation, "state", state);
    char *text = row == NULL ? NULL : json_dumps(row, JSON_COMPACT);

    if (printer->json)
        (void)printf("%s%s", printer->first ? "" : ",\n", text == NULL ? "{}" : text);
    else if (row != NULL)
        (void)printf("%s  %-8s  %s  generation %u  device %.16s\n",
                     json_string_value(json_object_get(row, "serialNumber")), state, c->owner_id,
                     c->generation,
                     c->device.len == 0 ? "unknown"
                                        : json_string_value(json_object_get(row, "device")));
    printer->first = false;
    free(text);
    json_decref(row);
}

enum exit_code operator_keys(const char *data, const char *device, bool json)
{
    struct printer printer = { json, true };
    struct session_store store = { 0 };
    struct buf name = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    if (device != NULL && (hex_decode(bytes_of(device), &name) != SKS_OK || name.len != 32)) {
        buf_free(&name);
        return program_fail(EXIT_USAGE,
                            "--device: '%s' is not the SHA-256 of a certificate, "
                            "64 hexadecimal digits",
                            device);
    }
    TRY(data_folder_open(data, &store, &err));
    if (json)
        (void)printf("{\"keys\":[");
    TRY(certificates_each(&store, buf_bytes(&name), print_certificate, &printer, &err));
    if (json)
        (void)printf("]}\n");
out:
    buf_free(&name);
    session_store_close(&store);
    return program_finish(rc, &err);
}

/* ---- key management keys ---- */

enum exit_code operator_roll_over(const char *data, bool json)
{
    struct sks_error err = { 0 };
    unsigned generation = 0;
    enum sks_status rc = data_folder_roll_over(data, &generation, &err);

    if (rc == SKS_OK && json)
        (void)printf("{\"generation\":%u}\n", generation);
    else if (rc == SKS_OK)
        (void)printf("key management key of generation %u made; a running server takes it on"
                     " SIGHUP, or when it is started\n",
                     generation);
    return program_finish(rc, &err);
}

enum exit_code operator_renew_evidence(const char *data, bool json)
{
    struct sks_error err = { 0 };
    enum sks_status rc = data_folder_renew_evidence(data, &err);

    if (rc == SKS_OK)
        (void)printf(json ? "{\"certificate\":\"evidence.pem\"}\n"
                          : "evidence key made, with its certificate evidence.pem; the old one is"
                            " kept beside it\n");
    return program_finish(rc, &err);
}

/* ---- deferred issuance ---- */

enum exit_code operator_decide(const char *data, const char *session, bool approve,
                               const char *device, const struct texts *settings)
{
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    TRY(deferred_decide(&store, session, approve, device, settings, &err));
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}

/* ---- session keys ---- */

enum exit_code operator_forget(const char *data, const char *session)
{
    static const char *const TEXTS[] = {
        [SESSION_KEY_NONE] = "was never made",
        [SESSION_KEY_SEALED] = "is forgotten",
        [SESSION_KEY_FORGOTTEN] = "was forgotten before",
    };
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    enum session_key_status status;
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    TRY(session_forget(&store, session, &status, &err));
    (void)printf("session %s: the session key %s\n", session, TEXTS[status]);
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}
