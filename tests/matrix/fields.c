/*
 * What MACs and attestations are over, as both ends put it together: a field that is missing is
 * empty there, or 0, for both of them. What stands in no struct is gathered in one first.
 */
#include "keygen2/crypto/session.h"
#include "tests/matrix/holes.h"

#include <string.h>

struct certified { /* the end-entity certificate first, and what follows it */
    struct bytes certificate, data;
};
struct attested_terms {
    struct session_terms terms;
    struct bytes device_id, client_ephemeral_key;
};
struct certificate_path {
    struct bytes public_key, id;
    struct bytes_list path;
};
struct close_terms {
    struct session_terms terms;
    struct bytes nonce;
};
struct under_policy { /* a key and its PIN policy, a PIN policy and its PUK policy */
    struct key_entry key;
    struct pin_policy pin;
    struct bytes policy_id;
};

#define AT(structure, member)                                                                      \
    offsetof(struct structure, member), sizeof(((struct structure *)0)->member)

static const struct field {
    const char *name;
    size_t at, size;
} FIELDS[] = {
    { "session.keyManagementKey", AT(attested_terms, terms.key_management_key) },
    { "session.clientTime", AT(attested_terms, terms.client_time) },
    { "session.sessionLifeTime", AT(attested_terms, terms.session_life_time) },
    { "session.sessionKeyLimit", AT(attested_terms, terms.session_key_limit) },
    { "session.serverCertificate", AT(attested_terms, terms.server_certificate) },
    { "createPukPolicy.format", AT(puk_policy, format) },
    { "createPukPolicy.retryLimit", AT(puk_policy, retry_limit) },
    { "createPinPolicy.userModifiable", AT(under_policy, pin.user_modifiable) },
    { "createPinPolicy.format", AT(under_policy, pin.format) },
    { "createPinPolicy.retryLimit", AT(under_policy, pin.retry_limit) },
    { "createPinPolicy.grouping", AT(under_policy, pin.grouping) },
    { "createPinPolicy.patternRestrictions", AT(under_policy, pin.pattern_restrictions) },
    { "createPinPolicy.minLength", AT(under_policy, pin.min_length) },
    { "createPinPolicy.maxLength", AT(under_policy, pin.max_length) },
    { "createPinPolicy.inputMethod", AT(under_policy, pin.input_method) },
    { "createKeyEntry.id", AT(under_policy, key.id) },
    { "createKeyEntry.appUsage", AT(under_policy, key.app_usage) },
    { "createKeyEntry.exportProtection", AT(under_policy, key.export_protection) },
    { "createKeyEntry.deleteProtection", AT(under_policy, key.delete_protection) },
    { "createKeyEntry.friendlyName", AT(under_policy, key.friendly_name) },
    { "createKeyEntry.endorsedAlgorithm", AT(under_policy, key.endorsed_algorithms) },
    { "setCertificatePath.id", AT(certificate_path, id) },
    { "setCertificatePath.certificate", AT(certificate_path, path) },
    { "importSymmetricKey.encryptedKey", AT(certified, data) },
    { "addExtension.type", AT(extension, type) },
    { "addExtension.qualifier", AT(extension, qualifier) },
    { "addExtension.extensionData", AT(extension, data) },
    { "closeProvisioningSession.nonce", AT(close_terms, nonce) },
    { "target.certificate", AT(certified, certificate) },
};

/* Blanks the missing fields of a struct. @param of  what it is for: "createKeyEntry" */
static void blank(const char *of, void *copy)
{
    size_t len = strlen(of);

    for (size_t i = 0; i < NITEMS(FIELDS); i++)
        if (strncmp(FIELDS[i].name, of, len) == 0 && FIELDS[i].name[len] == '.' &&
            is_missing(CHECK_FIELD, FIELDS[i].name))
            memset((char *)copy + FIELDS[i].at, 0, FIELDS[i].size);
}

#define DATA(name, parameters)                                                                     \
    void __real_##name parameters;                                                                 \
    void __wrap_##name parameters;                                                                 \
    void __wrap_##name parameters

DATA(put_session_attestation_data, (struct buf * out, const struct session_terms *terms,
                                    struct bytes device_id, struct bytes client_ephemeral_key))
{
    struct attested_terms all = { *terms, device_id, client_ephemeral_key };

    blank("session", &all);
    __real_put_session_attestation_data(out, &all.terms, all.device_id, all.client_ephemeral_key);
}

DATA(put_mac_puk_policy, (struct buf * out, const struct puk_policy *policy))
{
    struct puk_policy copy = *policy;

    blank("createPukPolicy", &copy);
    __real_put_mac_puk_policy(out, &copy);
}

DATA(put_mac_pin_policy, (struct buf * out, const struct pin_policy *policy, struct bytes puk_id))
{
    struct under_policy copy = { .pin = *policy, .policy_id = puk_id };

    blank("createPinPolicy", &copy);
    __real_put_mac_pin_policy(out, &copy.pin, copy.policy_id);
}

DATA(put_mac_key_entry, (struct buf * out, const struct key_entry *key, struct bytes pin_policy_id,
                         bool pin_is_encrypted))
{
    struct under_policy copy = { .key = *key, .policy_id = pin_policy_id };

    blank("createKeyEntry", &copy);
    __real_put_mac_key_entry(out, &copy.key, copy.policy_id, pin_is_encrypted);
}

DATA(put_mac_certificate_path,
     (struct buf * out, struct bytes public_key, struct bytes id, const struct bytes_list *path))
{
    struct certificate_path copy = { public_key, id, *path };

    blank("setCertificatePath", &copy);
    __real_put_mac_certificate_path(out, copy.public_key, copy.id, &copy.path);
}

DATA(put_mac_import, (struct buf * out, struct bytes certificate, struct bytes encrypted_key))
{
    struct certified copy = { certificate, encrypted_key };

    blank("importSymmetricKey", &copy);
    __real_put_mac_import(out, copy.certificate, copy.data);
}

DATA(put_mac_extension,
     (struct buf * out, struct bytes certificate, const struct extension *extension))
{
    struct extension copy = *extension;

    blank("addExtension", &copy);
    __real_put_mac_extension(out, certificate, &copy);
}

DATA(put_mac_close, (struct buf * out, const struct session_terms *terms, struct bytes nonce))
{
    struct close_terms copy = { *terms, nonce };

    blank("closeProvisioningSession", &copy);
    __real_put_mac_close(out, &copy.terms, copy.nonce);
}

DATA(put_attested_close, (struct buf * out, struct bytes nonce))
{
    struct close_terms copy = { .nonce = nonce };

    blank("closeProvisioningSession", &copy);
    __real_put_attested_close(out, copy.nonce);
}

enum sks_status __real_put_target_reference(struct buf *out, const struct session_key *sk,
                                            struct bytes device_id, struct bytes certificate);
enum sks_status __wrap_put_target_reference(struct buf *out, const struct session_key *sk,
                                            struct bytes device_id, struct bytes certificate);
enum sks_status __wrap_put_target_reference(struct buf *out, const struct session_key *sk,
                                            struct bytes device_id, struct bytes certificate)
{
    struct certified copy = { certificate, { 0 } };

    blank("target", &copy);
    return __real_put_target_reference(out, sk, device_id, copy.certificate);
}
