#include "tests/plain/support/tale.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "tests/plain/support/issuing.h"
#include "tests/plain/support/user.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#define SKS "https://webpki.github.io/sks/algorithm#"

static const char PUK[] = "123456", BAG[] = "https://example.com/bag";
static const uint8_t SECRET[32] = { 0x5e };

static struct tale {
    EVP_PKEY *kmk, *rsa;
    struct issuing old, new;
    struct issued_policy puk, pin, preset;
    struct issued_key deleted, updated, cloned, locked; /* of the old session */
    struct issued_key own, symmetric, rsa_key, update, clone;
} tale;

static void done(enum sks_status status, const char *what)
{
    must(status == SKS_OK, what);
}

static void refused(enum sks_status status, const char *what)
{
    must(status == SKS_ERROR_AUTHORIZATION, what);
}

static struct pin_policy pin_policy(const char *id, uint8_t grouping, bool user_defined)
{
    return (struct pin_policy){ .id = bytes_of(id),
                                .user_defined = user_defined,
                                .user_modifiable = true,
                                .retry_limit = 3,
                                .grouping = grouping,
                                .min_length = 4,
                                .max_length = 8 };
}

static void make_key(struct issuing *s, const char *id, const struct issued_policy *policy,
                     const char *pin, struct issued_key *key)
{
    const struct key_entry what = {
        .id = bytes_of(id),
        .pin_value = bytes_of(pin),
        .export_protection = policy == NULL ? PROTECTION_NONE : PROTECTION_PIN,
        .delete_protection = policy == NULL ? PROTECTION_NONE : PROTECTION_PUK,
        .app_usage = APP_USAGE_UNIVERSAL,
        .key_algorithm = bytes_of(P256),
    };

    done(issuing_key(s, &what, policy, key), "createKeyEntry");
}

static void certify(struct issuing *s, struct issued_key *key)
{
    done(issuing_certify(s, key, (struct bytes){ 0 }), "setCertificatePath");
}

static void extend(struct issuing *s, const struct issued_key *key, uint8_t sub_type,
                   const char *type, struct bytes data)
{
    const struct extension extension = {
        .type = bytes_of(type),
        .sub_type = sub_type,
        .qualifier = bytes_of(sub_type == EXTENSION_LOGOTYPE ? "image/png" : ""),
        .data = data,
    };

    done(issuing_extend(s, key, &extension), "addExtension");
}

/* Keys that the new session's issuer manages; one of them is blocked. */
static void tell_of_old_keys(struct tale *t, struct token *token)
{
    const struct pin_policy shared = pin_policy("PIN.1", GROUPING_SHARED, true);
    const struct pin_policy single = pin_policy("PIN.2", GROUPING_NONE, true);
    struct issued_policy pin;

    done(issuing_begin(&t->old, token, t->kmk), "createProvisioningSession");
    done(issuing_puk_policy(&t->old, "PUK.1", PUK, 3, &t->puk), "createPukPolicy");
    done(issuing_pin_policy(&t->old, &shared, &t->puk, &pin), "createPinPolicy");
    make_key(&t->old, "updated", &pin, "1111", &t->updated);
    certify(&t->old, &t->updated);
    make_key(&t->old, "cloned", &pin, "1111", &t->cloned);
    certify(&t->old, &t->cloned);
    done(issuing_pin_policy(&t->old, &single, &t->puk, &pin), "createPinPolicy");
    make_key(&t->old, "locked", &pin, "2222", &t->locked);
    certify(&t->old, &t->locked);
    make_key(&t->old, "deleted", NULL, "", &t->deleted);
    certify(&t->old, &t->deleted);
    extend(&t->old, &t->deleted, EXTENSION_PLAIN, BAG, bytes_of("data"));
    done(issuing_close(&t->old), "closeProvisioningSession");
    refused(try_sign(token, t->cloned.handle, "0000"), "wrong PIN");
    for (int i = 0; i < 3; i++)
        refused(try_sign(token, t->locked.handle, "0000"), "wrong PIN");
}

static void tell_of_keys(struct tale *t)
{
    const struct pin_policy policy = pin_policy("PIN.1", GROUPING_SHARED, true);
    const struct pin_policy preset = pin_policy("PIN.2", GROUPING_UNIQUE, false);
    struct issuing *s = &t->new;

    done(issuing_begin(s, NULL, t->kmk), "createProvisioningSession");
    done(issuing_puk_policy(s, "PUK.1", PUK, 3, &t->puk), "createPukPolicy");
    done(issuing_pin_policy(s, &policy, &t->puk, &t->pin), "createPinPolicy");
    done(issuing_pin_policy(s, &preset, NULL, &t->preset), "createPinPolicy");
    make_key(s, "own", &t->pin, "4711", &t->own);
    certify(s, &t->own);
    make_key(s, "rsa", NULL, "", &t->rsa_key);
    make_key(s, "update", NULL, "", &t->update);
    certify(s, &t->update);
    make_key(s, "clone", NULL, "", &t->clone);
    certify(s, &t->clone);
}

static void tell_of_preset_key(struct tale *t)
{
    const struct key_entry what = { .id = bytes_of("symmetric"),
                                    .pin_value = bytes_of("0815"),
                                    .key_algorithm = bytes_of(P256) };

    done(issuing_key(&t->new, &what, &t->preset, &t->symmetric), "createKeyEntry");
    certify(&t->new, &t->symmetric);
    done(issuing_import_symmetric(&t->new, &t->symmetric, bytes_at(SECRET, sizeof SECRET)),
         "importSymmetricKey");
}

static void tell_of_import(struct tale *t)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(t->rsa);
    struct buf spki = { 0 };
    uint8_t *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

    must(len > 0 && put_pkey(&spki, t->rsa) == SKS_OK, "RSA key");
    done(issuing_certify(&t->new, &t->rsa_key, buf_bytes(&spki)), "setCertificatePath");
    done(issuing_import_private(&t->new, &t->rsa_key, bytes_at(der, (size_t)len)),
         "importPrivateKey");
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    buf_free(&spki);
}

static void tell_of_extensions(struct tale *t)
{
    static const uint8_t logotype[6000] = { 0x89 }; /* more than a page */
    struct buf bag = { 0 };

    put_string(&bag, "name");
    put_bool(&bag, true);
    put_string(&bag, "value");
    extend(&t->new, &t->own, EXTENSION_PROPERTY_BAG, BAG, buf_bytes(&bag));
    extend(&t->new, &t->own, EXTENSION_ENCRYPTED, "https://example.com/secret", bytes_of("secret"));
    extend(&t->new, &t->own, EXTENSION_LOGOTYPE, "https://example.com/logo",
           bytes_at(logotype, sizeof logotype));
    buf_free(&bag);
}

static void tell_of_end(struct tale *t)
{
    const union sks_in in = { .get_key_handle = { t->new.handle, bytes_of("own") } };
    struct arena arena = { 0 };
    union sks_out out;

    done(user_call(NULL, GET_KEY_HANDLE, &in, &out, &arena, NULL), "getKeyHandle");
    arena_free(&arena);
    done(issuing_post(&t->new, POST_DELETE, t->kmk, NULL, &t->deleted), "postDeleteKey");
    done(issuing_post(&t->new, POST_UNLOCK, t->kmk, NULL, &t->locked), "postUnlockKey");
    done(issuing_post(&t->new, POST_UPDATE, t->kmk, &t->update, &t->updated), "postUpdateKey");
    done(issuing_post(&t->new, POST_CLONE, t->kmk, &t->clone, &t->cloned),
         "postCloneKeyProtection");
    done(issuing_close(&t->new), "closeProvisioningSession");
}

static void encrypt_rsa(EVP_PKEY *pkey, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    must(EVP_PKEY_encrypt_init(ctx) > 0 &&
             EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
             EVP_PKEY_encrypt(ctx, out, len, SECRET, sizeof SECRET) > 0,
         "encryption");
    EVP_PKEY_CTX_free(ctx);
}

static void tell_of_operations(struct tale *t)
{
    const struct bytes data = bytes_at(SECRET, sizeof SECRET);
    const union sks_in in = { .symmetric_encrypt = { .key_handle = t->symmetric.handle,
                                                     .algorithm = bytes_of(SKS "aes.ecb.nopad"),
                                                     .mode = true,
                                                     .authorization = bytes_of("0815"),
                                                     .data = data } };
    struct arena arena = { 0 };
    uint8_t encrypted[512];
    size_t len = sizeof encrypted;
    union sks_out out;

    done(try_sign(NULL, t->own.handle, "4711"), "sign");
    refused(try_sign(NULL, t->own.handle, "0000"), "wrong PIN");
    done(try_sign(NULL, t->own.handle, "4711"), "sign after a wrong PIN");
    done(try_sign(NULL, t->updated.handle, "1111"), "sign with an updated key");
    done(try_operation(NULL, SIGN_HASHED_DATA, t->rsa_key.handle,
                       "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", NULL, data),
         "sign with RSA");
    encrypt_rsa(t->rsa, encrypted, &len);
    done(try_operation(NULL, ASYMMETRIC_KEY_DECRYPT, t->rsa_key.handle, SKS "rsa.es.pkcs1_5", NULL,
                       bytes_at(encrypted, len)),
         "decrypt");
    done(try_operation(NULL, KEY_AGREEMENT, t->own.handle, SKS "ecdh.raw", "4711",
                       t->own.public_key),
         "key agreement");
    done(try_operation(NULL, PERFORM_HMAC, t->symmetric.handle,
                       "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "0815", data),
         "HMAC");
    done(user_call(NULL, SYMMETRIC_KEY_ENCRYPT, &in, &out, &arena, NULL), "encrypt");
    arena_free(&arena);
}

static void tell_of_looking(struct tale *t)
{
    const union sks_in nothing = { 0 }, key = { .key_handle = { t->own.handle } };
    const union sks_in closed = { .enumerate_sessions = { t->new.handle, false } };
    struct key_protection_out protection;
    struct arena arena = { 0 };
    union sks_out out;

    done(user_call(NULL, GET_DEVICE_INFO, &nothing, &out, &arena, NULL), "getDeviceInfo");
    done(user_call(NULL, ENUMERATE_PROVISIONING_SESSIONS, &closed, &out, &arena, NULL),
         "enumerateProvisioningSessions");
    must(next_key(NULL, 0) != 0, "enumerateKeys");
    done(user_call(NULL, GET_KEY_ATTRIBUTES, &key, &out, &arena, NULL), "getKeyAttributes");
    done(try_protection(NULL, t->own.handle, &protection), "getKeyProtectionInfo");
    done(try_get_extension(NULL, t->own.handle, BAG), "getExtension");
    arena_free(&arena);
}

static void tell_of_new_kmk(struct tale *t)
{
    EVP_PKEY *kmk = new_p256();
    struct buf spki = { 0 }, data = { 0 }, signature = { 0 };
    union sks_in in = { 0 };
    struct arena arena = { 0 };
    union sks_out out;

    must(put_pkey(&spki, kmk) == SKS_OK, "public key");
    put_roll_over(&data, buf_bytes(&spki));
    must(sign_sha256(t->kmk, buf_bytes(&data), &signature) == SKS_OK, "signature");
    in.update_kmk =
        (struct update_kmk_in){ t->new.handle, buf_bytes(&spki), buf_bytes(&signature) };
    done(user_call(NULL, UPDATE_KEY_MANAGEMENT_KEY, &in, &out, &arena, NULL),
         "updateKeyManagementKey");
    arena_free(&arena);
    buf_free(&signature);
    buf_free(&data);
    buf_free(&spki);
    EVP_PKEY_free(kmk);
}

static void tell_of_management(struct tale *t)
{
    uint32_t own = t->own.handle;

    done(try_set_property(NULL, own, BAG, "name", "another value"), "setProperty");
    done(try_new_pin(NULL, CHANGE_PIN, own, "4711", "4712"), "changePin");
    refused(try_new_pin(NULL, CHANGE_PIN, own, "4711", "4713"), "wrong PIN");
    refused(try_manage(NULL, UNLOCK_KEY, own, "000000"), "wrong PUK");
    done(try_manage(NULL, UNLOCK_KEY, own, PUK), "unlockKey");
    done(try_new_pin(NULL, SET_PIN, own, PUK, "4714"), "setPin");
    refused(try_manage(NULL, EXPORT_KEY, own, "4712"), "wrong PIN");
    done(try_manage(NULL, EXPORT_KEY, own, "4714"), "exportKey");
    tell_of_new_kmk(t);
    done(try_manage(NULL, DELETE_KEY, own, PUK), "deleteKey");
    done(try_manage(NULL, DELETE_KEY, t->rsa_key.handle, NULL), "deleteKey");
}

static void tell_of_abort(struct tale *t)
{
    issuing_free(&t->old);
    done(issuing_begin(&t->old, NULL, NULL), "createProvisioningSession");
    done(issuing_puk_policy(&t->old, "PUK.1", PUK, 0, &t->puk), "createPukPolicy");
    done(issuing_abort(&t->old), "abortProvisioningSession");
}

void tale_begin(struct token *token)
{
    tale.kmk = new_p256();
    tale.rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    must(tale.rsa != NULL, "RSA key");
    tell_of_old_keys(&tale, token);
}

void tale_tell(void)
{
    tell_of_keys(&tale);
    tell_of_preset_key(&tale);
    tell_of_import(&tale);
    tell_of_extensions(&tale);
    tell_of_end(&tale);
    tell_of_operations(&tale);
    tell_of_looking(&tale);
    tell_of_management(&tale);
    tell_of_abort(&tale);
    issuing_free(&tale.old);
    issuing_free(&tale.new);
    EVP_PKEY_free(tale.kmk);
    EVP_PKEY_free(tale.rsa);
    tale = (struct tale){ 0 };
}
