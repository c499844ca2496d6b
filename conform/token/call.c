/* Calls of a session, filled with what is right. */
#include "conform/token/session.h"

#include "keygen2/crypto/signature.h"

#include <openssl/x509.h>
#include <string.h>

enum { OBJECT_ID = 12 /* characters */, NONCE = 32 };

static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";

void call_begin(struct call *call, enum method_id method, uint32_t handle)
{
    *call = (struct call){ .method = method };
    call->in.handle = handle;
}

void call_puk(struct session *s, struct call *call, const char *value)
{
    call_begin(call, CREATE_PUK_POLICY, s->handle);
    call->in.create_puk_policy.policy =
        (struct puk_policy){ .id = check_draw_id(s->check, OBJECT_ID),
                             .encrypted_puk = session_seal(s, bytes_of(value)),
                             .format = FORMAT_NUMERIC,
                             .retry_limit = 3 };
}

void call_pin(struct session *s, struct call *call, const struct policy *puk)
{
    call_begin(call, CREATE_PIN_POLICY, s->handle);
    call->puk = puk;
    call->in.create_pin_policy.puk_policy_handle = puk == NULL ? 0 : puk->handle;
    call->in.create_pin_policy.policy =
        (struct pin_policy){ .id = check_draw_id(s->check, OBJECT_ID),
                             .user_defined = true,
                             .user_modifiable = true,
                             .format = FORMAT_NUMERIC,
                             .retry_limit = 3,
                             .min_length = 4,
                             .max_length = 8 };
}

void call_key(struct session *s, struct call *call, const struct policy *pin, const char *value)
{
    struct key_entry *key = &call->in.create_key_entry.key;

    call_begin(call, CREATE_KEY_ENTRY, s->handle);
    call->pin = pin;
    call->in.create_key_entry.pin_policy_handle = pin == NULL ? 0 : pin->handle;
    *key = (struct key_entry){ .id = check_draw_id(s->check, OBJECT_ID),
                               .key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM),
                               .export_protection = PROTECTION_NOT_ALLOWED,
                               .key_algorithm = bytes_of(P256) };
    if (pin != NULL)
        key->pin_value = pin->user_defined ? bytes_of(value) : session_seal(s, bytes_of(value));
}

enum sks_status call_certify(struct session *s, struct call *call, const struct key *key)
{
    struct bytes *path = arena_alloc(&s->check->arena, 1, sizeof *path);
    enum sks_status rc = SKS_OK;

    call_begin(call, SET_CERTIFICATE_PATH, key->handle);
    call->key = key;
    REQUIRE(path != NULL, &s->check->err, SKS_ERROR_STORAGE, "no memory");
    path[0] = key->certificate;
    call->in.set_certificate_path.certificate_path = (struct bytes_list){ path, 1 };
out:
    return rc;
}

enum sks_status call_import_symmetric(struct session *s, struct call *call, const struct key *key,
                                      struct bytes value)
{
    enum sks_status rc = SKS_OK;

    call_begin(call, IMPORT_SYMMETRIC_KEY, key->handle);
    call->key = key;
    call->in.import_key.encrypted_key = session_seal(s, value);
    REQUIRE(call->in.import_key.encrypted_key.ptr != NULL, &s->check->err, SKS_ERROR_STORAGE,
            "no memory");
out:
    return rc;
}

enum sks_status put_pkcs8(struct buf *out, EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    PKCS8_PRIV_KEY_INFO_free(info);
    if (len <= 0)
        return SKS_ERROR_CRYPTO;
    put_raw(out, bytes_at(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return out->status;
}

enum sks_status call_import_private(struct session *s, struct call *call, const struct key *key,
                                    EVP_PKEY *value)
{
    struct buf der = { 0 };
    enum sks_status rc;

    TRY(sks_explain(&s->check->err, put_pkcs8(&der, value)));
    rc = call_import_symmetric(s, call, key, buf_bytes(&der));
    call->method = IMPORT_PRIVATE_KEY;
out:
    buf_free(&der);
    return rc;
}

enum sks_status call_extension(struct session *s, struct call *call, const struct key *key,
                               const char *type, enum sks_extension sub_type, struct bytes data)
{
    struct extension *extension = &call->in.add_extension.extension;

    call_begin(call, ADD_EXTENSION, key->handle);
    call->key = key;
    *extension = (struct extension){ .type = bytes_of(type), .sub_type = (uint8_t)sub_type };
    extension->qualifier = bytes_of(sub_type == EXTENSION_LOGOTYPE ? "image/png" : "");
    extension->data = sub_type == EXTENSION_ENCRYPTED ? session_seal(s, data) : data;
    return SKS_OK;
}

enum sks_status call_post(struct session *s, struct call *call, enum method_id method,
                          const struct key *key, const struct key *target, EVP_PKEY *kmk)
{
    struct buf reference = { 0 }, signature = { 0 };
    struct bytes authorization;
    enum sks_status rc;

    TRY(put_target_reference(&reference, &s->sk, s->device_id, target->certificate));
    TRY(sign_sha256(kmk, buf_bytes(&reference), &signature));
    authorization = arena_copy(&s->check->arena, buf_bytes(&signature));
    call_begin(call, method, key == NULL ? s->handle : key->handle);
    call->key = key;
    call->in.post_key.target_key_handle = target->handle; /* where post_session has it too */
    call->in.post_key.authorization = authorization;
out:
    buf_free(&reference);
    buf_free(&signature);
    return rc;
}

void call_close(struct session *s, struct call *call)
{
    uint8_t *nonce = arena_alloc(&s->check->arena, NONCE, 1);

    call_begin(call, CLOSE_PROVISIONING_SESSION, s->handle);
    if (nonce == NULL)
        return;
    check_draw(s->check, nonce, NONCE);
    call->in.close_session.nonce = bytes_at(nonce, NONCE);
}
