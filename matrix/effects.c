#include "matrix/effects.h"

#include "token/api/call_json.h"

static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char *const HMACS[] = { "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
                                     "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" };

/* The answer as JSON; NULL if there is none. */
static json_t *make_call(struct token_end *end, enum method_id id, const union sks_in *in)
{
    const struct sks_method *method = sks_method((uint8_t)id);
    struct buf request = { 0 }, answer = { 0 };
    json_t *json;

    sks_encode_request(&request, method, in);
    token_end_call(end, &SKS_DIALECT_107, buf_bytes(&request), &answer);
    json = sks_answer_json(buf_bytes(&answer), method);
    buf_free(&request);
    buf_free(&answer);
    return json;
}

/* The next object of an enumeration that takes a handle, and perhaps a flag; NULL at its end. */
static json_t *next(struct token_end *end, enum method_id id, const char *name, uint32_t *handle)
{
    union sks_in in = { .enumerate_sessions = { *handle, false } };
    json_t *entry = make_call(end, id, &in);

    *handle = (uint32_t)json_integer_value(json_object_get(entry, name));
    if (*handle != 0)
        return entry;
    json_decref(entry);
    return NULL;
}

/* A signature is another each time: its status is what tells of the PIN. An HMAC tells of the key
 * too. True if the PIN is right. */
static bool use_key(struct token_end *end, uint32_t handle, const char *pin, json_t *uses)
{
    static const uint8_t HASH[32] = { 0 };
    union sks_in in = { .operation = { .key_handle = handle,
                                       .algorithm = bytes_of(ECDSA_SHA256),
                                       .authorization = bytes_of(pin),
                                       .data = bytes_at(HASH, sizeof HASH) } };
    json_t *answer = make_call(end, SIGN_HASHED_DATA, &in);
    bool right = json_integer_value(json_object_get(answer, "status")) != SKS_ERROR_AUTHORIZATION;

    (void)json_array_append(uses, json_object_get(answer, "status"));
    json_decref(answer);
    if (!right)
        return false;
    for (size_t i = 0; i < NITEMS(HMACS); i++) {
        in.operation.algorithm = bytes_of(HMACS[i]);
        answer = make_call(end, PERFORM_HMAC, &in);
        (void)json_object_del(answer, "errorString");
        (void)json_array_append_new(uses, answer);
    }
    return true;
}

void effects_add(struct token_end *end, const char *const *pins, json_t *view)
{
    static const char *const DRAWN[] = { "provisioningHandle", "clientSessionId", "serverSessionId",
                                         "clientTime" };
    json_t *uses = json_array(), *owners = json_array(), *entry;
    uint32_t handle = 0;

    while ((entry = next(end, ENUMERATE_KEYS, "keyHandle", &handle)) != NULL) {
        json_decref(entry);
        for (size_t i = 0; pins[i] != NULL && !use_key(end, handle, pins[i], uses);)
            i++;
    }
    handle = 0;
    while ((entry = next(end, ENUMERATE_PROVISIONING_SESSIONS, "provisioningHandle", &handle)) !=
           NULL) {
        for (size_t i = 0; i < NITEMS(DRAWN); i++)
            (void)json_object_del(entry, DRAWN[i]);
        (void)json_array_append_new(owners, entry);
    }
    (void)json_object_set_new(view, "uses", uses);
    (void)json_object_set_new(view, "owners", owners);
}
