#include "conform/token/use.h"

#include "keygen2/crypto/public_key.h"
#include "keygen2/crypto/signature.h"

#include <openssl/rsa.h>

enum { HASH = 32 };

enum sks_status use_operate(struct target *target, struct check *check, uint32_t key,
                            const struct operation *operation, struct bytes *result,
                            enum sks_status wanted)
{
    union sks_in in = { .handle = key };
    union sks_out out;
    enum sks_status rc;

    if (operation->method == SYMMETRIC_KEY_ENCRYPT)
        in.symmetric_encrypt =
            (struct symmetric_encrypt_in){ .key_handle = key,
                                           .algorithm = bytes_of(operation->algorithm),
                                           .mode = !operation->decrypt,
                                           .parameters = operation->parameters,
                                           .biometric_auth = operation->biometric_auth,
                                           .authorization = bytes_of(operation->pin),
                                           .data = operation->data };
    else
        in.operation = (struct operation_in){ .key_handle = key,
                                              .algorithm = bytes_of(operation->algorithm),
                                              .parameters = operation->parameters,
                                              .biometric_auth = operation->biometric_auth,
                                              .authorization = bytes_of(operation->pin),
                                              .data = operation->data };
    rc = target_call(target, check, operation->method, &in, &out, wanted);
    if (result != NULL && rc == SKS_OK)
        *result = out.result.result;
    return rc;
}

enum sks_status use_sign(struct scene *scene, const char *pin, enum sks_status wanted)
{
    static const uint8_t DIGEST[HASH] = { 7 };
    struct operation operation = { .method = SIGN_HASHED_DATA,
                                   .algorithm = XMLDSIG_MORE_URI("ecdsa-sha256"),
                                   .pin = pin,
                                   .data = bytes_at(DIGEST, sizeof DIGEST) };

    return use_operate(scene->s.target, scene->s.check, scene->key.handle, &operation, NULL,
                       wanted);
}

enum sks_status use_authorized(struct scene *scene, enum method_id method,
                               const char *authorization, enum sks_status wanted)
{
    union sks_in in = { .authorized = { .key_handle = scene->key.handle,
                                        .authorization = bytes_of(authorization) } };

    return target_call(scene->s.target, scene->s.check, method, &in, NULL, wanted);
}

enum sks_status use_new_pin(struct scene *scene, enum method_id method, const char *authorization,
                            const char *new_pin, enum sks_status wanted)
{
    union sks_in in = { .new_pin = { .key_handle = scene->key.handle,
                                     .authorization = bytes_of(authorization),
                                     .new_pin = bytes_of(new_pin) } };

    return target_call(scene->s.target, scene->s.check, method, &in, NULL, wanted);
}

enum sks_status use_protection(struct target *target, struct check *check, uint32_t key,
                               struct key_protection_out *out)
{
    union sks_in in = { .key_handle = { key } };
    union sks_out answer = { 0 };
    enum sks_status rc = target_call(target, check, GET_KEY_PROTECTION_INFO, &in, &answer, SKS_OK);

    *out = answer.key_protection;
    return rc;
}

enum sks_status use_attributes(struct target *target, struct check *check, uint32_t key,
                               struct key_attributes_out *out)
{
    union sks_in in = { .key_handle = { key } };
    union sks_out answer = { 0 };
    enum sks_status rc = target_call(target, check, GET_KEY_ATTRIBUTES, &in, &answer, SKS_OK);

    *out = answer.key_attributes;
    return rc;
}

enum sks_status use_expect_tries(struct scene *scene, unsigned status, unsigned pin_errors,
                                 unsigned puk_errors)
{
    struct check *check = scene->s.check;
    struct key_protection_out out;
    enum sks_status rc;

    TRY(use_protection(scene->s.target, check, scene->key.handle, &out));
    TRY(expect_number(check, "getKeyProtectionInfo: pinErrorCount", pin_errors,
                      out.pin_error_count));
    TRY(expect_number(check, "getKeyProtectionInfo: pukErrorCount", puk_errors,
                      out.puk_error_count));
    rc = expect_number(check, "getKeyProtectionInfo: protectionStatus", status,
                       out.protection_status);
out:
    return rc;
}

enum sks_status use_expect_key(struct target *target, struct check *check, uint32_t key, bool there)
{
    union sks_in in = { .key_handle = { key } };

    return target_call(target, check, GET_KEY_ATTRIBUTES, &in, NULL,
                       there ? SKS_OK : SKS_ERROR_NO_KEY);
}

/* ---- signatures ---- */

/* ECDSA as OpenSSL reads it; all others are as they are. */
static enum sks_status to_openssl(const struct algorithm *algorithm, struct bytes signature,
                                  struct buf *out)
{
    if (algorithm->kind == KEY_KIND_EC)
        return put_ecdsa_der(out, signature);
    put_raw(out, signature);
    return out->status;
}

/* Of a hash, or of the octets in its place. */
static bool verifies_hash(EVP_PKEY *key, const struct algorithm *algorithm, struct bytes data,
                          struct bytes signature)
{
    const EVP_MD *digest =
        algorithm->openssl == NULL ? NULL : EVP_get_digestbyname(algorithm->openssl);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) > 0;

    if (good && algorithm->kind == KEY_KIND_RSA)
        good = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    if (good && digest != NULL)
        good = EVP_PKEY_CTX_set_signature_md(ctx, digest) > 0;
    good = good && EVP_PKEY_verify(ctx, signature.ptr, signature.len, data.ptr, data.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool verifies(EVP_PKEY *key, const struct algorithm *algorithm, struct bytes data,
                     struct bytes signature)
{
    EVP_MD_CTX *ctx;
    bool good;

    if (algorithm->kind != KEY_KIND_ED25519)
        return verifies_hash(key, algorithm, data, signature);
    ctx = EVP_MD_CTX_new();
    good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) > 0 &&
           EVP_DigestVerify(ctx, signature.ptr, signature.len, data.ptr, data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

enum sks_status use_verify(struct check *check, const struct algorithm *algorithm,
                           struct bytes public_key, struct bytes data, struct bytes signature)
{
    EVP_PKEY *key = NULL;
    struct buf value = { 0 };
    struct public_key parts;
    enum sks_status rc;

    TRY(public_key_load(public_key, &key));
    TRY(public_key_parse(public_key, &parts));
    if (parts.kind == KEY_KIND_EC)
        TRY(expect_number(check, "length of the signature, r and s of field length",
                          2 * parts.x.len, signature.len));
    rc = to_openssl(algorithm, signature, &value);
    rc = expect_true(check, rc == SKS_OK && verifies(key, algorithm, data, buf_bytes(&value)),
                     "signHashedData: result", "a signature that OpenSSL verifies with the key",
                     "another");
out:
    buf_free(&value);
    EVP_PKEY_free(key);
    return rc;
}
