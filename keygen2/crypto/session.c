#include "keygen2/crypto/session.h"
#include "keygen2/crypto/fetched.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char MAC_CLOSE_SESSION[] = "closeProvisioningSession";
/* The text has createPukPolicy and createPinPolicy; every token in the field has capitals. */
const char MAC_CREATE_PUK_POLICY[] = "createPUKPolicy";
const char MAC_CREATE_PIN_POLICY[] = "createPINPolicy";
const char MAC_CREATE_KEY_ENTRY[] = "createKeyEntry";
const char MAC_SET_CERTIFICATE_PATH[] = "setCertificatePath";
const char MAC_IMPORT_SYMMETRIC_KEY[] = "importSymmetricKey";
const char MAC_IMPORT_PRIVATE_KEY[] = "importPrivateKey";
const char MAC_ADD_EXTENSION[] = "addExtension";
const char MAC_POST_DELETE_KEY[] = "postDeleteKey";
const char MAC_POST_UNLOCK_KEY[] = "postUnlockKey";
const char MAC_POST_UPDATE_KEY[] = "postUpdateKey";
const char MAC_POST_CLONE_KEY_PROTECTION[] = "postCloneKeyProtection";
const char MAC_DEVICE_ATTESTATION[] = "DeviceAttestation";

static const char ENCRYPTION_KEY[] = "EncryptionKey";
static const char TARGET_KEY_REFERENCE[] = "TargetKeyReference";
static const char ROLL_OVER_AUTHORIZATION[] = "RollOverAuthorization";

enum { AES_BLOCK = 16, AES_KEY = 32 };

static struct bytes key_of(const struct session_key *sk)
{
    return bytes_at(sk->key, sizeof sk->key);
}

/* HMAC() looks its parts up by name at each call; this has them, and is copied. */
static EVP_MAC_CTX *hmac_template;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

static void free_hmac_template(void)
{
    EVP_MAC_CTX_free(hmac_template);
}

static void make_hmac_template(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    hmac_template = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (hmac_template == NULL)
        return;
    if (!EVP_MAC_CTX_set_params(hmac_template, params) || atexit(free_hmac_template) != 0) {
        free_hmac_template();
        hmac_template = NULL;
    }
}

enum sks_status hmac_sha256(struct bytes key, struct bytes data, uint8_t mac[32])
{
    static const uint8_t nothing[1];
    const uint8_t *key_ptr = key.len == 0 ? nothing : key.ptr;
    EVP_MAC_CTX *ctx;
    size_t len = 0;
    bool ok;

    (void)pthread_once(&hmac_once, make_hmac_template);
    if (hmac_template == NULL) /* no memory when it was made */
        return HMAC(EVP_sha256(), key_ptr, (int)key.len, data.len == 0 ? nothing : data.ptr,
                    data.len, mac, NULL) == NULL
                   ? SKS_ERROR_CRYPTO
                   : SKS_OK;
    ctx = EVP_MAC_CTX_dup(hmac_template);
    ok = ctx != NULL && EVP_MAC_init(ctx, key_ptr, key.len, NULL) &&
         EVP_MAC_update(ctx, data.ptr, data.len) && EVP_MAC_final(ctx, mac, &len, 32) && len == 32;
    EVP_MAC_CTX_free(ctx);
    return ok ? SKS_OK : SKS_ERROR_CRYPTO;
}

enum sks_status ecdh_raw(EVP_PKEY *own, struct bytes peer_spki, struct buf *z)
{
    EVP_PKEY *peer = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    size_t len = 0;
    enum sks_status rc;

    TRY(public_key_borrow(peer_spki, &peer)); /* checks the curve, so set_peer need not again */
    rc = SKS_ERROR_CRYPTO;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    if (ctx == NULL || EVP_PKEY_derive_init(ctx) <= 0 ||
        EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) <= 0 || EVP_PKEY_derive(ctx, NULL, &len) <= 0)
        goto out;
    if (!buf_reserve(z, len)) {
        rc = z->status;
        goto out;
    }
    if (EVP_PKEY_derive(ctx, z->ptr + z->len, &len) <= 0)
        goto out;
    z->len += len;
    rc = SKS_OK;
out:
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return rc;
}

enum sks_status session_key_derive(EVP_PKEY *own, struct bytes peer_spki,
                                   const struct session_terms *terms, struct bytes device_id,
                                   struct session_key *sk)
{
    struct buf z = { 0 }, data = { 0 };
    enum sks_status rc;

    TRY(ecdh_raw(own, peer_spki, &z));
    put_array(&data, terms->client_session_id);
    put_array(&data, terms->server_session_id);
    put_array(&data, terms->issuer_uri);
    put_array(&data, device_id);
    TRY(data.status);
    sk->counter = 0;
    TRY(hmac_sha256(buf_bytes(&z), buf_bytes(&data), sk->key));
out:
    buf_free(&z);
    buf_free(&data);
    return rc;
}

void put_session_attestation_data(struct buf *out, const struct session_terms *terms,
                                  struct bytes device_id, struct bytes client_ephemeral_key)
{
    put_array(out, terms->client_session_id);
    put_array(out, terms->server_session_id);
    put_array(out, terms->issuer_uri);
    put_array(out, device_id);
    put_array(out, terms->session_key_algorithm);
    put_bool(out, terms->privacy_enabled);
    put_array(out, terms->server_ephemeral_key);
    put_array(out, client_ephemeral_key);
    put_array(out, terms->key_management_key);
    put_uint(out, terms->client_time);
    put_ushort(out, terms->session_life_time);
    put_ushort(out, terms->session_key_limit);
    put_array(out, terms->server_certificate);
}

enum sks_status session_mac(struct session_key *sk, const char *method, struct bytes data,
                            uint8_t mac[SKS_MAC_SIZE])
{
    struct buf key = { 0 };
    enum sks_status rc;

    put_raw(&key, key_of(sk));
    put_text(&key, method);
    put_ushort(&key, sk->counter);
    sk->counter++;
    TRY(key.status);
    TRY(hmac_sha256(buf_bytes(&key), data, mac));
out:
    buf_free(&key);
    return rc;
}

enum sks_status session_mac_verify(struct session_key *sk, const char *method, struct bytes data,
                                   struct bytes mac)
{
    uint8_t expected[SKS_MAC_SIZE];
    enum sks_status rc = session_mac(sk, method, data, expected);

    if (rc == SKS_OK && !bytes_equal_secret(bytes_at(expected, sizeof expected), mac))
        rc = SKS_ERROR_MAC;
    OPENSSL_cleanse(expected, sizeof expected);
    return rc;
}

void put_mac_close(struct buf *out, const struct session_terms *terms, struct bytes nonce)
{
    put_array(out, terms->client_session_id);
    put_array(out, terms->server_session_id);
    put_array(out, terms->issuer_uri);
    put_array(out, nonce);
}

void put_mac_puk_policy(struct buf *out, const struct puk_policy *policy)
{
    put_array(out, policy->id);
    put_array(out, policy->encrypted_puk);
    put_byte(out, policy->format);
    put_ushort(out, policy->retry_limit);
}

void put_mac_pin_policy(struct buf *out, const struct pin_policy *policy, struct bytes puk_id)
{
    put_array(out, policy->id);
    put_array(out, puk_id);
    put_bool(out, policy->user_defined);
    put_bool(out, policy->user_modifiable);
    put_byte(out, policy->format);
    put_ushort(out, policy->retry_limit);
    put_byte(out, policy->grouping);
    put_byte(out, policy->pattern_restrictions);
    put_ushort(out, policy->min_length);
    put_ushort(out, policy->max_length);
    put_byte(out, policy->input_method);
}

void put_mac_key_entry(struct buf *out, const struct key_entry *key, struct bytes pin_policy_id,
                       bool pin_is_encrypted)
{
    put_array(out, key->id);
    put_array(out, key->key_entry_algorithm);
    put_array(out, key->server_seed);
    put_array(out, pin_policy_id);
    put_array(out, pin_is_encrypted ? key->pin_value : (struct bytes){ 0 });
    put_bool(out, key->device_pin_protection);
    put_bool(out, key->enable_pin_caching);
    put_byte(out, key->biometric_protection);
    put_byte(out, key->export_protection);
    put_byte(out, key->delete_protection);
    put_byte(out, key->app_usage);
    put_array(out, key->friendly_name);
    put_array(out, key->key_algorithm);
    put_array(out, key->key_parameters);
    for (size_t i = 0; i < key->endorsed_algorithms.count; i++)
        put_array(out, key->endorsed_algorithms.item[i]);
}

void put_mac_certificate_path(struct buf *out, struct bytes public_key, struct bytes id,
                              const struct bytes_list *path)
{
    put_array(out, public_key);
    put_array(out, id);
    for (size_t i = 0; i < path->count; i++)
        put_array(out, path->item[i]);
}

void put_mac_import(struct buf *out, struct bytes certificate, struct bytes encrypted_key)
{
    put_array(out, certificate);
    put_array(out, encrypted_key);
}

void put_mac_extension(struct buf *out, struct bytes certificate, const struct extension *extension)
{
    put_array(out, certificate);
    put_array(out, extension->type);
    put_byte(out, extension->sub_type);
    put_array(out, extension->qualifier);
    put_blob(out, extension->data); /* the one length of four bytes in a MAC */
}

void put_mac_post_key(struct buf *out, struct bytes certificate, struct bytes authorization)
{
    put_array(out, certificate);
    put_array(out, authorization);
}

void put_mac_post_session(struct buf *out, struct bytes authorization)
{
    put_array(out, authorization);
}

void put_attested_close(struct buf *out, struct bytes nonce)
{
    put_array(out, nonce);
}

void put_attested_key(struct buf *out, struct bytes public_key, struct bytes mac)
{
    put_array(out, public_key);
    put_array(out, mac);
}

/* Runs AES-256-CBC with PKCS #5 padding and appends the result. */
static enum sks_status run_cipher(const struct session_key *sk, bool encrypt, const uint8_t *iv,
                                  struct bytes in, struct buf *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[AES_KEY];
    int len = 0, last = 0;
    enum sks_status rc;

    TRY(hmac_sha256(key_of(sk), bytes_of(ENCRYPTION_KEY), key));
    rc = SKS_ERROR_STORAGE;
    if (ctx == NULL || in.len > INT32_MAX - AES_BLOCK || !buf_reserve(out, in.len + AES_BLOCK))
        goto out;
    rc = SKS_ERROR_CRYPTO;
    if (EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt) <= 0 ||
        EVP_CipherUpdate(ctx, out->ptr + out->len, &len, in.ptr, (int)in.len) <= 0 ||
        EVP_CipherFinal_ex(ctx, out->ptr + out->len + len, &last) <= 0)
        goto out;
    out->len += (size_t)(len + last);
    rc = SKS_OK;
out:
    OPENSSL_cleanse(key, sizeof key);
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

enum sks_status session_encrypt(const struct session_key *sk, struct bytes clear, struct buf *out)
{
    uint8_t iv[AES_BLOCK];

    if (RAND_bytes(iv, sizeof iv) <= 0)
        return SKS_ERROR_CRYPTO;
    put_raw(out, bytes_at(iv, sizeof iv));
    return run_cipher(sk, true, iv, clear, out);
}

enum sks_status session_decrypt(const struct session_key *sk, struct bytes encrypted,
                                struct buf *clear)
{
    if (encrypted.len < 2 * AES_BLOCK || encrypted.len % AES_BLOCK != 0)
        return SKS_ERROR_CRYPTO;
    return run_cipher(sk, false, encrypted.ptr,
                      bytes_at(encrypted.ptr + AES_BLOCK, encrypted.len - AES_BLOCK), clear);
}

enum sks_status put_target_reference(struct buf *out, const struct session_key *sk,
                                     struct bytes device_id, struct bytes certificate)
{
    struct buf key = { 0 };
    uint8_t mac[32];
    enum sks_status rc;

    put_raw(&key, key_of(sk));
    put_raw(&key, device_id); /* without a length here, unlike everywhere else */
    TRY(key.status);
    TRY(hmac_sha256(buf_bytes(&key), certificate, mac));
    put_text(out, TARGET_KEY_REFERENCE);
    put_raw(out, bytes_at(mac, sizeof mac));
    rc = out->status;
out:
    buf_free(&key);
    return rc;
}

enum sks_status session_lookup_nonce(const struct session_terms *terms, uint8_t nonce[32])
{
    struct buf ids = { 0 };
    enum sks_status rc;

    put_array(&ids, terms->client_session_id);
    put_array(&ids, terms->server_session_id);
    TRY(ids.status);
    TRY(sha256(buf_bytes(&ids), nonce));
out:
    buf_free(&ids);
    return rc;
}

enum sks_status session_lookup_nonce_verify(const struct session_terms *terms, struct bytes nonce)
{
    uint8_t expected[32];
    enum sks_status rc = session_lookup_nonce(terms, expected);

    if (rc == SKS_OK && !bytes_equal(bytes_at(expected, sizeof expected), nonce))
        rc = SKS_ERROR_MAC;
    return rc;
}

void put_roll_over(struct buf *out, struct bytes new_key)
{
    put_text(out, ROLL_OVER_AUTHORIZATION);
    put_raw(out, new_key);
}
