/* What a token holds, read by the calls that anybody may make, and what is done to it all at once.
 */
#include "matrix/token_end.h"
#include "token/api/call_json.h"

#include <string.h>

enum { ENTRIES_MAX = 100000 }; /* of an enumeration; more is no token but a trap */

static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/* ---- calls ---- */

enum sks_status token_end_call(struct token_end *end, enum method_id id, const union sks_in *in,
                               json_t **answer, struct sks_error *err)
{
    const struct sks_method *method = sks_method((uint8_t)id);
    struct buf request = { 0 }, body = { 0 };
    enum call_fate fate;
    enum sks_status rc;

    *answer = NULL;
    sks_encode_request(&request, method, in);
    TRY(sks_explain(err, request.status));
    TRY(end->kind->call(end, &SKS_DIALECT_107, buf_bytes(&request), &body, &fate, err));
    TRY(sks_explain(err, body.status));
    *answer = sks_answer_json(buf_bytes(&body), method);
    REQUIRE(*answer != NULL, err, SKS_ERROR_EXTERNAL, "the token's answer to %s cannot be read",
            method->name);
out:
    buf_free(&request);
    buf_free(&body);
    return rc;
}

/* Of a method that takes a handle, and perhaps a flag behind it. */
static enum sks_status call(struct token_end *end, enum method_id id, uint32_t handle, bool flag,
                            json_t **answer, struct sks_error *err)
{
    union sks_in in = { .enumerate_sessions = { handle, flag } };

    return token_end_call(end, id, &in, answer, err);
}

static uint32_t number(const json_t *answer, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(answer, name));
}

static bool is_ours(const struct token_end *end, const json_t *entry)
{
    return end->kind->owns == NULL || end->kind->owns(end, number(entry, "provisioningHandle"));
}

/* ---- what is there ---- */

enum sks_status token_end_enumerate(struct token_end *end, enum method_id id, bool open, bool ours,
                                    json_t *list, struct sks_error *err)
{
    const char *name = id == ENUMERATE_KEYS ? "keyHandle" : "provisioningHandle";
    uint32_t handle = 0;
    size_t count = 0;
    json_t *entry = NULL;
    enum sks_status rc;

    do {
        json_decref(entry);
        TRY(call(end, id, handle, open, &entry, err));
        handle = number(entry, name);
        REQUIRE(++count < ENTRIES_MAX, err, SKS_ERROR_EXTERNAL, "the token's %s does not end",
                sks_method((uint8_t)id)->name);
        if (handle != 0 && is_ours(end, entry) == ours)
            (void)json_array_append(list, entry);
    } while (handle != 0);
out:
    json_decref(entry);
    return rc;
}

/* Adds what is told of a key to its entry. */
static enum sks_status describe_key(struct token_end *end, json_t *entry, struct sks_error *err)
{
    uint32_t handle = number(entry, "keyHandle");
    json_t *attributes = NULL, *protection = NULL, *extensions = json_array(), *extension;
    const json_t *type;
    size_t i;
    enum sks_status rc;

    TRY(call(end, GET_KEY_ATTRIBUTES, handle, false, &attributes, err));
    TRY(call(end, GET_KEY_PROTECTION_INFO, handle, false, &protection, err));
    json_array_foreach(json_object_get(attributes, "type"), i, type)
    {
        union sks_in in = { .get_extension = { handle, bytes_of(json_string_value(type)) } };

        TRY(token_end_call(end, GET_EXTENSION, &in, &extension, err));
        (void)json_array_append_new(extensions, extension);
    }
    (void)json_object_update(entry, attributes);
    (void)json_object_update(entry, protection);
    (void)json_object_set(entry, "extensions", extensions);
out:
    json_decref(extensions);
    json_decref(attributes);
    json_decref(protection);
    return rc;
}

static enum sks_status view_keys(struct token_end *end, bool ours, bool drawn, json_t *keys,
                                 struct sks_error *err)
{
    json_t *key;
    size_t i;
    enum sks_status rc;

    TRY(token_end_enumerate(end, ENUMERATE_KEYS, true, ours, keys, err));
    json_array_foreach(keys, i, key)
    {
        TRY(describe_key(end, key, err));
        if (!drawn) {
            (void)json_object_del(key, "keyHandle");
            (void)json_object_del(key, "provisioningHandle");
        }
    }
out:
    return rc;
}

static enum sks_status view_sessions(struct token_end *end, bool ours, bool drawn, json_t *sessions,
                                     struct sks_error *err)
{
    enum sks_status rc;

    TRY(token_end_enumerate(end, ENUMERATE_PROVISIONING_SESSIONS, true, ours, sessions, err));
    for (size_t i = 0; !drawn && i < json_array_size(sessions); i++)
        (void)json_array_set_new(sessions, i, json_true());
out:
    return rc;
}

enum sks_status token_end_view(struct token_end *end, bool drawn, json_t **view,
                               struct sks_error *err)
{
    json_t *keys = json_array(), *sessions = json_array(), *others = json_array();
    enum sks_status rc;

    *view = NULL;
    TRY(view_keys(end, true, drawn, keys, err));
    TRY(view_sessions(end, true, drawn, sessions, err));
    if (drawn && end->kind->owns != NULL && !end->shared) {
        TRY(view_keys(end, false, true, others, err));
        TRY(view_sessions(end, false, true, others, err));
    }
    *view = json_pack("{s:O, s:O}", "keys", keys, "openSessions", sessions);
    REQUIRE(*view != NULL && (!drawn || json_object_set(*view, "others", others) == 0), err,
            SKS_ERROR_STORAGE, "no memory for what the token holds");
out:
    json_decref(keys);
    json_decref(sessions);
    json_decref(others);
    return rc;
}

/* ---- what is done to all of it ---- */

/* Makes a call for each entry of an enumeration that is ours. */
static enum sks_status for_each(struct token_end *end, enum method_id id,
                                enum sks_status (*visit)(struct token_end *end, json_t *entry,
                                                         json_t *out, struct sks_error *err),
                                json_t *out, struct sks_error *err)
{
    json_t *list = json_array(), *entry;
    size_t i;
    enum sks_status rc;

    TRY(token_end_enumerate(end, id, true, true, list, err));
    json_array_foreach(list, i, entry) TRY(visit(end, entry, out, err));
out:
    json_decref(list);
    return rc;
}

static enum sks_status try_wrong_pin(struct token_end *end, json_t *key, json_t *out,
                                     struct sks_error *err)
{
    static const uint8_t HASH[32] = { 0 };
    const union sks_in in = { .operation = { .key_handle = number(key, "keyHandle"),
                                             .algorithm = bytes_of(ECDSA_SHA256),
                                             .authorization = bytes_of("0000"),
                                             .data = bytes_at(HASH, sizeof HASH) } };
    json_t *answer;
    enum sks_status rc = token_end_call(end, SIGN_HASHED_DATA, &in, &answer, err);

    (void)out;
    json_decref(answer);
    return rc;
}

enum sks_status token_end_try_wrong_pins(struct token_end *end, struct sks_error *err)
{
    return for_each(end, ENUMERATE_KEYS, try_wrong_pin, NULL, err);
}

static enum sks_status abort_session(struct token_end *end, json_t *session, json_t *out,
                                     struct sks_error *err)
{
    json_t *answer;
    enum sks_status rc = call(end, ABORT_PROVISIONING_SESSION,
                              number(session, "provisioningHandle"), false, &answer, err);

    (void)out;
    json_decref(answer);
    return rc;
}

enum sks_status token_end_expire(struct token_end *end, struct sks_error *err)
{
    return for_each(end, ENUMERATE_PROVISIONING_SESSIONS, abort_session, NULL, err);
}

/* Without authorization: what a key wants for its deletion is not guessed at. */
static enum sks_status delete_key(struct token_end *end, json_t *key, json_t *left,
                                  struct sks_error *err)
{
    const union sks_in in = { .authorized = { number(key, "keyHandle"), { NULL, 0 } } };
    json_t *answer;
    enum sks_status rc = token_end_call(end, DELETE_KEY, &in, &answer, err);

    if (rc == SKS_OK && number(answer, "status") != SKS_OK)
        (void)json_array_append(left, json_object_get(key, "keyHandle"));
    json_decref(answer);
    return rc;
}

enum sks_status token_end_delete_keys(struct token_end *end, json_t *left, struct sks_error *err)
{
    return for_each(end, ENUMERATE_KEYS, delete_key, left, err);
}
