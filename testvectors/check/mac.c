#include "keygen2/crypto/attestation.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static struct bytes field(struct subject *s, const char *name)
{
    return subject_field(s, name);
}

static uint8_t small_number(struct subject *s, const char *name)
{
    return (uint8_t)subject_field_number(s, name);
}

static uint16_t short_number(struct subject *s, const char *name)
{
    return (uint16_t)subject_field_number(s, name);
}

static void data_close(struct subject *s, struct buf *out)
{
    const struct session_terms terms = { .client_session_id = field(s, "clientSessionId"),
                                         .server_session_id = field(s, "serverSessionId"),
                                         .issuer_uri = field(s, "issuerUri") };

    put_mac_close(out, &terms, field(s, "nonce"));
}

static void data_puk_policy(struct subject *s, struct buf *out)
{
    const struct puk_policy policy = { field(s, "id"), field(s, "encryptedPuk"),
                                       small_number(s, "format"), short_number(s, "retryLimit") };

    put_mac_puk_policy(out, &policy);
}

static void data_pin_policy(struct subject *s, struct buf *out)
{
    const struct pin_policy policy = { .id = field(s, "id"),
                                       .user_defined = small_number(s, "userDefined"),
                                       .user_modifiable = small_number(s, "userModifiable"),
                                       .format = small_number(s, "format"),
                                       .retry_limit = short_number(s, "retryLimit"),
                                       .grouping = small_number(s, "grouping"),
                                       .pattern_restrictions =
                                           small_number(s, "patternRestrictions"),
                                       .min_length = short_number(s, "minLength"),
                                       .max_length = short_number(s, "maxLength"),
                                       .input_method = small_number(s, "inputMethod") };

    put_mac_pin_policy(out, &policy, field(s, "pukPolicyId"));
}

static void data_key_entry(struct subject *s, struct buf *out)
{
    const struct key_entry key = { .id = field(s, "id"),
                                   .key_entry_algorithm = field(s, "keyEntryAlgorithm"),
                                   .server_seed = field(s, "serverSeed"),
                                   .pin_value = field(s, "encryptedPin"),
                                   .device_pin_protection = small_number(s, "devicePinProtection"),
                                   .enable_pin_caching = small_number(s, "enablePinCaching"),
                                   .biometric_protection = small_number(s, "biometricProtection"),
                                   .export_protection = small_number(s, "exportProtection"),
                                   .delete_protection = small_number(s, "deleteProtection"),
                                   .app_usage = small_number(s, "appUsage"),
                                   .friendly_name = field(s, "friendlyName"),
                                   .key_algorithm = field(s, "keyAlgorithm"),
                                   .key_parameters = field(s, "keyParameters"),
                                   .endorsed_algorithms =
                                       subject_field_list(s, "endorsedAlgorithm") };

    put_mac_key_entry(out, &key, field(s, "pinPolicyId"), true);
}

static void data_certificate_path(struct subject *s, struct buf *out)
{
    const struct bytes_list path = subject_field_list(s, "certificate");

    put_mac_certificate_path(out, field(s, "publicKey"), field(s, "id"), &path);
}

static void data_import(struct subject *s, struct buf *out)
{
    put_mac_import(out, field(s, "endEntityCertificate"), field(s, "encryptedKey"));
}

static void data_extension(struct subject *s, struct buf *out)
{
    const struct extension extension = { field(s, "type"), small_number(s, "subType"),
                                         field(s, "qualifier"), field(s, "extensionData") };

    put_mac_extension(out, field(s, "endEntityCertificate"), &extension);
}

static void data_post_session(struct subject *s, struct buf *out)
{
    put_mac_post_session(out, field(s, "authorization"));
}

static void data_post_key(struct subject *s, struct buf *out)
{
    put_mac_post_key(out, field(s, "endEntityCertificate"), field(s, "authorization"));
}

static void attested_key(struct subject *s, struct buf *out)
{
    put_attested_key(out, field(s, "publicKey"), field(s, "mac"));
}

static void attested_close(struct subject *s, struct buf *out)
{
    put_attested_close(out, field(s, "nonce"));
}

/* How the library makes the data of each method, and of the attestation in its answer. */
static const struct {
    const char *method, *mac_name;
    void (*put)(struct subject *s, struct buf *out);
    void (*put_attested)(struct subject *s, struct buf *out);
} METHODS[] = {
    { "closeProvisioningSession", MAC_CLOSE_SESSION, data_close, attested_close },
    { "createPukPolicy", MAC_CREATE_PUK_POLICY, data_puk_policy, NULL },
    { "createPinPolicy", MAC_CREATE_PIN_POLICY, data_pin_policy, NULL },
    { "createKeyEntry", MAC_CREATE_KEY_ENTRY, data_key_entry, attested_key },
    { "setCertificatePath", MAC_SET_CERTIFICATE_PATH, data_certificate_path, NULL },
    { "importSymmetricKey", MAC_IMPORT_SYMMETRIC_KEY, data_import, NULL },
    { "importPrivateKey", MAC_IMPORT_PRIVATE_KEY, data_import, NULL },
    { "addExtension", MAC_ADD_EXTENSION, data_extension, NULL },
    { "postDeleteKey", MAC_POST_DELETE_KEY, data_post_session, NULL },
    { "postUnlockKey", MAC_POST_UNLOCK_KEY, data_post_session, NULL },
    { "postUpdateKey", MAC_POST_UPDATE_KEY, data_post_key, NULL },
    { "postCloneKeyProtection", MAC_POST_CLONE_KEY_PROTECTION, data_post_key, NULL },
};

static enum sks_status verify(struct subject *s, size_t method, struct session_key *sk)
{
    const bool answer = bytes_equal(subject_text(s, "name"), bytes_of(MAC_DEVICE_ATTESTATION));
    struct buf data = { 0 };
    enum sks_status rc;

    if (answer && METHODS[method].put_attested == NULL) {
        subject_break(s, "%s has no attestation", METHODS[method].method);
        return SKS_ERROR_INTERNAL;
    }
    (answer ? METHODS[method].put_attested : METHODS[method].put)(s, &data);
    subject_agree(s, "data", buf_bytes(&data));
    if (answer) {
        rc = verify_attestation(sk, sk->counter, buf_bytes(&data), subject_bytes(s, "mac"));
    } else {
        rc = session_mac_verify(sk, METHODS[method].mac_name, buf_bytes(&data),
                                subject_bytes(s, "mac"));
        s->counter = sk->counter;
    }
    buf_free(&data);
    return rc;
}

enum sks_status subject_check_mac(struct subject *s)
{
    const struct bytes key = subject_bytes(s, "sessionKey"), method = subject_text(s, "method");
    struct session_key sk = { .counter = (uint16_t)subject_number(s, "counter") };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (key.len != sizeof sk.key) {
        subject_break(s, "sessionKey is not 32 bytes");
        return rc;
    }
    memcpy(sk.key, key.ptr, sizeof sk.key);
    for (size_t i = 0; i < NITEMS(METHODS); i++)
        if (bytes_equal(method, bytes_of(METHODS[i].method)))
            rc = verify(s, i, &sk);
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}
