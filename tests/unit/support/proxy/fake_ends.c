#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake fake;

static json_t *recording;
static struct arena kept; /* what the token's answers point to */
static volatile sig_atomic_t stop;
static unsigned exchanges;

static const char *const REQUESTS[] = { "InvocationRequest", "ProvisioningInitializationRequest",
                                        "KeyCreationRequest", "ProvisioningFinalizationRequest" };

/* ---- the recording ---- */

const char *fake_recorded_text(const char *type)
{
    json_t *list = json_object_get(recording, "messages"), *message;
    size_t i;

    json_array_foreach(list, i, message)
    {
        if (strcmp(json_string_value(json_object_get(message, "type")), type) == 0)
            return json_string_value(json_object_get(message, "body"));
    }
    cr_assert_fail("no %s", type);
    return NULL;
}

const char *fake_recorded(const char *type, const char *name)
{
    json_t *message = json_loads(fake_recorded_text(type), 0, NULL);
    const char *text =
        arena_text(&kept, bytes_of(json_string_value(json_object_get(message, name))));

    json_decref(message);
    return text;
}

static void decode(const struct json_type *type, void *out)
{
    struct sks_error err = { 0 };

    cr_assert(keygen2_decode(type, bytes_of(fake_recorded_text(type->name)), out, &kept, &err) ==
                  SKS_OK,
              "%s: %s", type->name, err.text);
}

/* ---- the issuer ---- */

static void merge(json_t *message, json_t *change)
{
    const char *name;
    json_t *value;

    cr_assert_eq(json_object_update(message, change), 0);
    json_object_foreach(change, name, value)
    {
        if (json_is_null(value))
            cr_assert_eq(json_object_del(message, name), 0);
    }
}

static void answer_message(const char *type, struct http_exchange *exchange)
{
    json_t *message = json_loads(fake_recorded_text(type), 0, NULL), *change = NULL;
    char *text;

    if (fake.issuer.message != NULL && strcmp(fake.issuer.message, type) == 0)
        change = json_loads(fake.issuer.change, 0, NULL);
    else if (fake.issuer.message2 != NULL && strcmp(fake.issuer.message2, type) == 0)
        change = json_loads(fake.issuer.change2, 0, NULL);
    if (change != NULL)
        merge(message, change);
    if (fake.issuer.client_session_id && json_object_get(message, "clientSessionId") != NULL)
        cr_assert_eq(json_object_set(message, "clientSessionId",
                                     json_object_get(fake_response(1), "clientSessionId")),
                     0);
    text = json_dumps(message, JSON_COMPACT);
    put_raw(&exchange->body, bytes_of(text));
    exchange->status = 200;
    strcpy(exchange->content_type, "application/json");
    free(text);
    json_decref(change);
    json_decref(message);
}

static void redirect(const char *location, struct http_exchange *exchange)
{
    exchange->status = 302;
    (void)snprintf(exchange->location, sizeof exchange->location, "%s", location);
}

static void answer_page(struct http_exchange *exchange)
{
    char page[300];

    exchange->status = fake.issuer.verdict == NULL ? 404 : 200;
    (void)snprintf(page, sizeof page,
                   "{\"serverSessionId\":\"%s\",\"profile\":\"test\",\"verdict\":\"%s\","
                   "\"cause\":\"because\"}",
                   fake_recorded("InvocationRequest", "serverSessionId"), fake.issuer.verdict);
    put_raw(&exchange->body, bytes_of(page));
}

static void play_issuer(bool post, const char *path, struct http_exchange *exchange)
{
    static size_t next;

    if (strcmp(path, "init") == 0)
        next = 0;
    if (strcmp(path, "abort") == 0)
        redirect("/failed/x", exchange);
    else if (!post && path[0] == '/')
        answer_page(exchange);
    else if (next == NITEMS(REQUESTS))
        redirect("http://issuer.example/done/x", exchange);
    else
        answer_message(REQUESTS[next], exchange);
    next += next == 1 && fake.issuer.skip_creation ? 2 : 1;
}

/* "init", "abort", "POST", or the path of a page. */
static const char *request_name(const char *method, const char *url)
{
    const char *query = strchr(url, '?');

    if (strcmp(method, "POST") == 0)
        return "POST";
    if (query == NULL)
        return url + strlen("http://issuer.example");
    return strcmp(query, "?init=true") == 0 ? "init" : "abort";
}

static void remember(struct bytes body)
{
    json_t *message = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);

    cr_assert_not_null(message);
    cr_assert_eq(json_array_append_new(fake.responses, message), 0);
}

static enum sks_status issuer_exchange(void *ctx, const char *method, const char *url,
                                       const char *content_type, const char *accept,
                                       struct bytes body, struct http_exchange *exchange,
                                       struct sks_error *err)
{
    const char *name = request_name(method, url);
    enum trouble trouble = ++exchanges == fake.issuer.at ? fake.issuer.trouble : NO_TROUBLE;

    (void)ctx;
    strcat(strcat(fake.requests, " "), name);
    if (body.len > 0)
        remember(body);
    if (body.len > 0)
        cr_expect_str_eq(content_type, "application/json");
    if (name[0] == '/')
        cr_expect_str_eq(accept, "application/json");
    if (trouble == NO_CONNECTION || trouble == NO_ANSWER)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "the wire is cut");
    play_issuer(strcmp(method, "POST") == 0, name, exchange);
    put_raw(&exchange->leaf, bytes_of(trouble == TROUBLE_LEAF ? "another" : fake.issuer.leaf));
    if (trouble == TROUBLE_STATUS)
        exchange->status = fake.issuer.status;
    if (trouble == TROUBLE_STATUS && fake.issuer.location != NULL)
        redirect(fake.issuer.location, exchange);
    if (trouble == TROUBLE_TYPE)
        strcpy(exchange->content_type, "application/json; charset=utf-8");
    stop = stop || trouble == TROUBLE_STOP;
    return SKS_OK;
}

/* ---- the token ---- */

static void note(const char *what, unsigned number, struct bytes text)
{
    size_t len = strlen(fake.inputs);

    (void)snprintf(fake.inputs + len, sizeof fake.inputs - len, " %s %u \"%.*s\"", what, number,
                   (int)text.len, (const char *)text.ptr);
}

static void play_device(union sks_out *out)
{
    static struct bytes algorithms[1];
    struct provisioning_initialization_response said;

    decode(&PROVISIONING_INITIALIZATION_RESPONSE, &said);
    algorithms[0] = bytes_of(SKS_SESSION_ALGORITHM);
    out->device_info = (struct device_info_out){
        .api_level = 106,
        .certificate_path = said.device_id->certificate_path,
        .supported_algorithms = { algorithms, 1 },
        .crypto_data_size = SKS_CRYPTO_DATA_MAX,
        .extension_data_size = SKS_EXTENSION_DATA_MAX,
        .biometric_support = true,
    };
}

static void play_create_session(const union sks_in *in, union sks_out *out)
{
    struct provisioning_initialization_response said;
    const char *other = fake.token.client_session_id;

    decode(&PROVISIONING_INITIALIZATION_RESPONSE, &said);
    note("session", in->create_session.terms.privacy_enabled,
         in->create_session.terms.server_certificate);
    cr_expect(bytes_equal(in->create_session.terms.issuer_uri, bytes_of(FAKE_URL)));
    out->create_session = (struct create_session_out){
        .client_session_id = other == NULL ? said.client_session_id : bytes_of(other),
        .client_ephemeral_key = said.client_ephemeral_key,
        .attestation = said.attestation,
        .provisioning_handle = 3,
    };
}

static void play_create_session_2010(const union sks_in *in, union sks_out *out)
{
    static const uint8_t ENCRYPTED[256] = { 1 };

    note("session-2010", in->create_session_2010.life_time, bytes_of(""));
    cr_expect(bytes_equal(in->create_session_2010.provisioning_uri, bytes_of(FAKE_URL)));
    cr_expect_eq(in->create_session_2010.client_session_id.len, SKS_SESSION_ID_2010);
    cr_expect_gt(in->create_session_2010.server_public_key.len, 256);
    out->create_session_2010 =
        (struct create_session_2010_out){ .encrypted_session_key = bytes_at(ENCRYPTED, 256),
                                          .attested_session_key = bytes_of("attestation"),
                                          .provisioning_id = 3 };
    if (fake.token.created_2010 != NULL)
        out->create_session_2010 = *fake.token.created_2010;
}

static void play_closed(const union sks_in *in, union sks_out *out)
{
    const struct enumerate_sessions_out *next = fake.token.sessions;

    while (next != NULL && next->provisioning_handle != 0 &&
           next->provisioning_handle <= in->enumerate_sessions.provisioning_handle)
        next++;
    if (next != NULL)
        out->enumerate_sessions = *next;
}

static void play_enumerate_keys(const union sks_in *in, union sks_out *out)
{
    const struct enumerate_keys_out *next = fake.token.keys;

    while (next != NULL && next->key_handle != 0 && next->key_handle <= in->key_handle.key_handle &&
           !fake.token.endless)
        next++;
    if (next != NULL)
        out->enumerate_keys = *next;
}

/* The certificate of the recorded session, for every key. */
static void play_attributes(const union sks_in *in, union sks_out *out)
{
    struct provisioning_finalization_request said;
    const struct issued_credential *credential;

    decode(&PROVISIONING_FINALIZATION_REQUEST, &said);
    credential = said.issued_credentials.item;
    note("attributes", in->key_handle.key_handle, bytes_of(""));
    out->key_attributes =
        (struct key_attributes_out){ .certificate_path = credential->certificate_path,
                                     .friendly_name = bytes_of("Mine") };
}

/* Open sessions: a foreign one, and the one whose creation got no answer. */
static void play_enumerate(const union sks_in *in, union sks_out *out)
{
    bool first = in->enumerate_sessions.provisioning_handle == 0;

    if (!in->enumerate_sessions.provisioning_state) {
        play_closed(in, out);
        return;
    }
    if (in->enumerate_sessions.provisioning_handle == 3)
        return;
    out->enumerate_sessions = (struct enumerate_sessions_out){
        .provisioning_handle = first ? 2 : 3,
        .server_session_id =
            bytes_of(first ? "foreign" : fake_recorded("InvocationRequest", "serverSessionId")),
        .client_session_id = bytes_of("c"),
        .issuer_uri = bytes_of(FAKE_URL),
    };
}

static void play_key(const union sks_in *in, union sks_out *out)
{
    struct key_creation_response said;
    const struct generated_key *key;

    decode(&KEY_CREATION_RESPONSE, &said);
    key = said.generated_keys.item;
    note("key", in->create_key_entry.pin_policy_handle, in->create_key_entry.key.pin_value);
    for (size_t i = 0; i < said.generated_keys.count; i++)
        if (bytes_equal(key[i].id, in->create_key_entry.key.id))
            out->create_key_entry =
                (struct create_key_entry_out){ (uint32_t)(50 + i), key[i].public_key,
                                               key[i].attestation };
}

static void play_token(const struct sks_method *method, const union sks_in *in, union sks_out *out)
{
    struct provisioning_finalization_response said;

    switch (method->id) {
    case GET_DEVICE_INFO:
        play_device(out);
        break;
    case CREATE_PROVISIONING_SESSION:
        play_create_session(in, out);
        break;
    case CREATE_SESSION_2010:
        play_create_session_2010(in, out);
        break;
    case ENUMERATE_PROVISIONING_SESSIONS:
        play_enumerate(in, out);
        break;
    case ENUMERATE_KEYS:
        play_enumerate_keys(in, out);
        break;
    case GET_KEY_ATTRIBUTES:
        play_attributes(in, out);
        break;
    case POST_DELETE_KEY:
    case POST_UNLOCK_KEY:
        note(method->name, in->post_session.target_key_handle, bytes_of(""));
        break;
    case UPDATE_KEY_MANAGEMENT_KEY:
        note("roll-over", in->update_kmk.provisioning_handle, in->update_kmk.authorization);
        break;
    case CREATE_PUK_POLICY:
        out->handle.handle = 20;
        break;
    case CREATE_PIN_POLICY:
        note("pin-policy", in->create_pin_policy.puk_policy_handle,
             in->create_pin_policy.policy.id);
        out->handle.handle = 30;
        break;
    case CREATE_KEY_ENTRY:
        play_key(in, out);
        break;
    case SET_CERTIFICATE_PATH:
        note("path", in->set_certificate_path.key_handle, bytes_of(""));
        break;
    case GET_KEY_HANDLE:
        note("look-up", in->get_key_handle.provisioning_handle, in->get_key_handle.id);
        out->handle.handle = 90;
        break;
    case CLOSE_PROVISIONING_SESSION:
        decode(&PROVISIONING_FINALIZATION_RESPONSE, &said);
        out->close_session.attestation = said.attestation;
        break;
    default:
        break;
    }
}

static enum sks_status token_exchange(void *ctx, struct bytes request, struct buf *answer,
                                      enum call_fate *fate, struct sks_error *err)
{
    const struct sks_method *method;
    union sks_in in;
    union sks_out out = { 0 };
    struct sks_error refusal = { SKS_OK, "not so" };
    enum trouble trouble;

    (void)ctx;
    cr_assert(sks_decode_request(request, &method, &in, &kept, err) == SKS_OK, "%s", err->text);
    (void)snprintf(fake.calls + strlen(fake.calls), 8, " %u", method->id);
    trouble = method->id == fake.token.at ? fake.token.trouble : NO_TROUBLE;
    *fate = trouble == NO_CONNECTION ? CALL_NOT_MADE : CALL_UNANSWERED;
    if (trouble == NO_CONNECTION || trouble == NO_ANSWER)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "the wire is cut");
    if (trouble == TROUBLE_STATUS)
        refusal.status = (enum sks_status)fake.token.status;
    if (method->id == ABORT_PROVISIONING_SESSION)
        refusal.status = (enum sks_status)fake.token.abort_status;
    stop = stop || trouble == TROUBLE_STOP;
    play_token(method, &in, &out);
    if (refusal.status == SKS_OK)
        sks_encode_response(answer, method, &out);
    else
        sks_encode_failure(answer, &refusal);
    return answer->status;
}

static void token_path(void *ctx, const char *path)
{
    (void)ctx;
    fake.token.path = path;
}

/* ---- a run ---- */

void fake_set_up(const char *name)
{
    json_error_t error;

    recording = json_load_file(name, 0, &error);
    cr_assert_not_null(recording, "%s", error.text);
    fake = (struct fake){ .pins = { "4715" }, .pin_count = 1 };
    fake.issuer.leaf = "";
    fake.issuer.verdict = "succeeded";
}

static struct attack *load_attack(void)
{
    char path[] = "/tmp/sks-attack-XXXXXX";
    struct sks_error err = { 0 };
    struct attack *attack;
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, fake.attack, strlen(fake.attack)), (ssize_t)strlen(fake.attack));
    (void)close(fd);
    cr_assert(attack_load(path, &attack, &err) == SKS_OK, "%s", err.text);
    (void)unlink(path);
    return attack;
}

void fake_run(void)
{
    static const struct issuer_transport ISSUER = { .exchange = issuer_exchange };
    static const struct token_transport TOKEN = { .exchange = token_exchange,
                                                  .set_path = token_path };
    struct token_link_config token = { .watch = provision_watch };
    struct user_config user = { .yes = true, .pins = fake.pins, .pin_count = fake.pin_count };
    struct enrolment *e = &fake.enrolment;
    struct attack *attack = fake.attack == NULL ? NULL : load_attack();

    stop = 0;
    exchanges = 0;
    fake.calls[0] = fake.requests[0] = fake.inputs[0] = '\0';
    json_decref(fake.responses);
    fake.responses = json_array();
    arena_free(&e->arena);
    *e = (struct enrolment){ .stop = &stop, .attack = attack, .logotypes = logotype_defaults() };
    cr_assert_eq(user_open(&user, &e->user, NULL), SKS_OK);
    cr_assert_eq(trace_open(false, NULL, &e->trace, NULL), SKS_OK);
    token.watch_ctx = e->trace;
    cr_assert_eq(issuer_link_open_over(FAKE_URL, &ISSUER, &e->issuer, NULL), SKS_OK);
    cr_assert_eq(token_link_open_over(&TOKEN, &token, &e->token, NULL), SKS_OK);
    dialogue_run(e, &fake.outcome);
    token_link_close(e->token);
    issuer_link_close(e->issuer);
    trace_close(e->trace);
    user_close(e->user);
    attack_free(attack);
}

const json_t *fake_response(size_t number)
{
    return json_array_get(fake.responses, number);
}

void fake_tear_down(void)
{
    arena_free(&fake.enrolment.arena);
    json_decref(fake.responses);
    json_decref(recording);
    arena_free(&kept);
    recording = NULL;
    fake = (struct fake){ 0 };
}
