/* KeyCreation: policies and keys to make, and the public keys that came of it. */
#include "keygen2/crypto/algorithms.h"
#include "keygen2/message/attributes.h"

enum {
    ENCRYPTED_PIN_MIN = 32,  /* bytes: IV and one block */
    ENCRYPTED_PIN_MAX = 160, /* IV, SKS_PIN_MAX and a block of padding */
};

/* ---- keyEntrySpecifier ---- */

/* That it is there says who chooses the PIN, so it is more than an optional property. */
static enum sks_status decode_encrypted_pin(struct json_reader *r, const struct json_place *at,
                                            const json_t *value, void *member)
{
    struct key_entry_specifier *spec = member;

    spec->has_encrypted_pin = true;
    return json_decode_binary(r, at, value, ENCRYPTED_PIN_MIN, ENCRYPTED_PIN_MAX,
                              &spec->key.pin_value);
}

/* A PIN of the user's never leaves, even if the struct holds one. */
static void encode_encrypted_pin(struct buf *out, const void *member)
{
    const struct key_entry_specifier *spec = member;

    if (spec->has_encrypted_pin)
        json_put_binary(out, spec->key.pin_value);
}

static const struct json_codec ENCRYPTED_PIN = { decode_encrypted_pin, encode_encrypted_pin };

#define AT(member) .offset = offsetof(struct key_entry_specifier, member)

/* Two tables, which differ in one property: a key under a PIN policy may come with its PIN, one
 * without may be protected by the device PIN. */
/* clang-format off */
#define KEY_ENTRY_FIELDS(own)                                                                      \
    {                                                                                              \
        { "id", JSON_ID, JSON_MANDATORY, AT(key.id) },                                             \
        own,                                                                                       \
        KEY_ATTRIBUTES(struct key_entry_specifier),                                                \
        { "mac", JSON_BINARY, JSON_MANDATORY, AT(mac), .min = SKS_MAC_SIZE,                        \
          .max = SKS_MAC_SIZE },                                                                   \
    }

#define PRESET_PIN { "encryptedPin", JSON_CUSTOM, JSON_OPTIONAL, .with = &ENCRYPTED_PIN }
#define DEVICE_PIN                                                                                 \
    { "devicePinProtection", JSON_FLAG, JSON_OPTIONAL, AT(key.device_pin_protection) }
/* clang-format on */

static const struct json_field KEY_UNDER_POLICY[] = KEY_ENTRY_FIELDS(PRESET_PIN);
static const struct json_field KEY_ALONE[] = KEY_ENTRY_FIELDS(DEVICE_PIN);

#undef AT

static enum sks_status check_key(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct key_entry_specifier *spec = out;

    if (algorithm_by_uri(spec->key.key_algorithm, ALGORITHM_KEY_GENERATION) != NULL)
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, "keyAlgorithm", 0 }, "unknown key algorithm");
}

static const struct json_type KEY_ENTRY_UNDER_POLICY =
    JSON_TYPE("keyEntrySpecifier", struct key_entry_specifier, KEY_UNDER_POLICY, check_key);
static const struct json_type KEY_ENTRY_ALONE =
    JSON_TYPE("keyEntrySpecifier", struct key_entry_specifier, KEY_ALONE, check_key);

/* ---- pinPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct pin_policy_specifier, member)

static const struct json_field PIN_POLICY[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    PIN_POLICY_ATTRIBUTES(struct pin_policy_specifier),
    { "mac", JSON_BINARY, JSON_MANDATORY, AT(mac), .min = SKS_MAC_SIZE, .max = SKS_MAC_SIZE },
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(key_entry_specifiers), .min = 1,
      .with = &KEY_ENTRY_UNDER_POLICY },
};

#undef AT

/* KeyGen2, keyEntrySpecifier: "encryptedPin" decides userDefined, for all keys alike. */
static void complete_pin_policy(void *out)
{
    struct pin_policy_specifier *spec = out;
    const struct key_entry_specifier *key = spec->key_entry_specifiers.item;

    spec->policy.user_defined = spec->key_entry_specifiers.count == 0 || !key[0].has_encrypted_pin;
}

static enum sks_status check_pin_policy(struct json_reader *r, const struct json_place *at,
                                        void *out)
{
    const struct pin_policy_specifier *spec = out;
    const struct key_entry_specifier *key = spec->key_entry_specifiers.item;
    const struct json_place list = { at, "keyEntrySpecifiers", 0 };

    for (size_t i = 1; i < spec->key_entry_specifiers.count; i++)
        if (key[i].has_encrypted_pin != key[0].has_encrypted_pin)
            return json_refuse(r, &(struct json_place){ &list, NULL, i },
                               "mixes preset and user-defined PINs in one policy");
    return SKS_OK;
}

static const struct json_type PIN_POLICY_SPECIFIER =
    JSON_TYPE_COMPLETED("pinPolicySpecifier", struct pin_policy_specifier, PIN_POLICY,
                        check_pin_policy, complete_pin_policy);

/* ---- pukPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct puk_policy_specifier, member)

static const struct json_field PUK_POLICY[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    { "encryptedPuk", JSON_BINARY, JSON_MANDATORY, AT(policy.encrypted_puk),
      .min = ENCRYPTED_PIN_MIN, .max = ENCRYPTED_PIN_MAX },
    { "retryLimit", JSON_USHORT, JSON_MANDATORY, AT(policy.retry_limit),
      .max = SKS_RETRY_LIMIT_MAX },
    { "format", JSON_NAME, JSON_MANDATORY, AT(policy.format), .with = NAMES_FORMAT },
    { "mac", JSON_BINARY, JSON_MANDATORY, AT(mac), .min = SKS_MAC_SIZE, .max = SKS_MAC_SIZE },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(pin_policy_specifiers), .min = 1,
      .with = &PIN_POLICY_SPECIFIER },
};

#undef AT

static const struct json_type PUK_POLICY_SPECIFIER =
    JSON_TYPE("pukPolicySpecifier", struct puk_policy_specifier, PUK_POLICY, NULL);

/* ---- KeyCreationRequest ---- */

#define AT(member) .offset = offsetof(struct key_creation_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("KeyCreationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "keyEntryAlgorithm", JSON_URI, JSON_MANDATORY, AT(key_entry_algorithm) },
    { "deferredIssuance", JSON_FLAG, JSON_OPTIONAL, AT(deferred_issuance) },
    { "pukPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(puk_policy_specifiers), .min = 1,
      .with = &PUK_POLICY_SPECIFIER },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(pin_policy_specifiers), .min = 1,
      .with = &PIN_POLICY_SPECIFIER },
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(key_entry_specifiers), .min = 1,
      .with = &KEY_ENTRY_ALONE },
};

#undef AT

/* Every key has the algorithm that stands above all of them. */
static void set_algorithm(const struct json_array *keys, struct bytes algorithm)
{
    struct key_entry_specifier *spec = keys->item;

    for (size_t i = 0; i < keys->count; i++)
        spec[i].key.key_entry_algorithm = algorithm;
}

static void set_algorithms(const struct json_array *policies, struct bytes algorithm)
{
    const struct pin_policy_specifier *spec = policies->item;

    for (size_t i = 0; i < policies->count; i++)
        set_algorithm(&spec[i].key_entry_specifiers, algorithm);
}

static void complete_request(void *out)
{
    const struct key_creation_request *request = out;
    const struct puk_policy_specifier *puk = request->puk_policy_specifiers.item;

    for (size_t i = 0; i < request->puk_policy_specifiers.count; i++)
        set_algorithms(&puk[i].pin_policy_specifiers, request->key_entry_algorithm);
    set_algorithms(&request->pin_policy_specifiers, request->key_entry_algorithm);
    set_algorithm(&request->key_entry_specifiers, request->key_entry_algorithm);
}

/* SKS V1.07, 5: the ids of PUK policies, PIN policies and keys share one name space. */
struct walk {
    struct json_reader *r;
    json_t *seen;
};

static enum sks_status walk_keys(struct walk *w, const struct json_place *at,
                                 const struct json_array *keys)
{
    const struct json_place list = { at, "keyEntrySpecifiers", 0 };
    const struct key_entry_specifier *spec = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, spec[i].key.id));
    }
out:
    return rc;
}

static enum sks_status walk_pin_policies(struct walk *w, const struct json_place *at,
                                         const struct json_array *policies)
{
    const struct json_place list = { at, "pinPolicySpecifiers", 0 };
    const struct pin_policy_specifier *spec = policies->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, spec[i].policy.id));
        TRY(walk_keys(w, &item, &spec[i].key_entry_specifiers));
    }
out:
    return rc;
}

static enum sks_status walk_puk_policies(struct walk *w, const struct json_place *at,
                                         const struct json_array *policies)
{
    const struct json_place list = { at, "pukPolicySpecifiers", 0 };
    const struct puk_policy_specifier *spec = policies->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, spec[i].policy.id));
        TRY(walk_pin_policies(w, &item, &spec[i].pin_policy_specifiers));
    }
out:
    return rc;
}

static enum sks_status check_request(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct key_creation_request *request = out;
    struct walk walk = { r, json_object() };
    enum sks_status rc;

    TRY(walk_puk_policies(&walk, at, &request->puk_policy_specifiers));
    TRY(walk_pin_policies(&walk, at, &request->pin_policy_specifiers));
    TRY(walk_keys(&walk, at, &request->key_entry_specifiers));
out:
    json_decref(walk.seen);
    return rc;
}

const struct json_type KEY_CREATION_REQUEST = JSON_TYPE_COMPLETED(
    "KeyCreationRequest", struct key_creation_request, REQUEST, check_request, complete_request);

/* ---- KeyCreationResponse ---- */

#define AT(member) .offset = offsetof(struct generated_key, member)

static const struct json_field GENERATED[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "publicKey", JSON_CUSTOM, JSON_MANDATORY, AT(public_key), .with = &KEYGEN2_JWK },
    { "attestation", JSON_BINARY, JSON_MANDATORY, AT(attestation), .min = 1 },
};

#undef AT

static const struct json_type GENERATED_KEY =
    JSON_TYPE("generatedKey", struct generated_key, GENERATED, NULL);

#define AT(member) .offset = offsetof(struct key_creation_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("KeyCreationResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "generatedKeys", JSON_RECORDS, JSON_MANDATORY, AT(generated_keys), .min = 1,
      .with = &GENERATED_KEY },
};

#undef AT

static enum sks_status check_response(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct key_creation_response *response = out;
    const struct generated_key *key = response->generated_keys.item;
    const struct json_place list = { at, "generatedKeys", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < response->generated_keys.count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(r, &id, seen, key[i].id));
    }
out:
    json_decref(seen);
    return rc;
}

const struct json_type KEY_CREATION_RESPONSE =
    JSON_TYPE("KeyCreationResponse", struct key_creation_response, RESPONSE, check_response);
