/* ProvisioningFinalization: certificates for the keys, and the proof that all was carried out. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/message/keygen2.h"

#include <openssl/x509v3.h>

enum {
    ENCRYPTED_MIN = 32, /* bytes: IV and one block */
    PADDED = 32,        /* bytes: what IV and padding add at most */
    PATH_MAX_CERTIFICATES = 255,
    PROPERTY_OVERHEAD = 2 + 1 + 2, /* bytes: two lengths and "writable" of propertyBag data */
};

/* clang-format off */
#define MAC(type) \
    { "mac", JSON_BINARY, JSON_MANDATORY, .offset = offsetof(type, mac), .min = SKS_MAC_SIZE,      \
      .max = SKS_MAC_SIZE }
/* clang-format on */

/* ---- importSymmetricKey, importPrivateKey ---- */

#define AT(member) .offset = offsetof(struct imported_key, member)

static const struct json_field SYMMETRIC[] = {
    { "encryptedKey", JSON_BINARY, JSON_MANDATORY, AT(encrypted_key), .min = ENCRYPTED_MIN,
      .max = SKS_SYMMETRIC_KEY_MAX + PADDED },
    MAC(struct imported_key),
};
static const struct json_field PRIVATE[] = {
    { "encryptedKey", JSON_BINARY, JSON_MANDATORY, AT(encrypted_key), .min = ENCRYPTED_MIN,
      .max = SKS_CRYPTO_DATA_MAX + PADDED },
    MAC(struct imported_key),
};

#undef AT

static const struct json_type IMPORT_SYMMETRIC_KEY =
    JSON_TYPE("importSymmetricKey", struct imported_key, SYMMETRIC, NULL);
static const struct json_type IMPORT_PRIVATE_KEY =
    JSON_TYPE("importPrivateKey", struct imported_key, PRIVATE, NULL);

/* ---- updateKey, cloneKeyProtection, unlockKey, deleteKey ---- */

#define AT(member) .offset = offsetof(struct target_key, member)

static const struct json_field TARGET[] = {
    { "fingerPrint", JSON_BINARY, JSON_MANDATORY, AT(finger_print), .min = 32, .max = 32 },
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "authorization", JSON_BINARY, JSON_MANDATORY, AT(authorization), .min = 1 },
    MAC(struct target_key),
};

#undef AT

static const struct json_type TARGET_KEY = JSON_TYPE("targetKey", struct target_key, TARGET, NULL);

/* ---- extension, encryptedExtension, propertyBag, logotype ---- */

#define AT(member) .offset = offsetof(struct plain_extension, member)

static const struct json_field PLAIN[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "extensionData", JSON_BINARY, JSON_MANDATORY, AT(extension_data),
      .max = SKS_EXTENSION_DATA_MAX },
    MAC(struct plain_extension),
};
static const struct json_field ENCRYPTED[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "extensionData", JSON_BINARY, JSON_MANDATORY, AT(extension_data), .min = ENCRYPTED_MIN,
      .max = SKS_EXTENSION_DATA_MAX + PADDED },
    MAC(struct plain_extension),
};

#undef AT

static const struct json_type EXTENSION =
    JSON_TYPE("extension", struct plain_extension, PLAIN, NULL);
static const struct json_type ENCRYPTED_EXTENSION =
    JSON_TYPE("encryptedExtension", struct plain_extension, ENCRYPTED, NULL);

#define AT(member) .offset = offsetof(struct property, member)

static const struct json_field PROPERTY_FIELDS[] = {
    { "name", JSON_TEXT, JSON_MANDATORY, AT(name), .min = 1 },
    { "value", JSON_TEXT, JSON_MANDATORY, AT(value) },
    { "writable", JSON_FLAG, JSON_OPTIONAL, AT(writable) },
};

#undef AT

/* SKS counts bytes. */
static enum sks_status check_bytes(struct json_reader *r, const struct json_place *at,
                                   const char *name, struct bytes text, size_t max)
{
    if (text.len <= max)
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, name, 0 }, "must be at most %zu bytes", max);
}

static enum sks_status check_property(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct property *property = out;
    enum sks_status rc;

    TRY(check_bytes(r, at, "name", property->name, SKS_PROPERTY_NAME_MAX));
    TRY(check_bytes(r, at, "value", property->value, UINT16_MAX));
out:
    return rc;
}

static const struct json_type PROPERTY =
    JSON_TYPE("property", struct property, PROPERTY_FIELDS, check_property);

#define AT(member) .offset = offsetof(struct property_bag, member)

static const struct json_field BAG[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "properties", JSON_RECORDS, JSON_MANDATORY, AT(properties), .min = 1, .with = &PROPERTY },
    MAC(struct property_bag),
};

#undef AT

/* SKS V1.07, addExtension: name, writable, value of each property, one behind the other. */
void put_property_bag(struct buf *out, const struct property_bag *bag)
{
    const struct property *property = bag->properties.item;

    for (size_t i = 0; i < bag->properties.count; i++) {
        put_array(out, property[i].name);
        put_bool(out, property[i].writable);
        put_array(out, property[i].value);
    }
}

static enum sks_status check_bag(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct property_bag *bag = out;
    const struct property *property = bag->properties.item;
    const struct json_place list = { at, "properties", 0 };
    size_t size = 0;

    for (size_t i = 0; i < bag->properties.count; i++)
        size += property[i].name.len + property[i].value.len + PROPERTY_OVERHEAD;
    if (size <= SKS_EXTENSION_DATA_MAX)
        return SKS_OK;
    return json_refuse(r, &list, "more than %d bytes of data", SKS_EXTENSION_DATA_MAX);
}

static const struct json_type PROPERTY_BAG =
    JSON_TYPE("propertyBag", struct property_bag, BAG, check_bag);

#define AT(member) .offset = offsetof(struct logotype, member)

static const struct json_field LOGOTYPE_FIELDS[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "mimeType", JSON_TEXT, JSON_MANDATORY, AT(mime_type), .min = 1 },
    { "extensionData", JSON_BINARY, JSON_MANDATORY, AT(extension_data),
      .max = SKS_EXTENSION_DATA_MAX },
    MAC(struct logotype),
};

#undef AT

static enum sks_status check_logotype(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct logotype *logotype = out;

    return check_bytes(r, at, "mimeType", logotype->mime_type, SKS_QUALIFIER_MAX);
}

static const struct json_type LOGOTYPE =
    JSON_TYPE("logotype", struct logotype, LOGOTYPE_FIELDS, check_logotype);

/* ---- issuedCredential ---- */

#define AT(member) .offset = offsetof(struct issued_credential, member)

static const struct json_field CREDENTIAL[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "certificatePath", JSON_BINARIES, JSON_MANDATORY, AT(certificate_path), .min = 1,
      .max = PATH_MAX_CERTIFICATES },
    MAC(struct issued_credential),
    { "trustAnchor", JSON_FLAG, JSON_OPTIONAL, AT(trust_anchor) },
    { "importSymmetricKey", JSON_RECORD, JSON_OPTIONAL, AT(import_symmetric_key),
      .with = &IMPORT_SYMMETRIC_KEY },
    { "importPrivateKey", JSON_RECORD, JSON_OPTIONAL, AT(import_private_key),
      .with = &IMPORT_PRIVATE_KEY },
    { "updateKey", JSON_RECORD, JSON_OPTIONAL, AT(update_key), .with = &TARGET_KEY },
    { "cloneKeyProtection", JSON_RECORD, JSON_OPTIONAL, AT(clone_key_protection),
      .with = &TARGET_KEY },
    { "extensions", JSON_RECORDS, JSON_OPTIONAL, AT(extensions), .min = 1, .with = &EXTENSION },
    { "encryptedExtensions", JSON_RECORDS, JSON_OPTIONAL, AT(encrypted_extensions), .min = 1,
      .with = &ENCRYPTED_EXTENSION },
    { "propertyBags", JSON_RECORDS, JSON_OPTIONAL, AT(property_bags), .min = 1,
      .with = &PROPERTY_BAG },
    { "logotypes", JSON_RECORDS, JSON_OPTIONAL, AT(logotypes), .min = 1, .with = &LOGOTYPE },
};

#undef AT

static bool is_ca(struct bytes der)
{
    X509 *x509 = NULL;
    BASIC_CONSTRAINTS *constraints = NULL;
    bool ca;

    if (certificate_parse(der, &x509) == SKS_OK)
        constraints = X509_get_ext_d2i(x509, NID_basic_constraints, NULL, NULL);
    ca = constraints != NULL && constraints->ca != 0;
    BASIC_CONSTRAINTS_free(constraints);
    X509_free(x509);
    return ca;
}

static enum sks_status check_certificates(struct json_reader *r, const struct json_place *at,
                                          const struct issued_credential *credential)
{
    const struct bytes_list *path = &credential->certificate_path;
    const struct json_place list = { at, "certificatePath", 0 };
    enum sks_status rc;

    for (size_t i = 0; i < path->count; i++)
        if (path->item[i].len > SKS_CRYPTO_DATA_MAX)
            return json_refuse(r, &(struct json_place){ &list, NULL, i },
                               "must be at most %d bytes", SKS_CRYPTO_DATA_MAX);
    TRY(keygen2_check_path(r, at, path));
    if (credential->trust_anchor && !is_ca(path->item[path->count - 1]))
        return json_refuse(r, &(struct json_place){ at, "trustAnchor", 0 },
                           "the last certificate is not a CA");
out:
    return rc;
}

/* SKS V1.07, addExtension: one of a type for a key. The structs of all lists begin with it. */
static enum sks_status check_types(struct json_reader *r, const struct json_place *at,
                                   const struct json_array *extensions, size_t size, json_t *seen)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < extensions->count; i++) {
        const struct json_place item = { at, NULL, i }, type = { &item, "type", 0 };

        TRY(json_unique(r, &type, seen,
                        *(const struct bytes *)((const char *)extensions->item + i * size)));
    }
out:
    return rc;
}

_Static_assert(offsetof(struct plain_extension, type) == 0 &&
                   offsetof(struct property_bag, type) == 0 && offsetof(struct logotype, type) == 0,
               "the type comes first");

static enum sks_status check_extensions(struct json_reader *r, const struct json_place *at,
                                        const struct issued_credential *credential)
{
    json_t *seen = json_object();
    enum sks_status rc;

    TRY(check_types(r, &(struct json_place){ at, "extensions", 0 }, &credential->extensions,
                    sizeof(struct plain_extension), seen));
    TRY(check_types(r, &(struct json_place){ at, "encryptedExtensions", 0 },
                    &credential->encrypted_extensions, sizeof(struct plain_extension), seen));
    TRY(check_types(r, &(struct json_place){ at, "propertyBags", 0 }, &credential->property_bags,
                    sizeof(struct property_bag), seen));
    TRY(check_types(r, &(struct json_place){ at, "logotypes", 0 }, &credential->logotypes,
                    sizeof(struct logotype), seen));
out:
    json_decref(seen);
    return rc;
}

static enum sks_status check_credential(struct json_reader *r, const struct json_place *at,
                                        void *out)
{
    const struct issued_credential *credential = out;
    enum sks_status rc;

    if (credential->import_symmetric_key != NULL && credential->import_private_key != NULL)
        return json_refuse(r, &(struct json_place){ at, "importPrivateKey", 0 },
                           "not together with importSymmetricKey");
    if (credential->update_key != NULL && credential->clone_key_protection != NULL)
        return json_refuse(r, &(struct json_place){ at, "cloneKeyProtection", 0 },
                           "not together with updateKey");
    TRY(check_extensions(r, at, credential));
    TRY(check_certificates(r, at, credential));
out:
    return rc;
}

static const struct json_type ISSUED_CREDENTIAL =
    JSON_TYPE("issuedCredential", struct issued_credential, CREDENTIAL, check_credential);

/* ---- ProvisioningFinalizationRequest ---- */

#define AT(member) .offset = offsetof(struct session_close_data, member)

static const struct json_field CLOSE[] = {
    { "nonce", JSON_BINARY, JSON_MANDATORY, AT(nonce), .min = 1, .max = SKS_NONCE_MAX },
    MAC(struct session_close_data),
};

#undef AT

static const struct json_type SESSION_CLOSE_DATA =
    JSON_TYPE("sessionCloseData", struct session_close_data, CLOSE, NULL);

#define AT(member) .offset = offsetof(struct provisioning_finalization_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("ProvisioningFinalizationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "issuedCredentials", JSON_RECORDS, JSON_OPTIONAL, AT(issued_credentials), .min = 1,
      .with = &ISSUED_CREDENTIAL },
    { "unlockKeys", JSON_RECORDS, JSON_OPTIONAL, AT(unlock_keys), .min = 1, .with = &TARGET_KEY },
    { "deleteKeys", JSON_RECORDS, JSON_OPTIONAL, AT(delete_keys), .min = 1, .with = &TARGET_KEY },
    { "sessionCloseData", JSON_RECORD, JSON_MANDATORY, AT(session_close_data),
      .with = &SESSION_CLOSE_DATA },
};

#undef AT

static enum sks_status check_request(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct provisioning_finalization_request *request = out;
    const struct issued_credential *credential = request->issued_credentials.item;
    const struct json_place list = { at, "issuedCredentials", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < request->issued_credentials.count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(r, &id, seen, credential[i].id));
    }
out:
    json_decref(seen);
    return rc;
}

const struct json_type PROVISIONING_FINALIZATION_REQUEST =
    JSON_TYPE("ProvisioningFinalizationRequest", struct provisioning_finalization_request, REQUEST,
              check_request);

/* ---- ProvisioningFinalizationResponse ---- */

#define AT(member) .offset = offsetof(struct provisioning_finalization_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("ProvisioningFinalizationResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "attestation", JSON_BINARY, JSON_MANDATORY, AT(attestation), .min = 1 },
};

#undef AT

const struct json_type PROVISIONING_FINALIZATION_RESPONSE = JSON_TYPE(
    "ProvisioningFinalizationResponse", struct provisioning_finalization_response, RESPONSE, NULL);
