/* sks-token sessions and abort: the provisioning sessions. */
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"
#include "token/command/port.h"
#include "token/command/print.h"
#include "token/command/rows.h"

#include <stdio.h>
#include <string.h>

const struct option_row OPTIONS_SESSIONS[] = { STORE, MASTER_KEY, JSON, END };
const struct option_row OPTIONS_ABORT[] = { STORE, MASTER_KEY, END };

/* Reads the session behind a handle; its handle is 0 behind the last. */
static enum sks_status next_session(struct port *port, bool open, uint32_t after,
                                    struct enumerate_sessions_out *session, struct arena *arena,
                                    struct sks_error *err)
{
    const union sks_in in = {
        .enumerate_sessions = { .provisioning_handle = after, .provisioning_state = open },
    };
    union sks_out out;
    enum sks_status rc;

    *session = (struct enumerate_sessions_out){ 0 };
    TRY(port_call(port, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, arena, err));
    session->provisioning_handle = out.enumerate_sessions.provisioning_handle;
    if (session->provisioning_handle != 0)
        *session = out.enumerate_sessions;
out:
    return rc;
}

/* ---- sessions ---- */

static const char *fingerprint(struct bytes kmk, struct arena *arena)
{
    struct buf hex = { 0 };
    uint8_t hash[32];
    const char *text = "?";

    /* The SHA-256 of any bytes: here of the public key's SubjectPublicKeyInfo. */
    if (certificate_fingerprint(kmk, hash) == SKS_OK) {
        hex_encode(&hex, bytes_at(hash, sizeof hash));
        text = clean_text(arena, buf_bytes(&hex));
    }
    buf_free(&hex);
    return text;
}

/* Seconds until an open session ends, by the time that the middleware gave at its begin; below 0
 * if that cannot be, as the two clocks differ. The token itself counts by a clock of its own. */
static int64_t seconds_left(const struct enumerate_sessions_out *s)
{
    int64_t age = clock_now() - (int64_t)s->client_time;

    return age < 0 || age > (int64_t)s->session_life_time ? -1
                                                          : (int64_t)s->session_life_time - age;
}

static enum sks_status add_row(struct table *table, bool open,
                               const struct enumerate_sessions_out *s)
{
    struct arena *arena = &table->arena;
    bool has_kmk = s->key_management_key.len > 0;
    int64_t left = open ? seconds_left(s) : -1;

    return table_add(
        table,
        (const char *const[]){
            arena_printf(arena, "%u", s->provisioning_handle),
            open ? "open" : "closed",
            s->client_time == 0 ? "-" : time_text(arena, s->client_time),
            left < 0 ? "-" : arena_printf(arena, "%lld s", (long long)left),
            s->privacy_enabled ? "yes" : "no",
            has_kmk ? arena_printf(arena, "%.16s", fingerprint(s->key_management_key, arena)) : "-",
            session_id_text(arena, s->client_session_id),
            session_id_text(arena, s->server_session_id),
            clean_text(arena, s->issuer_uri),
        });
}

static json_t *session_json(bool open, const struct enumerate_sessions_out *s, struct arena *arena)
{
    union sks_out out = { .enumerate_sessions = *s };
    json_t *object = json_object();
    int64_t left = open ? seconds_left(s) : -1;

    json_add_outputs(object, ENUMERATE_PROVISIONING_SESSIONS, &out);
    (void)json_object_set_new(object, "state", json_string(open ? "open" : "closed"));
    (void)json_object_set_new(object, "begun",
                              s->client_time == 0
                                  ? json_null() /* the 2010 profile has no clientTime */
                                  : json_string(time_text(arena, s->client_time)));
    (void)json_object_set_new(object, "secondsLeft", left < 0 ? json_null() : json_integer(left));
    (void)json_object_set_new(object, "keyManagementKeySha256",
                              s->key_management_key.len == 0
                                  ? json_null()
                                  : json_string(fingerprint(s->key_management_key, arena)));
    return object;
}

static enum sks_status list_sessions(struct port *port, bool open, struct table *table,
                                     json_t *sessions, struct sks_error *err)
{
    struct enumerate_sessions_out session = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc;

    do {
        TRY(next_session(port, open, session.provisioning_handle, &session, &arena, err));
        if (session.provisioning_handle != 0 && sessions == NULL)
            TRY(add_row(table, open, &session));
        if (session.provisioning_handle != 0 && sessions != NULL)
            (void)json_array_append_new(sessions, session_json(open, &session, &arena));
        arena_free(&arena);
    } while (session.provisioning_handle != 0);
out:
    arena_free(&arena);
    return sks_explain(err, rc);
}

enum exit_code command_sessions(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct table table = { .head = { "handle", "state", "begun", "left", "privacy", "KMK SHA-256",
                                     "client session id", "server session id", "issuer" } };
    json_t *sessions = o->json ? json_array() : NULL;
    struct port port;
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(list_sessions(&port, true, &table, sessions, &err));
    TRY(list_sessions(&port, false, &table, sessions, &err));
    if (o->json)
        rc = json_print(json_pack("{s:O}", "sessions", sessions), &err);
    else
        table_print(&table);
out:
    json_decref(sessions);
    table_free(&table);
    return port_finish(&port, rc, &err);
}

/* ---- abort ---- */

static enum sks_status find_session(struct port *port, const char *text, uint32_t *handle,
                                    struct sks_error *err)
{
    struct enumerate_sessions_out session = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc = SKS_OK;

    if (port_parse_handle(text, handle))
        return SKS_OK;
    do {
        arena_free(&arena);
        TRY(next_session(port, true, session.provisioning_handle, &session, &arena, err));
        REQUIRE(session.provisioning_handle != 0, err, SKS_ERROR_NO_SESSION,
                "no open session has the clientSessionId \"%s\" (see sks-token sessions)",
                clean_text(&arena, bytes_of(text)));
    } while (strcmp(session_id_text(&arena, session.client_session_id), text) != 0);
    *handle = session.provisioning_handle;
out:
    arena_free(&arena);
    return rc;
}

enum exit_code command_abort(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct arena arena = { 0 };
    struct port port;
    struct sks_error err = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    enum sks_status rc;

    (void)count;
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(find_session(&port, operands[0], &in.session_handle.provisioning_handle, &err));
    TRY(port_call(&port, ABORT_PROVISIONING_SESSION, &in, &out, &arena, &err));
    (void)printf("session %u is aborted\n", in.session_handle.provisioning_handle);
out:
    arena_free(&arena);
    return port_finish(&port, rc, &err);
}
