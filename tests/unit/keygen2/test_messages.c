#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- both directions: messages.json has every property, none with its default ---- */

static void expect_same_again(const char *name, const json_t *root)
{
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct buf text = { 0 };
    char *given = json_dumps(root, JSON_COMPACT);

    cr_assert(decode_message(name, root, &message, &arena, &err) == SKS_OK, "%s: %s", name,
              err.text);
    cr_assert(keygen2_encode(type_of(name), &message, &text) == SKS_OK);
    cr_expect(bytes_equal(buf_bytes(&text), bytes_of(given)), "%s:\n%.*s\n%s", name, (int)text.len,
              (const char *)text.ptr, given);
    cr_expect_str_eq(keygen2_qualifier(buf_bytes(&text)), name);
    free(given);
    buf_free(&text);
    arena_free(&arena);
}

Test(messages, every_property_both_ways)
{
    json_t *messages = load_messages("messages"), *root;
    const char *name;
    size_t count = 0;

    json_object_foreach(messages, name, root)
    {
        expect_same_again(name, root);
        count++;
    }
    cr_expect(count == KEYGEN2_MESSAGES_COUNT);
    json_decref(messages);
}

Test(messages, absent_properties)
{
    static const char text[] =
        "{\"@context\":\"" KEYGEN2_CONTEXT "\",\"@qualifier\":\"KeyCreationRequest\","
        "\"serverSessionId\":\"s\",\"clientSessionId\":\"c\",\"keyEntryAlgorithm\":\"a:b\","
        "\"pinPolicySpecifiers\":[{\"id\":\"p\",\"minLength\":0,\"maxLength\":0,\"retryLimit\":1,"
        "\"format\":\"numeric\",\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"keyEntrySpecifiers\":[{\"id\":\"k\",\"appUsage\":\"signature\",\"keyAlgorithm\":"
        "\"https://webpki.github.io/sks/algorithm#rsa2048\","
        "\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}]}";
    struct key_creation_request request;
    const struct pin_policy_specifier *pin;
    const struct key_entry_specifier *spec;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct buf again = { 0 };

    cr_assert(keygen2_decode(&KEY_CREATION_REQUEST, bytes_of(text), &request, &arena, &err) ==
                  SKS_OK,
              "%s", err.text);
    cr_expect(!request.deferred_issuance && request.puk_policy_specifiers.count == 0 &&
              request.key_entry_specifiers.count == 0);
    pin = request.pin_policy_specifiers.item;
    cr_expect(pin->policy.user_defined && pin->policy.user_modifiable);
    cr_expect(pin->policy.grouping == GROUPING_NONE && pin->policy.pattern_restrictions == 0);
    cr_expect(pin->policy.input_method == INPUT_METHOD_ANY);
    spec = pin->key_entry_specifiers.item;
    cr_expect(!spec->has_encrypted_pin && spec->key.pin_value.len == 0);
    cr_expect(!spec->key.enable_pin_caching && !spec->key.device_pin_protection);
    cr_expect(spec->key.biometric_protection == BIOMETRIC_NONE);
    cr_expect(spec->key.delete_protection == PROTECTION_NONE);
    cr_expect(spec->key.export_protection == PROTECTION_NOT_ALLOWED);
    cr_expect(spec->key.friendly_name.len == 0 && spec->key.server_seed.len == 0);
    cr_expect(spec->key.key_parameters.len == 0 && spec->key.endorsed_algorithms.count == 0);
    cr_expect(bytes_equal(spec->key.key_entry_algorithm, bytes_of("a:b")));
    cr_assert(keygen2_encode(&KEY_CREATION_REQUEST, &request, &again) == SKS_OK);
    cr_expect(bytes_equal(buf_bytes(&again), bytes_of(text)), "%.*s", (int)again.len,
              (const char *)again.ptr);
    buf_free(&again);
    arena_free(&arena);
}

/* A PIN that the user chose stays in the middleware, and out of messages. */
Test(messages, only_an_encrypted_pin_is_encoded)
{
    struct key_entry_specifier spec = {
        .key = { .id = bytes_of("k"),
                 .pin_value = bytes_of("1234"),
                 .key_algorithm = bytes_of("a:b"),
                 .export_protection = PROTECTION_NOT_ALLOWED },
        .mac = bytes_of("m"),
    };
    struct pin_policy_specifier pin = { .key_entry_specifiers = { &spec, 1 } };
    struct key_creation_request request = { .pin_policy_specifiers = { &pin, 1 } };
    struct buf text = { 0 };

    for (int preset = 0; preset < 2; preset++) {
        spec.has_encrypted_pin = preset;
        cr_assert(keygen2_encode(&KEY_CREATION_REQUEST, &request, &text) == SKS_OK);
        put_byte(&text, '\0');
        cr_expect((strstr((const char *)text.ptr, "encryptedPin") != NULL) == (preset == 1));
        buf_reset(&text);
    }
    buf_free(&text);
}

/* ---- refusals: one edit of a message in messages.json each ---- */

/* Every mandatory property, of every message, is missed; null is refused for every property. */
static const char *const OPTIONAL[] = {
    "privacyEnabled",
    "preferredLanguages",
    "targetKeyContainers",
    "clientCapabilityQuery",
    "clientCapabilities",
    "updatableKeyManagementKeys",
    "deviceId",
    "deferredIssuance",
    "pukPolicySpecifiers",
    "pinPolicySpecifiers",
    "keyEntrySpecifiers",
    "issuedCredentials",
    "unlockKeys",
    "deleteKeys",
};

static bool is_optional(const char *name)
{
    for (size_t i = 0; i < NITEMS(OPTIONAL); i++)
        if (strcmp(OPTIONAL[i], name) == 0)
            return true;
    return false;
}

Test(messages, top_level_properties_missing_or_null)
{
    json_t *messages = load_messages("messages"), *root, *value;
    const char *name, *property;

    json_object_foreach(messages, name, root)
    {
        json_object_foreach(root, property, value)
        {
            char pointer[64], missing[80];
            struct edit edit = { name, pointer, NULL, is_optional(property) ? NULL : missing };
            json_t *copy = json_deep_copy(root);
            union message message;
            struct arena arena = { 0 };
            struct sks_error err = { 0 };

            (void)snprintf(pointer, sizeof pointer, "/%s", property);
            (void)snprintf(missing, sizeof missing, "/%s: missing", property);
            if (strcmp(property, "keyManagementKey") == 0)
                edit.error = "/updatableKeyManagementKeys: there is no keyManagementKey to replace "
                             "them";
            expect_edited(messages, &edit);
            json_object_set_new(copy, property, json_null());
            cr_expect(decode_message(name, copy, &message, &arena, &err) == SKS_ERROR_OPTION);
            cr_expect(strstr(err.text, pointer) == err.text, "%s", err.text);
            json_decref(copy);
            arena_free(&arena);
        }
    }
    json_decref(messages);
}

/* Fields of a later day, and of other versions of the text. */
static const struct edit UNKNOWN[] = {
    { "InvocationRequest", "/foo", "1", "/foo: unknown property" },
    { "InvocationResponse", "/clientCapabilities/0/foo", "1",
      "/clientCapabilities/0/foo: unknown property" },
    { "ProvisioningInitializationResponse", "/deviceInfo", "{}", "/deviceInfo: unknown property" },
    { "ProvisioningInitializationResponse", "/deviceId/foo", "1",
      "/deviceId/foo: unknown property" },
    { "KeyCreationRequest", "/keyEntrySpecifiers/1/encryptedPin", "@32",
      "/keyEntrySpecifiers/1/encryptedPin: unknown property" },
    { "KeyCreationRequest", "/pinPolicySpecifiers/0/keyEntrySpecifiers/1/devicePinProtection",
      "false",
      "/pinPolicySpecifiers/0/keyEntrySpecifiers/1/devicePinProtection: unknown property" },
    { "KeyCreationRequest", "/pinPolicySpecifiers/0/userDefined", "true",
      "/pinPolicySpecifiers/0/userDefined: unknown property" },
    { "KeyCreationRequest", "/pukPolicySpecifiers/0/foo", "1",
      "/pukPolicySpecifiers/0/foo: unknown property" },
    { "KeyCreationResponse", "/generatedKeys/0/encryptedPrivateKey", "@32",
      "/generatedKeys/0/encryptedPrivateKey: unknown property" },
    { "ProvisioningFinalizationRequest", "/nonce", "@32", "/nonce: unknown property" },
    { "ProvisioningFinalizationRequest", "/issuedCredentials/0/ImportSymmetricKey", "{}",
      "/issuedCredentials/0/ImportSymmetricKey: unknown property" },
    { "ProvisioningFinalizationResponse", "/mac", "@32", "/mac: unknown property" },
};

Test(messages, unknown_properties)
{
    expect_all_edited(UNKNOWN, NITEMS(UNKNOWN));
}

#define PUK "/pukPolicySpecifiers/0"
#define PIN PUK "/pinPolicySpecifiers/0"
#define KEY PIN "/keyEntrySpecifiers/0"

static const struct edit VALUES[] = {
    { "InvocationRequest", "/@context", "\"https://webpki.github.io/keygen2\"",
      "/@context: expected \"https://webpki.github.io/keygen2#20190318\"" },
    { "InvocationRequest", "/@qualifier", "\"InvocationResponse\"",
      "/@qualifier: expected \"InvocationRequest\"" },
    { "InvocationRequest", "/serverSessionId", "\"\"",
      "/serverSessionId: must be 1-32 characters from '!' to '~'" },
    { "InvocationRequest", "/action", "\"resume\"", "/action: must be one of manage, unlock" },
    { "InvocationRequest", "/privacyEnabled", "\"true\"",
      "/privacyEnabled: expected true or false" },
    { "InvocationRequest", "/preferredLanguages", "[]", NULL },
    { "InvocationRequest", "/targetKeyContainers", "[]",
      "/targetKeyContainers: must not be empty" },
    { "InvocationRequest", "/targetKeyContainers", "[\"uicc\",\"cloud\"]",
      "/targetKeyContainers/1: unknown key container" },
    { "InvocationRequest", "/clientCapabilityQuery", "[]",
      "/clientCapabilityQuery: must not be empty" },
    { "InvocationRequest", "/clientCapabilityQuery/1", "\"rsa\"",
      "/clientCapabilityQuery/1: not an absolute URI of at most 1000 bytes" },
    { "InvocationResponse", "/clientCapabilities", "[]", "/clientCapabilities: must not be empty" },
    { "InvocationResponse", "/clientCapabilities/0/type", "\"urn:example:1\"",
      "/clientCapabilities/1/type: used twice" },
    { "InvocationResponse", "/clientCapabilities/1/supported", NULL,
      "/clientCapabilities/1: must have one of supported, values, imageAttributes" },
    { "InvocationResponse", "/clientCapabilities/1/values", "[\"a\"]",
      "/clientCapabilities/1: must have one of supported, values, imageAttributes" },
    { "InvocationResponse", "/clientCapabilities/3/supported", "false",
      "/clientCapabilities/3: must have one of supported, values, imageAttributes" },
    { "InvocationResponse", "/clientCapabilities/1/supported", "0",
      "/clientCapabilities/1/supported: expected true or false" },
    { "InvocationResponse", "/clientCapabilities/2/values", "[]",
      "/clientCapabilities/2/values: must not be empty" },
    { "InvocationResponse", "/clientCapabilities/3/imageAttributes/mimeType", "\"\"",
      "/clientCapabilities/3/imageAttributes/mimeType: must be 1-128 characters" },
    { "InvocationResponse", "/clientCapabilities/3/imageAttributes/width", "0",
      "/clientCapabilities/3/imageAttributes/width: must be 1-4294967295" },
    { "InvocationResponse", "/clientCapabilities/3/imageAttributes/height", "4294967296",
      "/clientCapabilities/3/imageAttributes/height: must be 1-4294967295" },
    { "InvocationResponse", "/clientCapabilities/3/imageAttributes/height", NULL,
      "/clientCapabilities/3/imageAttributes/height: missing" },
    { "ProvisioningInitializationRequest", "/serverTime", "\"2026-11-22T02:43:18+00:00\"",
      "/serverTime: not a time of the form YYYY-MM-DDThh:mm:ssZ" },
    { "ProvisioningInitializationRequest", "/sessionKeyAlgorithm", "\"session.1\"",
      "/sessionKeyAlgorithm: not an absolute URI of at most 1000 bytes" },
    { "ProvisioningInitializationRequest", "/sessionKeyLimit", "0",
      "/sessionKeyLimit: must be 1-65535" },
    { "ProvisioningInitializationRequest", "/sessionKeyLimit", "65536",
      "/sessionKeyLimit: must be 1-65535" },
    { "ProvisioningInitializationRequest", "/sessionLifeTime", "0",
      "/sessionLifeTime: must be 1-4294967295" },
    { "ProvisioningInitializationRequest", "/sessionLifeTime", "65535", NULL },
    { "ProvisioningInitializationRequest", "/sessionLifeTime", "65536",
      "/sessionLifeTime: must be 1-65535" },
    { "ProvisioningInitializationRequest", "/sessionLifeTime", "10.0",
      "/sessionLifeTime: expected an integer" },
    { "ProvisioningInitializationRequest", "/keyManagementKey/d", "\"AA\"",
      "/keyManagementKey/d: unknown property" },
    { "ProvisioningInitializationResponse", "/clientTime", "\"2026-11-22T02:43:18.0+00:00\"",
      "/clientTime: not a time of the form YYYY-MM-DDThh:mm:ss+hh:mm" },
    { "ProvisioningInitializationResponse", "/clientTime", "\"2026-11-22T02:43:18Z\"", NULL },
    { "ProvisioningInitializationResponse", "/attestation", "\"\"",
      "/attestation: must not be empty" },
    { "KeyCreationRequest", "/keyEntryAlgorithm", "\"key.1\"",
      "/keyEntryAlgorithm: not an absolute URI of at most 1000 bytes" },
    { "KeyCreationRequest", "/pukPolicySpecifiers", "[]",
      "/pukPolicySpecifiers: must not be empty" },
    { "KeyCreationRequest", PUK "/encryptedPuk", "@31", PUK "/encryptedPuk: must be 32-160 bytes" },
    { "KeyCreationRequest", PUK "/encryptedPuk", "@161",
      PUK "/encryptedPuk: must be 32-160 bytes" },
    { "KeyCreationRequest", PUK "/retryLimit", "10001", PUK "/retryLimit: must be 0-10000" },
    { "KeyCreationRequest", PUK "/format", "\"hex\"",
      PUK "/format: must be one of numeric, alphanumeric, string, binary" },
    { "KeyCreationRequest", PUK "/mac", NULL, PUK "/mac: missing" },
    { "KeyCreationRequest", PUK "/pinPolicySpecifiers", "[]",
      PUK "/pinPolicySpecifiers: must not be empty" },
    { "KeyCreationRequest", PIN "/minLength", "129", PIN "/minLength: must be 0-128" },
    { "KeyCreationRequest", PIN "/maxLength", "129", PIN "/maxLength: must be 0-128" },
    { "KeyCreationRequest", PIN "/retryLimit", "0", PIN "/retryLimit: must be 1-10000" },
    { "KeyCreationRequest", PIN "/retryLimit", "-1", PIN "/retryLimit: must be 1-10000" },
    { "KeyCreationRequest", PIN "/patternRestrictions", "[]",
      PIN "/patternRestrictions: must not be empty" },
    { "KeyCreationRequest", PIN "/keyEntrySpecifiers", NULL, PIN "/keyEntrySpecifiers: missing" },
    { "KeyCreationRequest", KEY "/mac", "@31", KEY "/mac: must be 32 bytes" },
    { "KeyCreationRequest", KEY "/mac", "@33", KEY "/mac: must be 32 bytes" },
    { "KeyCreationRequest", KEY "/encryptedPin", "@31", KEY "/encryptedPin: must be 32-160 bytes" },
    { "KeyCreationRequest", KEY "/encryptedPin", "@161",
      KEY "/encryptedPin: must be 32-160 bytes" },
    { "KeyCreationRequest", KEY "/serverSeed", "@0", KEY "/serverSeed: must be 1-64 bytes" },
    { "KeyCreationRequest", KEY "/serverSeed", "@65", KEY "/serverSeed: must be 1-64 bytes" },
    { "KeyCreationRequest", KEY "/keyParameters", "@0", KEY "/keyParameters: must be 1-8 bytes" },
    { "KeyCreationRequest", KEY "/keyParameters", "@9", KEY "/keyParameters: must be 1-8 bytes" },
    { "KeyCreationRequest", KEY "/keyAlgorithm", "\"https://webpki.github.io/sks/algorithm#none\"",
      KEY "/keyAlgorithm: unknown key algorithm" },
    { "KeyCreationRequest", KEY "/keyAlgorithm", "\"RSA\"",
      KEY "/keyAlgorithm: not an absolute URI of at most 1000 bytes" },
    { "KeyCreationRequest", KEY "/endorsedAlgorithms", "[]",
      KEY "/endorsedAlgorithms: must be 1-255 elements" },
    { "KeyCreationRequest", KEY "/endorsedAlgorithms", "[\"ES256\"]",
      KEY "/endorsedAlgorithms/0: not an absolute URI of at most 1000 bytes" },
    { "KeyCreationRequest", KEY "/endorsedAlgorithms", "[\"urn:unknown\"]", NULL },
    { "KeyCreationRequest", KEY "/exportProtection", "\"non-deletable\"",
      KEY "/exportProtection: must be one of none, pin, puk, non-exportable" },
    { "KeyCreationResponse", "/generatedKeys", "[]", "/generatedKeys: must not be empty" },
    { "KeyCreationResponse", "/generatedKeys/1/id", "\"Key.1\"",
      "/generatedKeys/1/id: used twice" },
    { "ProvisioningFinalizationRequest", "/issuedCredentials", "[]",
      "/issuedCredentials: must not be empty" },
    { "ProvisioningFinalizationRequest", "/issuedCredentials/0/mac", "@31",
      "/issuedCredentials/0/mac: must be 32 bytes" },
    { "ProvisioningFinalizationRequest", "/sessionCloseData/nonce", "@0",
      "/sessionCloseData/nonce: must be 1-32 bytes" },
    { "ProvisioningFinalizationRequest", "/sessionCloseData/nonce", "@1", NULL },
    { "ProvisioningFinalizationRequest", "/sessionCloseData/nonce", "@33",
      "/sessionCloseData/nonce: must be 1-32 bytes" },
    { "ProvisioningFinalizationRequest", "/sessionCloseData/mac", "@31",
      "/sessionCloseData/mac: must be 32 bytes" },
    { "ProvisioningFinalizationResponse", "/attestation", "\"a+b/\"",
      "/attestation: not base64url" },
};

Test(messages, values)
{
    expect_all_edited(VALUES, NITEMS(VALUES));
}

/* PUK policies, PIN policies and keys share one name space. */
static const struct edit IDS[] = {
    { "KeyCreationRequest", PIN "/id", "\"PUK.1\"", PIN "/id: used twice" },
    { "KeyCreationRequest", KEY "/id", "\"PIN.1\"", KEY "/id: used twice" },
    { "KeyCreationRequest", PIN "/keyEntrySpecifiers/1/id", "\"Key.1\"",
      PIN "/keyEntrySpecifiers/1/id: used twice" },
    { "KeyCreationRequest", "/pinPolicySpecifiers/0/id", "\"Key.2\"",
      "/pinPolicySpecifiers/0/id: used twice" },
    { "KeyCreationRequest", "/keyEntrySpecifiers/1/id", "\"Key.3\"",
      "/keyEntrySpecifiers/1/id: used twice" },
    { "KeyCreationRequest", "/keyEntrySpecifiers/1/id", "\"pin.1\"", NULL },
};

Test(messages, ids_are_unique)
{
    expect_all_edited(IDS, NITEMS(IDS));
}

static const struct edit MIXED[] = {
    { "KeyCreationRequest", PIN "/keyEntrySpecifiers/1/encryptedPin", NULL,
      PIN "/keyEntrySpecifiers/1: mixes preset and user-defined PINs in one policy" },
    { "KeyCreationRequest", KEY "/encryptedPin", NULL,
      PIN "/keyEntrySpecifiers/1: mixes preset and user-defined PINs in one policy" },
    { "KeyCreationRequest", "/pinPolicySpecifiers/0/keyEntrySpecifiers/1/encryptedPin", "@32",
      "/pinPolicySpecifiers/0/keyEntrySpecifiers/1: "
      "mixes preset and user-defined PINs in one policy" },
};

Test(messages, preset_and_user_defined_pins)
{
    expect_all_edited(MIXED, NITEMS(MIXED));
}

Test(messages, friendly_name_counts_code_points)
{
    json_t *messages = load_messages("messages");
    char name[2 + 3 * 101 + 1] = "\"";
    struct edit edit = { "KeyCreationRequest", KEY "/friendlyName", name, NULL };

    for (int i = 0; i < 100; i++)
        strcat(name, "\xe2\x82\xac");
    strcat(name, "\"");
    expect_edited(messages, &edit);
    name[strlen(name) - 1] = 'x';
    strcat(name, "\"");
    edit.error = KEY "/friendlyName: must be 0-100 characters";
    expect_edited(messages, &edit);
    json_decref(messages);
}
