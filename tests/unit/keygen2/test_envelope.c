#include "keygen2/message/keygen2.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

#define CONTEXT "\"@context\":\"" KEYGEN2_CONTEXT "\""

static json_t *load(const char *part)
{
    json_error_t error;
    json_t *data = json_load_file(TEST_DATA "/messages.json", 0, &error);
    json_t *found = json_incref(json_object_get(data, part));

    cr_assert_not_null(found, "%s", error.text);
    json_decref(data);
    return found;
}

/* ---- which message it is ---- */

struct envelope {
    const char *text, *error; /* NULL if it decodes */
};

static const struct envelope ENVELOPES[] = {
    { "{" CONTEXT ",\"@qualifier\":\"InvocationResponse\",\"serverSessionId\":\"a\"}", NULL },
    { "{\"serverSessionId\":\"a\",\"@qualifier\":\"InvocationResponse\"," CONTEXT "}", NULL },
    { "{\"@qualifier\":\"InvocationResponse\",\"serverSessionId\":\"a\"}", "/@context: missing" },
    { "{\"@context\":\"http://xmlns.webpki.org/keygen2/"
      "1.0\",\"@qualifier\":\"InvocationResponse\"}",
      "/@context: expected \"https://webpki.github.io/keygen2#20190318\"" },
    { "{\"@context\":null,\"@qualifier\":\"InvocationResponse\"}",
      "/@context: expected \"https://webpki.github.io/keygen2#20190318\"" },
    { "{" CONTEXT ",\"serverSessionId\":\"a\"}", "/@qualifier: missing" },
    { "{" CONTEXT ",\"@qualifier\":null}", "/@qualifier: expected \"InvocationResponse\"" },
    { "{" CONTEXT ",\"@qualifier\":[\"InvocationResponse\"]}",
      "/@qualifier: expected \"InvocationResponse\"" },
    { "{" CONTEXT ",\"@qualifier\":\"invocationResponse\"}",
      "/@qualifier: expected \"InvocationResponse\"" },
    { "{" CONTEXT ",\"@qualifier\":\"InvocationResponse\",\"serverSessionId\":\"a\"} {}",
      "line 1, column 114: end of file expected near '{'" },
    { "{" CONTEXT ",\n\"@qualifier\":\"InvocationResponse\",\n \"@qualifier\":\"a\"}",
      "line 3, column 13: duplicate key \"@qualifier\"" },
    { "[]", "line 1, column 1: expected '{'" },
    { "{}", "/@qualifier: missing" },
    { "", "line 1, column 1: expected '{'" },
};

Test(envelope, context_and_qualifier)
{
    for (size_t i = 0; i < NITEMS(ENVELOPES); i++) {
        const struct envelope *e = &ENVELOPES[i];
        struct invocation_response response;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };
        enum sks_status rc =
            keygen2_decode(&INVOCATION_RESPONSE, bytes_of(e->text), &response, &arena, &err);

        cr_expect(rc == (e->error == NULL ? SKS_OK : SKS_ERROR_OPTION), "%s", e->text);
        cr_expect_str_eq(err.text, e->error == NULL ? "" : e->error, "%s: %s", e->text, err.text);
        arena_free(&arena);
    }
}

Test(envelope, the_qualifier_of_each_message)
{
    char text[100];

    for (size_t i = 0; i < KEYGEN2_MESSAGES_COUNT; i++) {
        (void)snprintf(text, sizeof text, "{\"@qualifier\":\"%s\"}", KEYGEN2_MESSAGES[i]->name);
        cr_assert_str_eq(keygen2_qualifier(bytes_of(text)), KEYGEN2_MESSAGES[i]->name);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(KEYGEN2_MESSAGES[j]->name, KEYGEN2_MESSAGES[i]->name);
    }
    cr_assert_str_eq(keygen2_qualifier(bytes_of("{\"@qualifier\":\"Invocation\"}")), "?");
    cr_assert_str_eq(keygen2_qualifier(bytes_of("{\"@qualifier\":1}")), "?");
    cr_assert_str_eq(keygen2_qualifier(bytes_of("{")), "?");
}

Test(envelope, one_of_several)
{
    const struct json_type *const types[] = { &KEY_CREATION_REQUEST, &INVOCATION_RESPONSE };
    struct key_creation_request request;
    struct invocation_response response;
    void *const out[] = { &request, &response };
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    size_t found = 99;

    memset(&request, 0xAA, sizeof request);
    cr_assert(keygen2_decode_one_of(types, 2, false, bytes_of(ENVELOPES[0].text), out, &found,
                                    &arena, &err) == SKS_OK);
    cr_expect(found == 1 && bytes_equal(response.server_session_id, bytes_of("a")));
    cr_expect(request.key_entry_algorithm.len == (size_t)0xAAAAAAAAAAAAAAAA); /* not touched */
    cr_expect(keygen2_decode_one_of(types, 2, false,
                                    bytes_of("{" CONTEXT ",\"@qualifier\":\"InvocationRequest\"}"),
                                    out, &found, &arena, &err) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text,
                     "/@qualifier: expected \"KeyCreationRequest\" or \"InvocationResponse\"");
    arena_free(&arena);
}

Test(envelope, size_of_a_message)
{
    char *text = malloc(KEYGEN2_MESSAGE_MAX + 2);
    struct invocation_response response;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    memset(text, ' ', KEYGEN2_MESSAGE_MAX + 2);
    memcpy(text, ENVELOPES[0].text, strlen(ENVELOPES[0].text));
    cr_expect(keygen2_decode(&INVOCATION_RESPONSE, bytes_at(text, KEYGEN2_MESSAGE_MAX), &response,
                             &arena, &err) == SKS_OK);
    cr_expect(keygen2_decode(&INVOCATION_RESPONSE, bytes_at(text, KEYGEN2_MESSAGE_MAX + 1),
                             &response, &arena, &err) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "message over 4194304 bytes");
    cr_expect_str_eq(keygen2_qualifier(bytes_at(text, KEYGEN2_MESSAGE_MAX)), "InvocationResponse");
    cr_expect_str_eq(keygen2_qualifier(bytes_at(text, KEYGEN2_MESSAGE_MAX + 1)), "?");
    free(text);
    arena_free(&arena);
}

Test(envelope, qualifier_for_traces)
{
    static const struct envelope cases[] = {
        { "{\"@qualifier\":\"CredentialDiscoveryRequest\"}", "CredentialDiscoveryRequest" },
        { "{\"a\":1,\"@qualifier\":\"KeyCreationResponse\"}", "KeyCreationResponse" },
        { "{\"@qualifier\":\"Something\"}", "?" },
        { "{\"@qualifier\":1}", "?" },
        { "{\"a\":{\"@qualifier\":\"KeyCreationResponse\"}}", "?" },
        { "{\"@qualifier\":\"KeyCreationResponse\"", "?" },
        { "[\"@qualifier\"]", "?" },
        { "", "?" },
    };

    for (size_t i = 0; i < NITEMS(cases); i++)
        cr_expect_str_eq(keygen2_qualifier(bytes_of(cases[i].text)), cases[i].error);
}

Test(envelope, encoding_what_has_no_form)
{
    struct invocation_request request = { .server_session_id = bytes_of("\xff") };
    struct buf text = { 0 };

    cr_expect(keygen2_encode(&INVOCATION_REQUEST, &request, &text) == SKS_ERROR_OPTION);
    buf_reset(&text);
    request.server_session_id = bytes_of("a");
    request.action = 77;
    cr_expect(keygen2_encode(&INVOCATION_REQUEST, &request, &text) == SKS_ERROR_OPTION);
    buf_free(&text);
}

/* ---- certificate paths ---- */

struct path {
    const char *certificate[4]; /* names of messages.json, end entity first */
    bool trust_anchor;
    const char *error; /* behind the place; NULL if the path is good */
};

static const struct path PATHS[] = {
    { { "leaf" }, false, NULL },
    { { "leaf", "issuing" }, false, NULL },
    { { "leaf", "issuing", "root" }, true, NULL },
    { { "root" }, true, NULL },
    { { "issuing", "leaf" },
      false,
      "certificatePath: certificate path: number 0 is not issued by the next one" },
    { { "leaf", "root" },
      false,
      "certificatePath: certificate path: number 0 is not issued by the next one" },
    { { "leaf", "issuing", "issuing" },
      false,
      "certificatePath: certificate path: number 1 is not issued by the next one" },
    { { "forged", "issuing" },
      false,
      "certificatePath: certificate path: number 0 is not signed by the next one" },
    { { "forged" }, false, NULL }, /* nothing to compare it with */
    { { "rubbish" }, false, "certificatePath: certificate path: number 0 does not decode" },
    { { "leaf", "rubbish" }, false, "certificatePath: certificate path: number 1 does not decode" },
    { { "leaf" }, true, "trustAnchor: the last certificate is not a CA" },
    { { "issuing", "noConstraints" }, true, "trustAnchor: the last certificate is not a CA" },
};

static json_t *make_path(const json_t *certificates, const struct path *path)
{
    json_t *list = json_array();

    for (size_t i = 0; i < NITEMS(path->certificate) && path->certificate[i] != NULL; i++) {
        json_t *der = json_object_get(certificates, path->certificate[i]);

        json_array_append_new(list, der == NULL ? json_string("AAAA") : json_incref(der));
    }
    return list;
}

static void expect_path(const struct json_type *type, json_t *root, void *out, const char *place,
                        const char *error)
{
    char *text = json_dumps(root, 0), expected[200] = "";
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    if (error != NULL)
        (void)snprintf(expected, sizeof expected, "%s/%s", place, error);
    cr_expect(keygen2_decode(type, bytes_of(text), out, &arena, &err) ==
              (error == NULL ? SKS_OK : SKS_ERROR_OPTION));
    cr_expect_str_eq(err.text, expected, "%s", err.text);
    free(text);
    arena_free(&arena);
}

Test(certificate_path, of_a_credential)
{
    json_t *certificates = load("certificates"), *messages = load("messages");
    json_t *root = json_object_get(messages, "ProvisioningFinalizationRequest");
    json_t *credential = json_array_get(json_object_get(root, "issuedCredentials"), 1);

    for (size_t i = 0; i < NITEMS(PATHS); i++) {
        struct provisioning_finalization_request request;

        json_object_set_new(credential, "certificatePath", make_path(certificates, &PATHS[i]));
        json_object_set_new(credential, "trustAnchor", json_boolean(PATHS[i].trust_anchor));
        expect_path(&PROVISIONING_FINALIZATION_REQUEST, root, &request, "/issuedCredentials/1",
                    PATHS[i].error);
    }
    json_decref(certificates);
    json_decref(messages);
}

Test(certificate_path, of_a_device)
{
    json_t *certificates = load("certificates"), *messages = load("messages");
    json_t *root = json_object_get(messages, "ProvisioningInitializationResponse");
    json_t *device = json_object_get(root, "deviceId");

    for (size_t i = 0; i < NITEMS(PATHS); i++) {
        struct provisioning_initialization_response response;
        const char *error = PATHS[i].error;

        if (error != NULL && strncmp(error, "trustAnchor", 11) == 0)
            error = NULL; /* not a matter of the device */
        json_object_set_new(device, "certificatePath", make_path(certificates, &PATHS[i]));
        expect_path(&PROVISIONING_INITIALIZATION_RESPONSE, root, &response, "/deviceId", error);
    }
    json_decref(certificates);
    json_decref(messages);
}

Test(certificate_path, length)
{
    json_t *certificates = load("certificates"), *messages = load("messages");
    json_t *root = json_object_get(messages, "ProvisioningInitializationResponse");
    json_t *path = json_array();
    struct provisioning_initialization_response response;

    json_object_set_new(json_object_get(root, "deviceId"), "certificatePath", path);
    expect_path(&PROVISIONING_INITIALIZATION_RESPONSE, root, &response, "/deviceId",
                "certificatePath: must be 1-10 elements");
    for (int i = 0; i < KEYGEN2_DEVICE_PATH_MAX; i++) /* the root has signed itself */
        json_array_append(path, json_object_get(certificates, "root"));
    expect_path(&PROVISIONING_INITIALIZATION_RESPONSE, root, &response, "/deviceId", NULL);
    json_array_append(path, json_object_get(certificates, "root"));
    expect_path(&PROVISIONING_INITIALIZATION_RESPONSE, root, &response, "/deviceId",
                "certificatePath: must be 1-10 elements");
    json_decref(certificates);
    json_decref(messages);
}
