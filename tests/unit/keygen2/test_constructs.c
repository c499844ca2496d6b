/* The session constructs against values computed outside our own code. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/session.h"
#include "keygen2/crypto/signature.h"
#include "tests/unit/support/kat.h"

#include <criterion/criterion.h>
#include <openssl/x509.h>
#include <string.h>

/* PKCS #8, which our programs never read from the wire. */
static EVP_PKEY *load_pkcs8(struct bytes der)
{
    const uint8_t *p = der.ptr;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)der.len);

    cr_assert_not_null(pkey);
    return pkey;
}

static struct session_key session_key_of(struct kat *kat)
{
    struct session_key sk = { .counter = 0 };
    struct bytes key = kat_hex(kat, kat->entry, "sessionKey");

    cr_assert_eq(key.len, sizeof sk.key);
    memcpy(sk.key, key.ptr, key.len);
    if (json_object_get(kat->entry, "counter") != NULL)
        sk.counter = (uint16_t)kat_number(kat->entry, "counter");
    return sk;
}

static struct session_terms terms_of(struct kat *kat)
{
    return (struct session_terms){
        .client_session_id = kat_text(kat, kat->entry, "clientSessionId"),
        .server_session_id = kat_text(kat, kat->entry, "serverSessionId"),
        .issuer_uri = kat_text(kat, kat->entry, "issuerUri"),
    };
}

static void check_session_key(struct kat *kat)
{
    struct session_terms terms = terms_of(kat);
    struct bytes device = kat_hex(kat, kat->entry, "deviceId");
    EVP_PKEY *own = load_pkcs8(kat_hex(kat, kat->entry, "serverPrivateKey"));
    struct bytes peer = kat_hex(kat, kat->entry, "clientPublicKey");
    struct session_key sk;
    struct buf z = { 0 };

    cr_assert(ecdh_raw(own, peer, &z) == SKS_OK);
    kat_same(kat, "z", buf_bytes(&z), kat_hex(kat, kat->entry, "z"));
    cr_assert(session_key_derive(own, peer, &terms, device, &sk) == SKS_OK);
    kat_same(kat, "sessionKey", bytes_at(sk.key, sizeof sk.key),
             kat_hex(kat, kat->entry, "sessionKey"));
    cr_assert_eq(sk.counter, 0);
    buf_free(&z);
    EVP_PKEY_free(own);
}

Test(constructs, session_key)
{
    kat_each("sessionKey", 8, check_session_key);
}

static void check_attestation_value(struct kat *kat, struct bytes data)
{
    struct bytes attestation = kat_hex(kat, kat->entry, "attestation"), flipped;
    uint8_t mac[SKS_MAC_SIZE];
    struct session_key sk;
    EVP_PKEY *pkey;

    if (bytes_equal(kat_text(kat, kat->entry, "kind"), bytes_of("HMAC"))) {
        sk = session_key_of(kat);
        cr_assert(hmac_sha256(bytes_at(sk.key, sizeof sk.key), data, mac) == SKS_OK);
        kat_same(kat, "attestation", bytes_at(mac, sizeof mac), attestation);
        return;
    }
    cr_assert(public_key_load(kat_hex(kat, kat->entry, "devicePublicKey"), &pkey) == SKS_OK);
    cr_assert(verify_sha256(pkey, data, attestation) == SKS_OK, "%s", kat_comment(kat));
    flipped = arena_copy(&kat->arena, attestation);
    ((uint8_t *)(uintptr_t)flipped.ptr)[flipped.len / 2] ^= 1;
    cr_assert(verify_sha256(pkey, data, flipped) == SKS_ERROR_MAC);
    flipped.len--;
    cr_assert(verify_sha256(pkey, data, flipped) == SKS_ERROR_CRYPTO);
    EVP_PKEY_free(pkey);
}

static void check_session_attestation(struct kat *kat)
{
    struct session_terms terms = terms_of(kat);
    struct buf data = { 0 };

    terms.session_key_algorithm = kat_text(kat, kat->entry, "sessionKeyAlgorithm");
    terms.privacy_enabled = kat_flag(kat->entry, "privacyEnabled");
    terms.server_ephemeral_key = kat_hex(kat, kat->entry, "serverEphemeralKey");
    terms.key_management_key = kat_hex(kat, kat->entry, "keyManagementKey");
    terms.client_time = kat_number(kat->entry, "clientTime");
    terms.session_life_time = (uint16_t)kat_number(kat->entry, "sessionLifeTime");
    terms.session_key_limit = (uint16_t)kat_number(kat->entry, "sessionKeyLimit");
    terms.server_certificate = kat_hex(kat, kat->entry, "serverCertificate");
    put_session_attestation_data(&data, &terms, kat_hex(kat, kat->entry, "deviceId"),
                                 kat_hex(kat, kat->entry, "clientEphemeralKey"));
    kat_same(kat, "data", buf_bytes(&data), kat_hex(kat, kat->entry, "data"));
    check_attestation_value(kat, buf_bytes(&data));
    buf_free(&data);
}

Test(constructs, session_attestation)
{
    kat_each("sessionAttestation", 10, check_session_attestation);
}

static void check_mac(struct kat *kat, const char *method, const char *value)
{
    struct session_key sk = session_key_of(kat), again = sk;
    struct bytes data = kat_hex(kat, kat->entry, "data"), mac = kat_hex(kat, kat->entry, value);
    uint8_t made[SKS_MAC_SIZE];

    cr_assert(session_mac(&sk, method, data, made) == SKS_OK);
    kat_same(kat, value, bytes_at(made, sizeof made), mac);
    cr_assert_eq(sk.counter, (uint16_t)(again.counter + 1));
    cr_assert(session_mac_verify(&again, method, data, mac) == SKS_OK);
    cr_assert(session_mac_verify(&again, method, data, mac) == SKS_ERROR_MAC, "the counter steps");
    cr_assert(session_mac_verify(&again, method, data, bytes_at(mac.ptr, 31)) == SKS_ERROR_MAC);
    cr_assert_eq(again.counter, (uint16_t)(sk.counter + 2));
}

static void check_method_mac(struct kat *kat)
{
    char method[64];

    cr_assert(bytes_to_text(kat_text(kat, kat->entry, "method"), method, sizeof method) == SKS_OK);
    check_mac(kat, method, "mac");
}

Test(constructs, method_mac)
{
    kat_each("methodMac", 20, check_method_mac);
}

static void check_attestation(struct kat *kat)
{
    check_mac(kat, MAC_DEVICE_ATTESTATION, "attestation");
}

Test(constructs, attestation)
{
    kat_each("attestation", 10, check_attestation);
}

static void check_encrypted_data(struct kat *kat)
{
    struct session_key sk = session_key_of(kat);
    struct bytes plain = kat_hex(kat, kat->entry, "plain");
    struct buf clear = { 0 }, encrypted = { 0 };

    cr_assert(session_decrypt(&sk, kat_hex(kat, kat->entry, "encrypted"), &clear) == SKS_OK);
    kat_same(kat, "plain", buf_bytes(&clear), plain);
    cr_assert(session_encrypt(&sk, plain, &encrypted) == SKS_OK);
    buf_reset(&clear);
    cr_assert(session_decrypt(&sk, buf_bytes(&encrypted), &clear) == SKS_OK);
    kat_same(kat, "round trip", buf_bytes(&clear), plain);
    buf_free(&clear);
    buf_free(&encrypted);
}

Test(constructs, encrypted_data)
{
    kat_each("encryptedData", 6, check_encrypted_data);
}

static void check_bad_encrypted_data(struct kat *kat)
{
    struct session_key sk = session_key_of(kat);
    struct buf clear = { 0 };

    cr_assert(session_decrypt(&sk, kat_hex(kat, kat->entry, "encrypted"), &clear) ==
                  SKS_ERROR_CRYPTO,
              "%s", kat_comment(kat));
    buf_free(&clear);
}

Test(constructs, bad_encrypted_data)
{
    kat_each("encryptedDataBad", 5, check_bad_encrypted_data);
}

static void check_authorization(struct kat *kat, const char *key, struct bytes data)
{
    EVP_PKEY *pkey;

    kat_same(kat, "data", data, kat_hex(kat, kat->entry, "data"));
    cr_assert(public_key_load(kat_hex(kat, kat->entry, key), &pkey) == SKS_OK);
    cr_assert(verify_sha256(pkey, data, kat_hex(kat, kat->entry, "authorization")) == SKS_OK, "%s",
              kat_comment(kat));
    EVP_PKEY_free(pkey);
}

static void check_target_reference(struct kat *kat)
{
    struct session_key sk = session_key_of(kat);
    struct buf data = { 0 };

    cr_assert(put_target_reference(&data, &sk, kat_hex(kat, kat->entry, "deviceId"),
                                   kat_hex(kat, kat->entry, "certificate")) == SKS_OK);
    check_authorization(kat, "keyManagementKey", buf_bytes(&data));
    buf_free(&data);
}

Test(constructs, target_key_reference)
{
    kat_each("targetKeyReference", 6, check_target_reference);
}

static void check_roll_over(struct kat *kat)
{
    struct buf data = { 0 };

    put_roll_over(&data, kat_hex(kat, kat->entry, "newKey"));
    check_authorization(kat, "oldKey", buf_bytes(&data));
    buf_free(&data);
}

Test(constructs, key_management_key_roll_over)
{
    kat_each("kmkRollOver", 2, check_roll_over);
}

/* ---- the Data of each method's MAC, field by field ---- */

static void put_close(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct session_terms terms = {
        .client_session_id = kat_text(kat, f, "clientSessionId"),
        .server_session_id = kat_text(kat, f, "serverSessionId"),
        .issuer_uri = kat_text(kat, f, "issuerUri"),
    };

    put_mac_close(out, &terms, kat_hex(kat, f, "nonce"));
}

static void put_puk(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct puk_policy policy = {
        .id = kat_text(kat, f, "id"),
        .encrypted_puk = kat_hex(kat, f, "encryptedPuk"),
        .format = (uint8_t)kat_number(f, "format"),
        .retry_limit = (uint16_t)kat_number(f, "retryLimit"),
    };

    put_mac_puk_policy(out, &policy);
}

static void put_pin(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct pin_policy policy = {
        .id = kat_text(kat, f, "id"),
        .user_defined = kat_flag(f, "userDefined"),
        .user_modifiable = kat_flag(f, "userModifiable"),
        .format = (uint8_t)kat_number(f, "format"),
        .retry_limit = (uint16_t)kat_number(f, "retryLimit"),
        .grouping = (uint8_t)kat_number(f, "grouping"),
        .pattern_restrictions = (uint8_t)kat_number(f, "patternRestrictions"),
        .min_length = (uint16_t)kat_number(f, "minLength"),
        .max_length = (uint16_t)kat_number(f, "maxLength"),
        .input_method = (uint8_t)kat_number(f, "inputMethod"),
    };

    put_mac_pin_policy(out, &policy, kat_text(kat, f, "pukPolicyId"));
}

static void put_key(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct key_entry key = {
        .id = kat_text(kat, f, "id"),
        .key_entry_algorithm = kat_text(kat, f, "keyEntryAlgorithm"),
        .server_seed = kat_hex(kat, f, "serverSeed"),
        .device_pin_protection = kat_flag(f, "devicePinProtection"),
        .pin_value = kat_hex(kat, f, "encryptedPin"),
        .enable_pin_caching = kat_flag(f, "enablePinCaching"),
        .biometric_protection = (uint8_t)kat_number(f, "biometricProtection"),
        .export_protection = (uint8_t)kat_number(f, "exportProtection"),
        .delete_protection = (uint8_t)kat_number(f, "deleteProtection"),
        .app_usage = (uint8_t)kat_number(f, "appUsage"),
        .friendly_name = kat_text(kat, f, "friendlyName"),
        .key_algorithm = kat_text(kat, f, "keyAlgorithm"),
        .key_parameters = kat_hex(kat, f, "keyParameters"),
        .endorsed_algorithms = kat_text_list(kat, f, "endorsedAlgorithm"),
    };

    put_mac_key_entry(out, &key, kat_text(kat, f, "pinPolicyId"), key.pin_value.len > 0);
}

static void put_path(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct bytes_list path = kat_hex_list(kat, f, "certificate");

    put_mac_certificate_path(out, kat_hex(kat, f, "publicKey"), kat_text(kat, f, "id"), &path);
}

static void put_import(struct kat *kat, const json_t *f, struct buf *out)
{
    put_mac_import(out, kat_hex(kat, f, "endEntityCertificate"), kat_hex(kat, f, "encryptedKey"));
}

static void put_extension(struct kat *kat, const json_t *f, struct buf *out)
{
    const struct extension extension = {
        .type = kat_text(kat, f, "type"),
        .sub_type = (uint8_t)kat_number(f, "subType"),
        .qualifier = kat_text(kat, f, "qualifier"),
        .data = kat_hex(kat, f, "extensionData"),
    };

    put_mac_extension(out, kat_hex(kat, f, "endEntityCertificate"), &extension);
}

static void put_post_session(struct kat *kat, const json_t *f, struct buf *out)
{
    put_mac_post_session(out, kat_hex(kat, f, "authorization"));
}

static void put_post_key(struct kat *kat, const json_t *f, struct buf *out)
{
    put_mac_post_key(out, kat_hex(kat, f, "endEntityCertificate"),
                     kat_hex(kat, f, "authorization"));
}

static const struct {
    const char *method, *mac_name;
    void (*put)(struct kat *kat, const json_t *fields, struct buf *out);
} METHOD[] = {
    { "closeProvisioningSession", MAC_CLOSE_SESSION, put_close },
    { "createPukPolicy", MAC_CREATE_PUK_POLICY, put_puk },
    { "createPinPolicy", MAC_CREATE_PIN_POLICY, put_pin },
    { "createKeyEntry", MAC_CREATE_KEY_ENTRY, put_key },
    { "setCertificatePath", MAC_SET_CERTIFICATE_PATH, put_path },
    { "importSymmetricKey", MAC_IMPORT_SYMMETRIC_KEY, put_import },
    { "importPrivateKey", MAC_IMPORT_PRIVATE_KEY, put_import },
    { "addExtension", MAC_ADD_EXTENSION, put_extension },
    { "postDeleteKey", MAC_POST_DELETE_KEY, put_post_session },
    { "postUnlockKey", MAC_POST_UNLOCK_KEY, put_post_session },
    { "postUpdateKey", MAC_POST_UPDATE_KEY, put_post_key },
    { "postCloneKeyProtection", MAC_POST_CLONE_KEY_PROTECTION, put_post_key },
};
static unsigned method_seen[NITEMS(METHOD)];

static void check_mac_data(struct kat *kat)
{
    struct bytes method = kat_text(kat, kat->entry, "method");
    struct buf data = { 0 };

    for (size_t i = 0; i < NITEMS(METHOD); i++) {
        if (!bytes_equal(method, bytes_of(METHOD[i].method)))
            continue;
        METHOD[i].put(kat, json_object_get(kat->entry, "fields"), &data);
        kat_same(kat, "data", buf_bytes(&data), kat_hex(kat, kat->entry, "data"));
        kat_same(kat, "macName", bytes_of(METHOD[i].mac_name),
                 kat_text(kat, kat->entry, "macName"));
        check_mac(kat, METHOD[i].mac_name, "mac");
        method_seen[i]++;
    }
    buf_free(&data);
}

Test(constructs, mac_data)
{
    kat_each("macData", 40, check_mac_data);
    for (size_t i = 0; i < NITEMS(METHOD); i++)
        cr_assert_geq(method_seen[i], 1, "%s", METHOD[i].method);
}

/* ---- encodings ---- */

static void check_ecdsa_form(struct kat *kat)
{
    EVP_PKEY *pkey;

    cr_assert(public_key_load(kat_hex(kat, kat->entry, "publicKey"), &pkey) == SKS_OK);
    cr_assert(verify_sha256(pkey, kat_hex(kat, kat->entry, "data"),
                            kat_hex(kat, kat->entry, "raw")) == SKS_OK);
    cr_assert(verify_sha256(pkey, kat_hex(kat, kat->entry, "data"),
                            kat_hex(kat, kat->entry, "der")) == SKS_ERROR_CRYPTO,
              "%s: DER is not the form of the wire", kat_comment(kat));
    EVP_PKEY_free(pkey);
}

Test(constructs, ecdsa_is_r_s)
{
    kat_each("ecdsaRaw", 3, check_ecdsa_form);
}

static void check_base64url(struct kat *kat)
{
    struct bytes raw = kat_hex(kat, kat->entry, "raw"), text = kat_text(kat, kat->entry, "text");
    struct buf out = { 0 };

    base64url_encode(&out, raw);
    kat_same(kat, "text", buf_bytes(&out), text);
    buf_reset(&out);
    cr_assert(base64url_decode(text, &out) == SKS_OK);
    kat_same(kat, "raw", buf_bytes(&out), raw);
    buf_free(&out);
}

static void check_bad_base64url(struct kat *kat)
{
    struct buf out = { 0 };

    cr_assert(base64url_decode(kat_text(kat, kat->entry, "text"), &out) == SKS_ERROR_OPTION, "%s",
              kat_comment(kat));
    buf_free(&out);
}

Test(constructs, base64url)
{
    kat_each("base64url", 6, check_base64url);
    kat_each("base64urlBad", 6, check_bad_base64url);
}

static void check_public_key(struct kat *kat)
{
    struct bytes spki = kat_hex(kat, kat->entry, "spki");
    struct public_key key;
    EVP_PKEY *pkey;
    struct buf out = { 0 };

    cr_assert(public_key_parse(spki, &key) == SKS_OK, "%s", kat_comment(kat));
    put_public_key(&out, &key);
    kat_same(kat, "SubjectPublicKeyInfo of the parts", buf_bytes(&out), spki);
    buf_reset(&out);
    cr_assert(public_key_load(spki, &pkey) == SKS_OK);
    cr_assert(put_pkey(&out, pkey) == SKS_OK);
    kat_same(kat, "SubjectPublicKeyInfo of OpenSSL's key", buf_bytes(&out), spki);
    for (size_t i = 0; i < spki.len; i++)
        cr_assert(public_key_parse(bytes_at(spki.ptr, i), &key) == SKS_ERROR_CRYPTO);
    EVP_PKEY_free(pkey);
    buf_free(&out);
}

Test(constructs, public_key)
{
    kat_each("jwk", 5, check_public_key);
}
