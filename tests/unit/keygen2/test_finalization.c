#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <string.h>

#define REQUEST "ProvisioningFinalizationRequest"
#define FIRST "/issuedCredentials/0"
#define SECOND "/issuedCredentials/1"
#define TARGET FIRST "/updateKey"
#define BAG FIRST "/propertyBags/0"
#define PROPERTY BAG "/properties/0"
#define LOGOTYPE FIRST "/logotypes/0"
#define IMPORT                                                                                     \
    "{\"encryptedKey\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","                           \
    "\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
#define TYPE "\"urn:example:e1\""

static const struct edit FIELDS[] = {
    { REQUEST, SECOND "/id", "\"Key.1\"", SECOND "/id: used twice" },
    { REQUEST, FIRST "/mac", NULL, FIRST "/mac: missing" },
    { REQUEST, FIRST "/importSymmetricKey/encryptedKey", "@31",
      FIRST "/importSymmetricKey/encryptedKey: must be 32-160 bytes" },
    { REQUEST, FIRST "/importSymmetricKey/encryptedKey", "@160", NULL },
    { REQUEST, FIRST "/importSymmetricKey/encryptedKey", "@161",
      FIRST "/importSymmetricKey/encryptedKey: must be 32-160 bytes" },
    { REQUEST, FIRST "/importSymmetricKey/mac", NULL, FIRST "/importSymmetricKey/mac: missing" },
    { REQUEST, FIRST "/importSymmetricKey/foo", "1",
      FIRST "/importSymmetricKey/foo: unknown property" },
    { REQUEST, SECOND "/importPrivateKey/encryptedKey", "@31",
      SECOND "/importPrivateKey/encryptedKey: must be 32-16416 bytes" },
    { REQUEST, SECOND "/importPrivateKey/encryptedKey", "@16416", NULL },
    { REQUEST, SECOND "/importPrivateKey/encryptedKey", "@16417",
      SECOND "/importPrivateKey/encryptedKey: must be 32-16416 bytes" },
    { REQUEST, SECOND "/importPrivateKey/mac", "@31",
      SECOND "/importPrivateKey/mac: must be 32 bytes" },
    { REQUEST, SECOND "/importSymmetricKey", IMPORT,
      SECOND "/importPrivateKey: not together with importSymmetricKey" },
    { REQUEST, FIRST "/importSymmetricKey", NULL, NULL },
    { REQUEST, TARGET "/fingerPrint", "@31", TARGET "/fingerPrint: must be 32 bytes" },
    { REQUEST, TARGET "/serverSessionId", NULL, TARGET "/serverSessionId: missing" },
    { REQUEST, TARGET "/clientSessionId", "\"a b\"",
      TARGET "/clientSessionId: must be 1-32 characters from '!' to '~'" },
    { REQUEST, TARGET "/authorization", "@0", TARGET "/authorization: must not be empty" },
    { REQUEST, TARGET "/mac", "@33", TARGET "/mac: must be 32 bytes" },
    { REQUEST, SECOND "/cloneKeyProtection/foo", "1",
      SECOND "/cloneKeyProtection/foo: unknown property" },
    { REQUEST, SECOND "/cloneKeyProtection", NULL, NULL },
    { REQUEST, "/unlockKeys", "[]", "/unlockKeys: must not be empty" },
    { REQUEST, "/unlockKeys/1/mac", NULL, "/unlockKeys/1/mac: missing" },
    { REQUEST, "/deleteKeys", "{}", "/deleteKeys: expected an array" },
    { REQUEST, "/deleteKeys/0/fingerPrint", "@33", "/deleteKeys/0/fingerPrint: must be 32 bytes" },
    { REQUEST, "/issuedCredentials", NULL, NULL },
};

Test(finalization, fields)
{
    expect_all_edited(FIELDS, NITEMS(FIELDS));
}

static const struct edit EXTENSIONS[] = {
    { REQUEST, FIRST "/extensions", "[]", FIRST "/extensions: must not be empty" },
    { REQUEST, FIRST "/extensions/0/type", "\"e1\"",
      FIRST "/extensions/0/type: not an absolute URI of at most 1000 bytes" },
    { REQUEST, FIRST "/extensions/0/extensionData", NULL,
      FIRST "/extensions/0/extensionData: missing" },
    { REQUEST, FIRST "/extensions/0/extensionData", "@250000", NULL },
    { REQUEST, FIRST "/extensions/0/extensionData", "@250001",
      FIRST "/extensions/0/extensionData: must be 0-250000 bytes" },
    { REQUEST, FIRST "/extensions/1/type", TYPE, FIRST "/extensions/1/type: used twice" },
    { REQUEST, FIRST "/encryptedExtensions/0/type", TYPE,
      FIRST "/encryptedExtensions/0/type: used twice" },
    { REQUEST, FIRST "/encryptedExtensions/0/extensionData", "@31",
      FIRST "/encryptedExtensions/0/extensionData: must be 32-250032 bytes" },
    { REQUEST, FIRST "/encryptedExtensions/0/extensionData", "@250032", NULL },
    { REQUEST, FIRST "/encryptedExtensions/0/extensionData", "@250033",
      FIRST "/encryptedExtensions/0/extensionData: must be 32-250032 bytes" },
    { REQUEST, BAG "/type", TYPE, BAG "/type: used twice" },
    { REQUEST, BAG "/properties", "[]", BAG "/properties: must not be empty" },
    { REQUEST, BAG "/mac", NULL, BAG "/mac: missing" },
    { REQUEST, PROPERTY "/name", "\"\"", PROPERTY "/name: must not be empty" },
    { REQUEST, PROPERTY "/name", "#255", NULL },
    { REQUEST, PROPERTY "/name", "#256", PROPERTY "/name: must be at most 255 bytes" },
    { REQUEST, PROPERTY "/value", NULL, PROPERTY "/value: missing" },
    { REQUEST, PROPERTY "/value", "#65535", NULL },
    { REQUEST, PROPERTY "/value", "#65536", PROPERTY "/value: must be at most 65535 bytes" },
    { REQUEST, PROPERTY "/writable", "\"true\"", PROPERTY "/writable: expected true or false" },
    { REQUEST, LOGOTYPE "/type", TYPE, LOGOTYPE "/type: used twice" },
    { REQUEST, LOGOTYPE "/mimeType", "\"\"", LOGOTYPE "/mimeType: must not be empty" },
    { REQUEST, LOGOTYPE "/mimeType", "#128", NULL },
    { REQUEST, LOGOTYPE "/mimeType", "#129", LOGOTYPE "/mimeType: must be at most 128 bytes" },
    { REQUEST, LOGOTYPE "/extensionData", "@250001",
      LOGOTYPE "/extensionData: must be 0-250000 bytes" },
    { REQUEST, LOGOTYPE "/mac", "@0", LOGOTYPE "/mac: must be 32 bytes" },
    { REQUEST, LOGOTYPE "/foo", "1", LOGOTYPE "/foo: unknown property" },
};

Test(finalization, extensions)
{
    expect_all_edited(EXTENSIONS, NITEMS(EXTENSIONS));
}

/* The same type on another key is another extension. */
Test(finalization, types_of_two_keys)
{
    static const struct edit edit = {
        REQUEST, SECOND "/extensions",
        "[{\"type\":" TYPE ",\"extensionData\":\"\",\"mac\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAA\"}]",
        NULL
    };

    expect_all_edited(&edit, 1);
}

Test(finalization, one_post_operation_a_key)
{
    json_t *messages = load_messages("messages");
    json_t *list = json_object_get(json_object_get(messages, REQUEST), "issuedCredentials");
    struct edit edit = { REQUEST, SECOND "/updateKey", NULL,
                         SECOND "/cloneKeyProtection: not together with updateKey" };
    char *text = json_dumps(json_object_get(json_array_get(list, 0), "updateKey"), 0);

    edit.value = text;
    expect_edited(messages, &edit);
    free(text);
    json_decref(messages);
}

/* Each property counts with its two lengths and its flag: 16 * 15625 bytes are what SKS takes. */
Test(finalization, size_of_a_property_bag)
{
    json_t *messages = load_messages("messages"), *bags, *list = json_array();
    struct edit edit = { REQUEST, "/serverSessionId", "\"s\"", NULL };
    char value[15625] = "";

    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < 16; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s#}", "name", "n", "value", value, 15625 - 5 - 1));
    bags = json_object_get(
        json_array_get(json_object_get(json_object_get(messages, REQUEST), "issuedCredentials"), 0),
        "propertyBags");
    json_object_set(json_array_get(bags, 0), "properties", list);
    expect_edited(messages, &edit);
    json_object_set_new(json_array_get(list, 0), "name", json_string("nn"));
    edit.error = BAG "/properties: more than 250000 bytes of data";
    expect_edited(messages, &edit);
    json_decref(list);
    json_decref(messages);
}

Test(finalization, size_of_a_certificate)
{
    static const struct edit edits[] = {
        { REQUEST, FIRST "/certificatePath/1", "@16384",
          FIRST "/certificatePath: certificate path: number 1 does not decode" },
        { REQUEST, FIRST "/certificatePath/1", "@16385",
          FIRST "/certificatePath/1: must be at most 16384 bytes" },
    };

    expect_all_edited(edits, NITEMS(edits));
}

/* ---- ProvisioningInitializationRequest: generations of key management keys ---- */

#define INIT "ProvisioningInitializationRequest"
#define KEYS "/updatableKeyManagementKeys"

static const struct edit GENERATIONS[] = {
    { INIT, KEYS, "[]", KEYS ": must be 1-32 elements" },
    { INIT, KEYS "/0/publicKey", NULL, KEYS "/0/publicKey: missing" },
    { INIT, KEYS "/0/authorization", NULL, KEYS "/0/authorization: missing" },
    { INIT, KEYS "/0/authorization", "@0", KEYS "/0/authorization: must not be empty" },
    { INIT, KEYS "/1/foo", "1", KEYS "/1/foo: unknown property" },
    { INIT, KEYS "/0" KEYS "/0/publicKey/kty", "\"oct\"",
      KEYS "/0" KEYS "/0/publicKey/kty: must be one of RSA, EC, OKP" },
    { INIT, KEYS "/0" KEYS, "[]", KEYS "/0" KEYS ": must be 1-32 elements" },
    { INIT, KEYS, NULL, NULL },
};

Test(generations, fields)
{
    expect_all_edited(GENERATIONS, NITEMS(GENERATIONS));
}

static json_t *generations_of(json_t *messages, json_t **one)
{
    json_t *keys = json_object_get(json_object_get(messages, INIT), "updatableKeyManagementKeys");

    *one = json_deep_copy(json_array_get(keys, 1));
    return keys;
}

Test(generations, depth)
{
    json_t *messages = load_messages("messages"), *one, *keys = generations_of(messages, &one);
    struct edit edit = { INIT, "/serverSessionId", "\"s\"", NULL };
    json_t *at = json_array_get(keys, 1);

    for (int i = 0; i < KEYGEN2_GENERATIONS_MAX; i++) {
        expect_edited(messages, &edit); /* i + 1 deep */
        json_object_set_new(at, "updatableKeyManagementKeys",
                            json_pack("[o]", json_deep_copy(one)));
        at = json_array_get(json_object_get(at, "updatableKeyManagementKeys"), 0);
    }
    edit.error = KEYS "/1" KEYS "/0" KEYS "/0" KEYS "/0" KEYS "/0" KEYS "/0" KEYS "/0" KEYS
                      "/0" KEYS "/0/publicKey: more than 8 generations of key management keys";
    expect_edited(messages, &edit);
    json_decref(one);
    json_decref(messages);
}

Test(generations, count)
{
    json_t *messages = load_messages("messages"), *one, *keys = generations_of(messages, &one);
    json_t *inner = json_object_get(json_array_get(keys, 0), "updatableKeyManagementKeys");
    struct edit edit = { INIT, "/serverSessionId", "\"s\"", NULL };

    while (json_array_size(inner) < KEYGEN2_UPDATABLE_KEYS_MAX - 2)
        json_array_append(inner, one);
    expect_edited(messages, &edit);
    json_array_append(keys, one);
    edit.error = KEYS ": more than 32 keys altogether";
    expect_edited(messages, &edit);
    json_decref(one);
    json_decref(messages);
}
