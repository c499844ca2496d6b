#include "issuer/evidence.h"
#include "keygen2/base/clock.h"

#include <stdarg.h>
#include <stdio.h>

/* All that the store knows of a session, as of one moment. */
struct history {
    struct session session;
    struct stored_message *message;
    struct check *check;
    size_t messages, checks;
};

static enum sks_status read_once(struct issuer *issuer, const char *id, struct arena *arena,
                                 struct history *h, struct sks_error *err)
{
    bool found;
    enum sks_status rc;

    TRY(session_store_find_by_id(&issuer->store, id, arena, &h->session, &found, err));
    REQUIRE(found, err, SKS_ERROR_NO_SESSION, "there is no session %s", id);
    TRY(session_store_messages(&issuer->store, &h->session, arena, &h->message, &h->messages, err));
    TRY(session_store_checks(&issuer->store, &h->session, arena, &h->check, &h->checks, err));
out:
    return rc;
}

/* A running issuer may change the session between two queries: then once more. */
static enum sks_status read_history(struct issuer *issuer, const char *id, struct arena *arena,
                                    struct history *h, struct sks_error *err)
{
    struct session after;
    bool found;
    enum sks_status rc;

    do {
        TRY(read_once(issuer, id, arena, h, err));
        TRY(session_store_find_by_id(&issuer->store, id, arena, &after, &found, err));
    } while (!found || after.version != h->session.version);
    REQUIRE(h->messages > 0, err, SKS_ERROR_NO_SESSION, "the evidence of session %s was purged",
            id);
out:
    return rc;
}

/* ---- the record ---- */

static struct bytes time_text(struct arena *arena, int64_t seconds)
{
    char text[32];

    keygen2_time_format(seconds, false, text);
    return arena_copy(arena, bytes_of(text));
}

static enum sks_status fill_terms(const struct session_state *state, struct arena *arena,
                                  struct evidence_record *record)
{
    const struct session_terms *terms = &state->terms;

    record->terms = arena_alloc(arena, 1, sizeof *record->terms);
    if (record->terms == NULL)
        return SKS_ERROR_STORAGE;
    *record->terms = (struct evidence_terms){
        .client_session_id = terms->client_session_id,
        .session_key_algorithm = terms->session_key_algorithm,
        .privacy_enabled = terms->privacy_enabled,
        .server_ephemeral_key = terms->server_ephemeral_key,
        .client_ephemeral_key = state->client_ephemeral_key,
        .server_public_key = state->server_public_key,
        .encrypted_session_key = state->encrypted_session_key,
        .session_key_proof = state->session_key_proof,
        .key_management_key = terms->key_management_key,
        .server_time = state->server_time,
        .client_time = terms->client_time,
        .session_life_time = state->life_time,
        .session_key_limit = terms->session_key_limit,
        .server_certificate = terms->server_certificate,
        .device_certificate_path = state->device_path,
    };
    return SKS_OK;
}

static enum sks_status fill_keys(const struct session_state *state, struct arena *arena,
                                 struct json_array *keys)
{
    struct evidence_key *key = arena_alloc(arena, state->credentials, sizeof *key);

    if (key == NULL)
        return SKS_ERROR_STORAGE;
    *keys = (struct json_array){ key, state->credentials };
    for (size_t i = 0; i < state->credentials; i++)
        key[i] = (struct evidence_key){
            .id = state->credential[i].id,
            .key_algorithm = state->credential[i].key_algorithm,
            .attestation_counter = state->credential[i].attestation_counter,
            .public_key = state->credential[i].public_key,
            .serial_number = state->credential[i].serial,
        };
    return SKS_OK;
}

static enum sks_status fill_messages(const struct history *h, struct arena *arena,
                                     struct json_array *messages)
{
    struct evidence_message *message = arena_alloc(arena, h->messages, sizeof *message);

    if (message == NULL)
        return SKS_ERROR_STORAGE;
    *messages = (struct json_array){ message, h->messages };
    for (size_t i = 0; i < h->messages; i++)
        message[i] = (struct evidence_message){
            .incoming = h->message[i].incoming,
            .time.seconds = h->message[i].at,
            .type = bytes_of(keygen2_qualifier(h->message[i].body)),
            .body = h->message[i].body,
        };
    return SKS_OK;
}

static enum sks_status fill_checks(const struct history *h, struct arena *arena,
                                   struct json_array *checks)
{
    struct evidence_check *check = arena_alloc(arena, h->checks, sizeof *check);

    if (check == NULL)
        return SKS_ERROR_STORAGE;
    *checks = (struct json_array){ check, h->checks };
    for (size_t i = 0; i < h->checks; i++)
        check[i] = (struct evidence_check){
            .name = bytes_of(h->check[i].name),
            .detail = bytes_of(h->check[i].detail),
            .passed = h->check[i].passed,
        };
    return SKS_OK;
}

static enum sks_status fill_record(const struct history *h, struct arena *arena,
                                   struct evidence_record *record)
{
    const struct session *session = &h->session;
    enum sks_status rc;

    record->server_session_id = bytes_of(session->id);
    record->profile = bytes_of(session->profile);
    record->issuer_uri = bytes_of(session->issuer_uri);
    record->started.seconds = session->started;
    if (session->verdict != VERDICT_OPEN)
        record->ended.seconds = session->ended;
    record->recorded.seconds = clock_now();
    record->verdict = (uint8_t)session->verdict;
    record->session_key_status = (uint8_t)session_key_status(&session->state);
    record->cause = bytes_of(session->cause);
    TRY(fill_terms(&session->state, arena, record));
    TRY(fill_keys(&session->state, arena, &record->keys));
    TRY(fill_messages(h, arena, &record->messages));
    TRY(fill_checks(h, arena, &record->checks));
out:
    return rc;
}

/* A key that is not spent yet makes proofs as well as it checks them. */
static enum sks_status check_tellable(const struct session *session,
                                      const struct evidence_options *options, struct sks_error *err)
{
    bool spent = session->verdict == VERDICT_SUCCEEDED || session->verdict == VERDICT_FAILED;
    enum sks_status rc = SKS_OK;

    REQUIRE(session->state.session_key.len > 0, err, SKS_ERROR_NOT_ALLOWED,
            "session %s has no session key to tell: %s", session->id,
            session_key_status(&session->state) == SESSION_KEY_FORGOTTEN
                ? "it is forgotten"
                : "it ended, or waits, before there was one");
    REQUIRE(options->reveal_secrets || !session->state.carries_secrets, err, SKS_ERROR_NOT_ALLOWED,
            "the session carried PINs, PUKs, keys or extensions encrypted, which its key opens:"
            " --reveal-secrets says that you know");
    REQUIRE(options->reveal_secrets || spent, err, SKS_ERROR_NOT_ALLOWED,
            "the session is %s, and who has its key can end it: --reveal-secrets says that you"
            " know",
            name_of_value(NAMES_VERDICT, (uint8_t)session->verdict));
out:
    return rc;
}

enum sks_status evidence_of(struct issuer *issuer, const char *id,
                            const struct evidence_options *options, struct buf *text,
                            struct sks_error *err)
{
    struct evidence_record record = { 0 };
    struct history h = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc;

    TRY(read_history(issuer, id, &arena, &h, err));
    if (options->session_key)
        TRY(check_tellable(&h.session, options, err));
    TRY(sks_explain(err, fill_record(&h, &arena, &record)));
    if (options->session_key)
        record.session_key = h.session.state.session_key;
    TRY(evidence_write(&record, issuer->evidence_key, issuer->evidence_certificate, text, err));
out:
    arena_free(&arena);
    return rc;
}

/* ---- for a person ---- */

__attribute__((format(printf, 2, 3))) static void put_line(struct buf *out, const char *format, ...)
{
    char line[1200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    put_text(out, line);
    put_text(out, "\n");
}

static void put_summary(struct buf *out, const struct history *h, struct arena *arena)
{
    const struct session *session = &h->session;

    put_line(out, "session  %s", session->id);
    put_line(out, "profile  %s", session->profile);
    put_line(out, "address  %s", session->issuer_uri);
    put_line(out, "started  %s", (const char *)time_text(arena, session->started).ptr);
    put_line(out, "verdict  %s%s%s", name_of_value(NAMES_VERDICT, (uint8_t)session->verdict),
             session->cause[0] == '\0' ? "" : ": ", session->cause);
    put_line(out, "key      %s",
             name_of_value(NAMES_SESSION_KEY_STATUS, (uint8_t)session_key_status(&session->state)));
    put_text(out, "\n");
    for (size_t i = 0; i < h->messages; i++)
        put_line(out, "%s %-3s  %6zu bytes  %s",
                 (const char *)time_text(arena, h->message[i].at).ptr,
                 h->message[i].incoming ? "in" : "out", h->message[i].body.len,
                 keygen2_qualifier(h->message[i].body));
    put_text(out, "\n");
    for (size_t i = 0; i < h->checks; i++)
        put_line(out, "%s  %s: %s", h->check[i].passed ? "pass" : "FAIL", h->check[i].name,
                 h->check[i].detail);
}

enum sks_status evidence_summary(struct issuer *issuer, const char *id, struct buf *text,
                                 struct sks_error *err)
{
    struct history h = { 0 };
    struct arena arena = { 0 };
    enum sks_status rc;

    TRY(read_history(issuer, id, &arena, &h, err));
    put_summary(text, &h, &arena);
    TRY(sks_explain(err, text->status));
out:
    arena_free(&arena);
    return rc;
}
