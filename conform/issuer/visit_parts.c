/* What the answers of a session have in common. */
#include "conform/issuer/visit.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>

enum sks_status visit_blame(struct visit *v, const char *message, const char *wanted,
                            const char *format, ...)
{
    char came[FINDING_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(came, sizeof came, format, args);
    va_end(args);
    return check_fail(v->check, message, wanted, "%s", came);
}

enum sks_status visit_keep(struct visit *v, struct buf *data, struct bytes *kept)
{
    enum sks_status rc = data->status;

    if (rc == SKS_OK) {
        *kept = arena_copy(&v->check->arena, buf_bytes(data));
        rc = kept->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
    }
    buf_free(data);
    return sks_explain(&v->check->err, rc);
}

enum sks_status visit_encode(struct visit *v, const struct json_type *type, const void *message)
{
    buf_reset(&v->response);
    return sks_explain(&v->check->err, keygen2_encode(type, message, &v->response));
}

enum sks_status visit_mac(struct visit *v, const char *message, const struct order *order,
                          struct buf *data)
{
    unsigned counter = v->sk.counter;
    uint8_t wanted[SKS_MAC_SIZE];
    const char *field = arena_printf(
        &v->check->arena, "%s: mac of %s %.*s (counter %u)", message, order->method,
        (int)order->id.len, order->id.len == 0 ? "" : (const char *)order->id.ptr, counter);
    enum sks_status rc;

    TRY(sks_explain(&v->check->err, data->status));
    TRY(sks_explain(&v->check->err, session_mac(&v->sk, order->method, buf_bytes(data), wanted)));
    rc = expect_bytes(v->check, field == NULL ? order->method : field,
                      bytes_at(wanted, sizeof wanted), order->mac);
out:
    return rc;
}

enum sks_status visit_attest(struct visit *v, const struct visit_key *key, struct buf *data,
                             struct bytes *attestation)
{
    struct session_key sk = v->sk;
    uint8_t mac[SKS_MAC_SIZE];
    enum sks_status rc;

    if (v->bends.attest != NULL)
        v->bends.attest(v, key, &sk, data);
    TRY(data->status);
    TRY(session_mac(&sk, MAC_DEVICE_ATTESTATION, buf_bytes(data), mac));
    v->sk.counter++;
    *attestation = arena_copy(&v->check->arena, bytes_at(mac, sizeof mac));
    rc = attestation->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(data);
    return sks_explain(&v->check->err, rc);
}

enum sks_status visit_ids(struct visit *v, const char *message, struct bytes server_id,
                          struct bytes client_id)
{
    char field[100];
    enum sks_status rc;

    (void)snprintf(field, sizeof field, "%s: serverSessionId", message);
    TRY(expect_bytes(v->check, field, v->terms.server_session_id, server_id));
    (void)snprintf(field, sizeof field, "%s: clientSessionId", message);
    rc = expect_bytes(v->check, field, v->terms.client_session_id, client_id);
out:
    return rc;
}
