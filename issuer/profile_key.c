/* "keyEntrySpecifier" of a profile: a key, and all that will be attached to it. */
#include "issuer/profile_internal.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/message/attributes.h"

/* ---- imported keys ---- */

#define AT(member) .offset = offsetof(struct symmetric_key_profile, member)

static const struct json_field SYMMETRIC[] = {
    { "value", JSON_BINARY, JSON_OPTIONAL, AT(value), .min = 1, .max = SKS_SYMMETRIC_KEY_MAX },
    { "drawnLength", JSON_USHORT, JSON_OPTIONAL, AT(drawn_length), .min = 1,
      .max = SKS_SYMMETRIC_KEY_MAX },
};

#undef AT

static enum sks_status check_symmetric(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    const struct symmetric_key_profile *key = out;

    if ((key->value.len > 0) == (key->drawn_length > 0))
        return json_refuse(r, at, "must have one of value, drawnLength");
    return SKS_OK;
}

static const struct json_type SYMMETRIC_KEY =
    JSON_TYPE("importSymmetricKey", struct symmetric_key_profile, SYMMETRIC, check_symmetric);

static const struct json_field PRIVATE[] = {
    { "pkcs8", JSON_BINARY, JSON_OPTIONAL, .offset = offsetof(struct private_key_profile, pkcs8),
      .min = 1, .max = SKS_CRYPTO_DATA_MAX },
};

static enum sks_status check_private(struct json_reader *r, const struct json_place *at, void *out)
{
    struct private_key_profile *key = out;
    struct buf spki = { 0 };
    EVP_PKEY *pkey = NULL;
    enum sks_status rc = SKS_OK;

    if (key->pkcs8.len == 0)
        return SKS_OK;
    if (private_key_from_pkcs8(key->pkcs8, &pkey) == SKS_OK && put_pkey(&spki, pkey) == SKS_OK)
        key->spki = arena_copy(r->arena, buf_bytes(&spki));
    if (key->spki.ptr == NULL)
        rc = json_refuse(r, &(struct json_place){ at, "pkcs8", 0 },
                         "not the PKCS #8 form of a key that SKS knows");
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    return rc;
}

static const struct json_type PRIVATE_KEY =
    JSON_TYPE("importPrivateKey", struct private_key_profile, PRIVATE, check_private);

/* ---- the key ---- */

#define AT(member) .offset = offsetof(struct key_profile, member)

/* clang-format off */
#define KEY_FIELDS                                                                                 \
    { "id", JSON_ID, JSON_MANDATORY, AT(key.id) }, KEY_ATTRIBUTES(struct key_profile),             \
    { "certificate", JSON_RECORD, JSON_MANDATORY, AT(certificate), .with = &PROFILE_CERTIFICATE }, \
    { "trustAnchor", JSON_FLAG, JSON_OPTIONAL, AT(trust_anchor) },                                 \
    { "importSymmetricKey", JSON_RECORD, JSON_OPTIONAL, AT(import_symmetric_key),                  \
      .with = &SYMMETRIC_KEY },                                                                    \
    { "importPrivateKey", JSON_RECORD, JSON_OPTIONAL, AT(import_private_key),                      \
      .with = &PRIVATE_KEY },                                                                      \
    { "extensions", JSON_RECORDS, JSON_OPTIONAL, AT(extensions), .min = 1,                         \
      .with = &PROFILE_EXTENSION },                                                                \
    { "encryptedExtensions", JSON_RECORDS, JSON_OPTIONAL, AT(encrypted_extensions), .min = 1,      \
      .with = &PROFILE_EXTENSION },                                                                \
    { "propertyBags", JSON_RECORDS, JSON_OPTIONAL, AT(property_bags), .min = 1,                    \
      .with = &PROFILE_PROPERTY_BAG },                                                             \
    { "logotypes", JSON_RECORDS, JSON_OPTIONAL, AT(logotypes), .min = 1,                           \
      .with = &PROFILE_LOGOTYPE }
/* clang-format on */

static const struct json_field KEY[] = {
    KEY_FIELDS,
    { "pin", JSON_TEXT, JSON_OPTIONAL, AT(pin), .min = 1, .max = 2 * SKS_PIN_MAX },
};
static const struct json_field KEY_ALONE[] = {
    KEY_FIELDS,
    { "devicePinProtection", JSON_FLAG, JSON_OPTIONAL, AT(key.device_pin_protection) },
    { "updateKey", JSON_RECORD, JSON_OPTIONAL, AT(update_key), .with = &PROFILE_TARGET },
    { "cloneKeyProtection", JSON_RECORD, JSON_OPTIONAL, AT(clone_key_protection),
      .with = &PROFILE_TARGET },
};

#undef AT

/* SKS V1.07, createKeyEntry: in strict lexical order. */
static enum sks_status check_sorted(struct json_reader *r, const struct json_place *at,
                                    const struct bytes_list *uris)
{
    const struct json_place list = { at, "endorsedAlgorithms", 0 };

    for (size_t i = 1; i < uris->count; i++)
        if (bytes_compare(uris->item[i - 1], uris->item[i]) >= 0)
            return json_refuse(r, &(struct json_place){ &list, NULL, i },
                               "not in strict lexical order");
    return SKS_OK;
}

/* SKS V1.07, importPrivateKey: the key that it takes the place of is of the same kind. */
static enum sks_status check_imports(struct json_reader *r, const struct json_place *at,
                                     const struct key_profile *key)
{
    const struct json_place place = { at, "importPrivateKey", 0 };
    struct public_key imported;

    if (key->import_private_key == NULL)
        return SKS_OK;
    if (key->import_symmetric_key != NULL)
        return json_refuse(r, &place, "cannot stand beside importSymmetricKey");
    if (key->import_private_key->spki.len > 0 &&
        (public_key_parse(key->import_private_key->spki, &imported) != SKS_OK ||
         imported.kind != key->algorithm->kind))
        return json_refuse(r, &place, "is of another kind than keyAlgorithm");
    return SKS_OK;
}

/* SKS V1.07, addExtension: a type is there once for a key, whatever it is. */
static enum sks_status check_types(struct json_reader *r, const struct json_place *at,
                                   const struct key_profile *key)
{
    const struct {
        const char *name;
        const struct json_array *list;
        size_t size; /* of an element, which begins with its type */
    } LISTS[] = {
        { "extensions", &key->extensions, sizeof(struct extension_profile) },
        { "encryptedExtensions", &key->encrypted_extensions, sizeof(struct extension_profile) },
        { "propertyBags", &key->property_bags, sizeof(struct property_bag_profile) },
        { "logotypes", &key->logotypes, sizeof(struct extension_profile) },
    };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(LISTS); i++) {
        const struct json_place list = { at, LISTS[i].name, 0 };

        for (size_t j = 0; j < LISTS[i].list->count; j++) {
            const struct json_place item = { &list, NULL, j };
            const uint8_t *element = LISTS[i].list->item;

            TRY(json_unique(r, &(struct json_place){ &item, "type", 0 }, seen,
                            *(const struct bytes *)(const void *)(element + j * LISTS[i].size)));
        }
    }
out:
    json_decref(seen);
    return rc;
}

_Static_assert(offsetof(struct extension_profile, type) == 0 &&
                   offsetof(struct property_bag_profile, type) == 0,
               "the type comes first");

static enum sks_status check_key(struct json_reader *r, const struct json_place *at, void *out)
{
    struct key_profile *key = out;
    const struct json_place algorithm = { at, "keyAlgorithm", 0 };
    enum sks_status rc;

    key->key.key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM);
    key->algorithm = algorithm_by_uri(key->key.key_algorithm, ALGORITHM_KEY_GENERATION);
    if (key->algorithm == NULL)
        return json_refuse(r, &algorithm, "unknown key algorithm");
    if (key->algorithm->with_exponent != (key->key.key_parameters.len > 0))
        return json_refuse(r, &algorithm, "does not fit with keyParameters");
    if (key->trust_anchor && !key->certificate->include_ca)
        return json_refuse(r, &(struct json_place){ at, "trustAnchor", 0 },
                           "needs includeCa: the last certificate of the path is the anchor");
    if (key->update_key != NULL && key->clone_key_protection != NULL)
        return json_refuse(r, &(struct json_place){ at, "cloneKeyProtection", 0 },
                           "cannot stand beside updateKey");
    TRY(check_sorted(r, at, &key->key.endorsed_algorithms));
    TRY(check_imports(r, at, key));
    TRY(check_types(r, at, key));
    TRY(profile_make_template(r, at, key));
out:
    return rc;
}

const struct json_type PROFILE_KEY =
    JSON_TYPE("keyEntrySpecifier", struct key_profile, KEY, check_key);
const struct json_type PROFILE_KEY_ALONE =
    JSON_TYPE("keyEntrySpecifier without PIN policy", struct key_profile, KEY_ALONE, check_key);
