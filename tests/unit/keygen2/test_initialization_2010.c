/* The session of the 2010 profile in KeyGen2: which of the two pairs of keys is there. */
#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <string.h>

#define REQUEST "ProvisioningInitializationRequest"
#define RESPONSE "ProvisioningInitializationResponse"
#define EC_KEY                                                                                     \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"TvJT_JeneCyGAoyO74SFHz3d2TKI9hStuakm5JvZSLc\","     \
    "\"y\":\"oTqPj578Fad4O2s91H4MtR_joLipu5gXxr3JTwIRcME\"}"

static json_t *messages;

/* messages.json has V1.07's; here they are those of 2010. */
static void make_messages(void)
{
    json_t *request, *response, *rsa;

    messages = load_messages("messages");
    request = json_object_get(messages, REQUEST);
    response = json_object_get(messages, RESPONSE);
    rsa = json_object_get(request, "keyManagementKey");
    cr_assert(json_object_set(request, "serverPublicKey", rsa) == 0);
    edit_json(request, "/sessionKeyAlgorithm", "\"" SKS_SESSION_2010 "\"");
    edit_json(request, "/serverEphemeralKey", NULL);
    edit_json(request, "/keyManagementKey", NULL);
    edit_json(request, "/updatableKeyManagementKeys", NULL);
    edit_json(response, "/clientEphemeralKey", NULL);
    edit_json(response, "/encryptedSessionKey", "@256");
}

static void drop_messages(void)
{
    json_decref(messages);
}

TestSuite(initialization_2010, .init = make_messages, .fini = drop_messages);

static void expect_both_ways(const char *name, size_t (*key_length)(const union message *message))
{
    json_t *root = json_object_get(messages, name), *again;
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    cr_assert(decode_message(name, root, &message, &arena, &err) == SKS_OK, "%s", err.text);
    cr_expect_gt(key_length(&message), 255);
    again = json_encode(type_of(name), &message);
    cr_expect(json_equal(again, root));
    json_decref(again);
    arena_free(&arena);
}

static size_t server_key_length(const union message *message)
{
    cr_expect_eq(message->initialization_request.server_ephemeral_key.len, 0);
    return message->initialization_request.server_public_key.len;
}

static size_t session_key_length(const union message *message)
{
    cr_expect_eq(message->initialization_response.client_ephemeral_key.len, 0);
    return message->initialization_response.encrypted_session_key.len;
}

Test(initialization_2010, both_ways)
{
    expect_both_ways(REQUEST, server_key_length);
    expect_both_ways(RESPONSE, session_key_length);
}

static const struct edit EDITS[] = {
    { REQUEST, "/serverPublicKey", NULL, "/serverPublicKey: missing" },
    { REQUEST, "/serverPublicKey", EC_KEY, "/serverPublicKey: no RSA key" },
    { REQUEST, "/serverEphemeralKey", EC_KEY,
      "/serverEphemeralKey: not in a session of this algorithm" },
    { REQUEST, "/keyManagementKey", EC_KEY,
      "/keyManagementKey: not in a session of this algorithm" },
    { REQUEST, "/sessionKeyLimit", "65534", "/sessionKeyLimit: not 65535" },
    { REQUEST, "/sessionLifeTime", "4294967295", NULL },
    { REQUEST, "/sessionLifeTime", "4294967296", "/sessionLifeTime: must be 1-4294967295" },
    { REQUEST, "/serverSessionId", "\"short\"", "/serverSessionId: not 32 characters" },
    { REQUEST, "/sessionKeyAlgorithm", "\"https://webpki.github.io/sks/algorithm#session.1\"",
      "/serverEphemeralKey: missing" },
    { RESPONSE, "/encryptedSessionKey", "@512", NULL },
    { RESPONSE, "/encryptedSessionKey", NULL, "/clientEphemeralKey: missing" },
    { RESPONSE, "/encryptedSessionKey", "@255", "/encryptedSessionKey: must be 256-512 bytes" },
    { RESPONSE, "/encryptedSessionKey", "@513", "/encryptedSessionKey: must be 256-512 bytes" },
    { RESPONSE, "/clientEphemeralKey", EC_KEY,
      "/clientEphemeralKey: not in a session of this algorithm" },
    { RESPONSE, "/deviceId", NULL, "/deviceId: missing" },
    { RESPONSE, "/clientSessionId", "\"short\"", "/clientSessionId: not 32 characters" },
    { RESPONSE, "/serverSessionId", "\"short\"", "/serverSessionId: not 32 characters" },
};

Test(initialization_2010, edited)
{
    for (size_t i = 0; i < NITEMS(EDITS); i++)
        expect_edited(messages, &EDITS[i]);
}

/* In the messages of V1.07. */
Test(initialization_2010, keys_of_2010_elsewhere)
{
    static const struct edit V107[] = {
        { REQUEST, "/serverPublicKey", EC_KEY,
          "/serverPublicKey: not in a session of this algorithm" },
        { REQUEST, "/serverEphemeralKey", NULL, "/serverEphemeralKey: missing" },
        { RESPONSE, "/encryptedSessionKey", "@256",
          "/clientEphemeralKey: not in a session of this algorithm" },
        { RESPONSE, "/clientEphemeralKey", NULL, "/clientEphemeralKey: missing" },
    };

    expect_all_edited(V107, NITEMS(V107));
}
