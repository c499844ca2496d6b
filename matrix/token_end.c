#include "matrix/token_end.h"

#include "keygen2/base/files.h"
#include "matrix/snapshot.h"
#include "token/api/call_json.h"
#include "token/device_ca.h"
#include "token/master_key.h"
#include "token/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

struct token_end {
    struct token *token;
    char database[PATH_MAX], master_key[PATH_MAX], device_ca[PATH_MAX];
    struct buf kept;
};

/* ---- its state ---- */

static enum sks_status make_device(struct token_end *end, struct sks_error *err)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    struct device device = { 0 };
    struct vault *vault = NULL;
    struct store *store = NULL;
    enum sks_status rc;

    TRY(vault_create(end->master_key, err));
    TRY(master_key_open(end->database, end->master_key, &vault, &store, err));
    TRY(device_make_key(p256, &device));
    TRY(device_certify(&device, NULL, end->device_ca, err));
    TRY(device_save(store, &device, err));
out:
    device_free(&device);
    store_close(store);
    vault_close(vault);
    return sks_explain(err, rc);
}

static enum sks_status open_token(struct token_end *end, struct sks_error *err)
{
    return token_open(end->database, end->master_key, &(struct token_options){ .rsa_pool = 0 },
                      &end->token, err);
}

enum sks_status token_end_new(const char *folder, struct token_end **end, struct sks_error *err)
{
    struct token_end *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a token");
    TRY(file_path(made->database, sizeof made->database, folder, TOKEN_DATABASE));
    TRY(file_path(made->master_key, sizeof made->master_key, folder, TOKEN_MASTER_KEY));
    TRY(file_path(made->device_ca, sizeof made->device_ca, folder, TOKEN_DEVICE_CA));
    TRY(make_device(made, err));
    TRY(open_token(made, err));
    *end = made;
    made = NULL;
out:
    token_end_free(made);
    return rc;
}

void token_end_free(struct token_end *end)
{
    if (end == NULL)
        return;
    token_close(end->token);
    buf_free(&end->kept);
    free(end);
}

enum sks_status token_end_keep(struct token_end *end, struct sks_error *err)
{
    enum sks_status rc;

    token_close(end->token);
    end->token = NULL;
    TRY(snapshot_take(&end->kept, end->database, err));
    rc = open_token(end, err);
out:
    return rc;
}

enum sks_status token_end_restore(struct token_end *end, struct sks_error *err)
{
    enum sks_status rc;

    token_close(end->token);
    end->token = NULL;
    TRY(snapshot_put(&end->kept, end->database, err));
    rc = open_token(end, err);
out:
    return rc;
}

/* ---- calls ---- */

void token_end_call(struct token_end *end, const struct sks_dialect *dialect, struct bytes request,
                    struct buf *answer)
{
    token_process_as(end->token, dialect, request, answer);
}

/* The answer as JSON; NULL if there is none. */
static json_t *make_call(struct token_end *end, const struct sks_method *method,
                         const union sks_in *in)
{
    struct buf request = { 0 }, answer = { 0 };
    json_t *json;

    sks_encode_request(&request, method, in);
    token_process(end->token, buf_bytes(&request), &answer);
    json = sks_answer_json(buf_bytes(&answer), method);
    buf_free(&request);
    buf_free(&answer);
    return json;
}

/* Of a method that takes a handle, and perhaps a flag behind it. */
static json_t *call(struct token_end *end, enum method_id id, uint32_t handle, bool flag)
{
    union sks_in in = { .enumerate_sessions = { handle, flag } };

    return make_call(end, sks_method((uint8_t)id), &in);
}

static uint32_t number(const json_t *answer, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(answer, name));
}

static void drop_drawn(json_t *key)
{
    (void)json_object_del(key, "keyHandle");
    (void)json_object_del(key, "provisioningHandle");
}

/* Appends the extension of each type. */
static json_t *view_extensions(struct token_end *end, uint32_t handle, const json_t *types)
{
    const struct sks_method *method = sks_method(GET_EXTENSION);
    json_t *extensions = json_array();
    const json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
    {
        union sks_in in = { .get_extension = { handle, bytes_of(json_string_value(type)) } };

        (void)json_array_append_new(extensions, make_call(end, method, &in));
    }
    return extensions;
}

static json_t *view_key(struct token_end *end, json_t *entry, bool drawn)
{
    uint32_t handle = number(entry, "keyHandle");
    json_t *attributes = call(end, GET_KEY_ATTRIBUTES, handle, false);
    json_t *protection = call(end, GET_KEY_PROTECTION_INFO, handle, false);

    (void)json_object_set_new(entry, "extensions",
                              view_extensions(end, handle, json_object_get(attributes, "type")));
    (void)json_object_update(entry, attributes);
    (void)json_object_update(entry, protection);
    json_decref(attributes);
    json_decref(protection);
    if (!drawn)
        drop_drawn(entry);
    return entry;
}

static json_t *view_keys(struct token_end *end, bool drawn)
{
    json_t *keys = json_array(), *entry = NULL;
    uint32_t handle = 0;

    while ((entry = call(end, ENUMERATE_KEYS, handle, false)) != NULL &&
           (handle = number(entry, "keyHandle")) != 0)
        (void)json_array_append_new(keys, view_key(end, entry, drawn));
    json_decref(entry);
    return keys;
}

static json_t *view_sessions(struct token_end *end, bool drawn)
{
    json_t *sessions = json_array(), *entry = NULL;
    uint32_t handle = 0;

    while ((entry = call(end, ENUMERATE_PROVISIONING_SESSIONS, handle, true)) != NULL &&
           (handle = number(entry, "provisioningHandle")) != 0)
        (void)json_array_append_new(sessions, drawn ? entry : (json_decref(entry), json_true()));
    json_decref(entry);
    return sessions;
}

void token_end_try_wrong_pins(struct token_end *end)
{
    static const uint8_t HASH[32] = { 0 };
    json_t *keys = view_keys(end, true);
    const json_t *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        union sks_in in = { .operation = { .key_handle = number(key, "keyHandle"),
                                           .algorithm = bytes_of(ECDSA_SHA256),
                                           .authorization = bytes_of("0000"),
                                           .data = bytes_at(HASH, sizeof HASH) } };

        json_decref(make_call(end, sks_method(SIGN_HASHED_DATA), &in));
    }
    json_decref(keys);
}

void token_end_expire(struct token_end *end)
{
    json_t *sessions = view_sessions(end, true);
    const json_t *session;
    size_t i;

    json_array_foreach(sessions, i, session) json_decref(
        call(end, ABORT_PROVISIONING_SESSION, number(session, "provisioningHandle"), false));
    json_decref(sessions);
}

json_t *token_end_view(struct token_end *end, bool drawn)
{
    return json_pack("{s:o, s:o}", "keys", view_keys(end, drawn), "openSessions",
                     view_sessions(end, drawn));
}
