/* A profile's JSON: KeyGen2's own names and values, without what each session makes anew. */
#include "issuer/profile.h"
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/message/attributes.h"

#include <string.h>

enum {
    VALIDITY_DEFAULT = 365, /* days */
    VALIDITY_MAX = 36500,
    DESCRIPTION_MAX = 200,
    KEYS_MAX = 255,
    LIFE_TIME_DEFAULT = 600, /* seconds */
    KEY_LIMIT_DEFAULT = 200, /* operations */
};

/* ---- certificate ---- */

#define AT(member) .offset = offsetof(struct certificate_profile, member)

static const struct json_field CERTIFICATE[] = {
    { "subject", JSON_TEXT, JSON_MANDATORY, AT(subject), .min = 1 },
    { "validityDays", JSON_LONG, JSON_OPTIONAL, AT(validity_days), .min = 1, .max = VALIDITY_MAX,
      .fallback = VALIDITY_DEFAULT },
    { "keyUsage", JSON_TEXTS, JSON_MANDATORY, AT(key_usage), .min = 1 },
    { "extendedKeyUsage", JSON_TEXTS, JSON_OPTIONAL, AT(extended_key_usage), .min = 1 },
};

#undef AT

static enum sks_status check_names(struct json_reader *r, const struct json_place *at,
                                   const char *property, const struct bytes_list *names,
                                   bool (*is_known)(struct bytes name))
{
    const struct json_place list = { at, property, 0 };

    for (size_t i = 0; i < names->count; i++)
        if (!is_known(names->item[i]))
            return json_refuse(r, &(struct json_place){ &list, NULL, i }, "unknown name");
    return SKS_OK;
}

static enum sks_status check_certificate(struct json_reader *r, const struct json_place *at,
                                         void *out)
{
    const struct certificate_profile *certificate = out;
    enum sks_status rc;

    TRY(check_names(r, at, "keyUsage", &certificate->key_usage, certificate_is_key_usage));
    TRY(check_names(r, at, "extendedKeyUsage", &certificate->extended_key_usage,
                    certificate_is_extended_key_usage));
out:
    return rc;
}

static const struct json_type CERTIFICATE_TYPE =
    JSON_TYPE("certificate", struct certificate_profile, CERTIFICATE, check_certificate);

/* ---- keyEntrySpecifier ---- */

#define AT(member) .offset = offsetof(struct key_profile, member)

#define KEY_FIELDS                                                                                 \
    { "id", JSON_ID, JSON_MANDATORY, AT(key.id) }, KEY_ATTRIBUTES(struct key_profile),             \
    {                                                                                              \
        "certificate", JSON_RECORD, JSON_MANDATORY, AT(certificate), .with = &CERTIFICATE_TYPE     \
    }

static const struct json_field KEY_UNDER_POLICY[] = { KEY_FIELDS };
static const struct json_field KEY_ALONE[] = {
    KEY_FIELDS,
    { "devicePinProtection", JSON_FLAG, JSON_OPTIONAL, AT(key.device_pin_protection) },
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

static enum sks_status make_template(struct json_reader *r, const struct json_place *at,
                                     struct key_profile *key)
{
    const struct certificate_profile *from = key->certificate;
    const struct json_place certificate = { at, "certificate", 0 };
    const struct json_place subject = { &certificate, "subject", 0 };
    struct sks_error why = { 0 };
    enum sks_status rc;

    key->template.validity_days = from->validity_days;
    if (certificate_subject(from->subject, r->arena, &key->template.subject, &why) != SKS_OK)
        return json_refuse(r, &subject, "%s", why.text);
    rc = certificate_extensions(&from->key_usage, &from->extended_key_usage, r->arena,
                                &key->template.extensions);
    return rc == SKS_OK ? rc : json_refuse(r, &certificate, "cannot encode the extensions");
}

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
    TRY(check_sorted(r, at, &key->key.endorsed_algorithms));
    TRY(make_template(r, at, key));
out:
    return rc;
}

static const struct json_type KEY_UNDER_POLICY_TYPE =
    JSON_TYPE("keyEntrySpecifier", struct key_profile, KEY_UNDER_POLICY, check_key);
static const struct json_type KEY_ALONE_TYPE =
    JSON_TYPE("keyEntrySpecifier", struct key_profile, KEY_ALONE, check_key);

/* ---- pinPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct pin_profile, member)

static const struct json_field PIN[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    PIN_POLICY_ATTRIBUTES(struct pin_profile),
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(keys), .min = 1,
      .with = &KEY_UNDER_POLICY_TYPE },
};

#undef AT

static enum sks_status check_pin(struct json_reader *r, const struct json_place *at, void *out)
{
    struct pin_profile *pin = out;

    pin->policy.user_defined = true;
    if (pin->policy.min_length == 0 || pin->policy.min_length > pin->policy.max_length)
        return json_refuse(r, &(struct json_place){ at, "minLength", 0 }, "not 1 to maxLength");
    return SKS_OK;
}

static const struct json_type PIN_TYPE =
    JSON_TYPE("pinPolicySpecifier", struct pin_profile, PIN, check_pin);

/* ---- pukPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct puk_profile, member)

static const struct json_field PUK[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    { "puk", JSON_TEXT, JSON_OPTIONAL, AT(puk), .min = 1, .max = SKS_PIN_MAX },
    { "retryLimit", JSON_USHORT, JSON_MANDATORY, AT(policy.retry_limit),
      .max = SKS_RETRY_LIMIT_MAX },
    { "format", JSON_NAME, JSON_MANDATORY, AT(policy.format), .with = NAMES_FORMAT },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(pins), .min = 1, .with = &PIN_TYPE },
};

#undef AT

static enum sks_status check_puk(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct puk_profile *puk = out;

    const char *violation = puk->puk.len == 0 ? NULL : puk_violation(puk->policy.format, puk->puk);

    if (violation != NULL)
        return json_refuse(r, &(struct json_place){ at, "puk", 0 }, "%s", violation);
    return SKS_OK;
}

static const struct json_type PUK_TYPE =
    JSON_TYPE("pukPolicySpecifier", struct puk_profile, PUK, check_puk);

/* ---- the whole ---- */

#define AT(member) .offset = offsetof(struct profile, member)

static const struct json_field PROFILE[] = {
    { "description", JSON_TEXT, JSON_OPTIONAL, AT(description), .max = DESCRIPTION_MAX },
    { "sessionLifeTime", JSON_USHORT, JSON_OPTIONAL, AT(session_life_time), .min = 1,
      .fallback = LIFE_TIME_DEFAULT },
    { "sessionKeyLimit", JSON_USHORT, JSON_OPTIONAL, AT(session_key_limit), .min = 1,
      .fallback = KEY_LIMIT_DEFAULT },
    { "privacyEnabled", JSON_FLAG, JSON_OPTIONAL, AT(privacy_enabled) },
    { "keyManagementKey", JSON_FLAG, JSON_OPTIONAL, AT(key_management_key), .fallback = true },
    { "pukPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(puks), .min = 1, .with = &PUK_TYPE },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(pins), .min = 1, .with = &PIN_TYPE },
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(keys), .min = 1,
      .with = &KEY_ALONE_TYPE },
};

#undef AT

/* What the walk over a profile has seen, and where it is. */
struct walk {
    struct json_reader *r;
    json_t *seen;        /* SKS V1.07, 5: policies and keys share one name space */
    unsigned keys;       /* so far */
    unsigned operations; /* with the session key, so far: each MAC, attestation and decryption */
    const struct pin_profile *pin;
    const struct puk_profile *puk;
};

/* SKS V1.07, createKeyEntry: what a key may be protected by depends on the policies above it. */
static enum sks_status check_protection(const struct walk *w, const struct json_place *at,
                                        const struct key_entry *key)
{
    bool pin = w->pin != NULL || key->device_pin_protection;
    bool by_pin =
        key->delete_protection == PROTECTION_PIN || key->export_protection == PROTECTION_PIN;
    bool by_puk =
        key->delete_protection == PROTECTION_PUK || key->export_protection == PROTECTION_PUK;
    uint8_t biometric = key->biometric_protection;

    if (key->enable_pin_caching &&
        (w->pin == NULL || w->pin->policy.input_method != INPUT_METHOD_TRUSTED_GUI))
        return json_refuse(w->r, &(struct json_place){ at, "enablePinCaching", 0 },
                           "needs a PIN policy with inputMethod trusted-gui");
    if ((by_pin && !pin) || (by_puk && w->puk == NULL))
        return json_refuse(w->r, at, "is protected by a PIN or PUK that it does not have");
    if (((biometric == BIOMETRIC_ALTERNATIVE || biometric == BIOMETRIC_COMBINED) && !pin) ||
        (biometric == BIOMETRIC_EXCLUSIVE && pin))
        return json_refuse(w->r, &(struct json_place){ at, "biometricProtection", 0 },
                           "does not fit with the PIN protection");
    return SKS_OK;
}

static enum sks_status walk_keys(struct walk *w, const struct json_place *at,
                                 const struct json_array *keys)
{
    const struct json_place list = { at, "keyEntrySpecifiers", 0 };
    const struct key_profile *key = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, key[i].key.id));
        TRY(check_protection(w, &item, &key[i].key));
        w->keys++;
        w->operations += 3; /* createKeyEntry and its attestation, setCertificatePath */
    }
out:
    return rc;
}

static enum sks_status walk_pins(struct walk *w, const struct json_place *at,
                                 const struct json_array *pins)
{
    const struct json_place list = { at, "pinPolicySpecifiers", 0 };
    const struct pin_profile *pin = pins->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < pins->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, pin[i].policy.id));
        w->operations += 1;
        w->pin = &pin[i];
        TRY(walk_keys(w, &item, &pin[i].keys));
    }
out:
    w->pin = NULL;
    return rc;
}

static enum sks_status walk_puks(struct walk *w, const struct json_place *at,
                                 const struct json_array *puks)
{
    const struct json_place list = { at, "pukPolicySpecifiers", 0 };
    const struct puk_profile *puk = puks->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < puks->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, puk[i].policy.id));
        w->operations += 2; /* the PUK is decrypted as well */
        w->puk = &puk[i];
        TRY(walk_pins(w, &item, &puk[i].pins));
    }
out:
    w->puk = NULL;
    return rc;
}

static enum sks_status check_profile(struct json_reader *r, const struct json_place *at, void *out)
{
    struct profile *profile = out;
    struct walk walk = { .r = r, .seen = json_object(), .operations = 2 /* the close */ };
    enum sks_status rc;

    TRY(walk_puks(&walk, at, &profile->puks));
    TRY(walk_pins(&walk, at, &profile->pins));
    TRY(walk_keys(&walk, at, &profile->keys));
    profile->key_count = walk.keys;
    if (walk.keys == 0 || walk.keys > KEYS_MAX)
        rc = json_refuse(r, at, "there are %u keys, not 1-%d to provision", walk.keys, KEYS_MAX);
    else if (walk.operations > profile->session_key_limit)
        rc = json_refuse(r, &(struct json_place){ at, "sessionKeyLimit", 0 },
                         "the profile needs %u operations", walk.operations);
out:
    json_decref(walk.seen);
    return rc;
}

static const struct json_type PROFILE_TYPE =
    JSON_TYPE("profile", struct profile, PROFILE, check_profile);

enum sks_status profile_decode(const char *name, struct bytes text, struct arena *arena,
                               struct profile *profile, struct sks_error *err)
{
    json_t *root = NULL;
    enum sks_status rc;

    TRY(json_parse(text, &root, err));
    TRY(json_decode(&PROFILE_TYPE, root, profile, arena, err));
    profile->name = name;
out:
    json_decref(root);
    return rc;
}
