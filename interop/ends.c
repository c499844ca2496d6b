#include "interop/ends.h"

#include "interop/desk.h"
#include "keygen2/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENROL_SECONDS = 120, ASK_SECONDS = 90, CALL_SECONDS = 30, URL_MAX = 1024 };

/* ---- sks-proxy ---- */

static void take_text(const json_t *object, const char *name, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));

    (void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void read_outcome(const json_t *said, struct enrolled *enrolled)
{
    const json_t *keys = json_object_get(said, "keys");

    take_text(said, "outcome", enrolled->outcome, sizeof enrolled->outcome);
    take_text(said, "detectedBy", enrolled->by, sizeof enrolled->by);
    take_text(said, "serverSessionId", enrolled->session, sizeof enrolled->session);
    take_text(said, "cause", enrolled->cause, sizeof enrolled->cause);
    enrolled->keys = json_array_size(keys);
    enrolled->key =
        (uint32_t)json_integer_value(json_object_get(json_array_get(keys, 0), "handle"));
}

static enum sks_status run_proxy(const struct ends *ends, const struct words *words,
                                 struct run_result *result, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(setenv("SKS_PROXY_PIN", ends->pin, 1) == 0, err, SKS_ERROR_STORAGE, "no memory");
    rc = run_program(words, ENROL_SECONDS, result, err);
out:
    return rc;
}

enum sks_status ends_enrol(const struct ends *ends, const char *profile, bool resume,
                           struct enrolled *enrolled, struct sks_error *err)
{
    struct words words = { 0 };
    struct run_result result = { 0 };
    int64_t began = clock_monotonic_ms();
    char url[URL_MAX];
    json_t *said = NULL;
    enum sks_status rc;

    *enrolled = (struct enrolled){ 0 };
    (void)snprintf(url, sizeof url, "%s/kg2/%s", ends->issuer, profile);
    words_add(&words, "sks-proxy", "provision", url, "--token", ends->token, "--yes", "--json",
              "--state", ends->state, NULL);
    if (ends->ca != NULL)
        words_add(&words, "--ca", ends->ca, NULL);
    if (resume)
        words_add(&words, "--resume", NULL);
    TRY(run_proxy(ends, &words, &result, err));
    enrolled->code = result.code;
    enrolled->ms = clock_monotonic_ms() - began;
    said = json_loadb((const char *)result.out.ptr, result.out.len, 0, NULL);
    if (json_is_object(said))
        read_outcome(said, enrolled);
    else
        run_complaint(&result, enrolled->cause, sizeof enrolled->cause);
out:
    json_decref(said);
    run_result_free(&result);
    return rc;
}

enum sks_status ends_resume(const struct ends *ends, int *code, struct sks_error *err)
{
    struct words words = { 0 };
    struct run_result result = { 0 };
    enum sks_status rc;

    words_add(&words, "sks-proxy", "resume", "--state", ends->state, "--json", NULL);
    if (ends->ca != NULL)
        words_add(&words, "--ca", ends->ca, NULL);
    TRY(run_proxy(ends, &words, &result, err));
    *code = result.code;
out:
    run_result_free(&result);
    return rc;
}

/* ---- the operator ---- */

static enum sks_status ask(const struct ends *ends, json_t *question, json_t **output,
                           struct sks_error *err)
{
    json_t *answer = NULL, *said;
    enum sks_status rc;

    TRY(desk_ask(ends->operator, question, ASK_SECONDS, &answer, err));
    said = json_object_get(answer, "output");
    if (output != NULL)
        *output = json_incref(said);
out:
    json_decref(answer);
    return rc;
}

enum sks_status ends_ask(const struct ends *ends, const char *what, json_t **output,
                         struct sks_error *err)
{
    return ask(ends, json_pack("{s:s}", "ask", what), output, err);
}

enum sks_status ends_ask_of(const struct ends *ends, const char *what, const char *session,
                            json_t **output, struct sks_error *err)
{
    return ask(ends, json_pack("{s:s, s:s}", "ask", what, "session", session), output, err);
}

enum sks_status ends_verdict(const struct ends *ends, const char *session, char verdict[32],
                             struct sks_error *err)
{
    json_t *shown = NULL;
    enum sks_status rc;

    TRY(ends_ask_of(ends, "verdict", session, &shown, err));
    take_text(shown, "verdict", verdict, 32);
out:
    json_decref(shown);
    return rc;
}

/* ---- the token ---- */

enum sks_status ends_link(const struct ends *ends, struct token_link **link, struct sks_error *err)
{
    return token_link_open(ends->token, &(struct token_link_config){ .timeout = CALL_SECONDS },
                           link, err);
}

static enum sks_status look_at_keys(struct token_link *link, struct held *held,
                                    struct sks_error *err)
{
    union sks_in in = { 0 };
    union sks_out out;
    struct arena arena = { 0 };
    enum sks_status rc;

    for (;;) {
        out = (union sks_out){ 0 };
        TRY(token_call(link, ENUMERATE_KEYS, &in, &out, &arena, err));
        if (out.enumerate_keys.key_handle == 0)
            break;
        REQUIRE(held->keys < HELD_MAX, err, SKS_ERROR_STORAGE, "the token has too many keys");
        held->key[held->keys++] = out.enumerate_keys.key_handle;
        in.key_handle.key_handle = out.enumerate_keys.key_handle;
    }
out:
    arena_free(&arena);
    return rc;
}

static enum sks_status count_open(struct token_link *link, struct held *held, struct sks_error *err)
{
    union sks_in in = { .enumerate_sessions = { .provisioning_state = true } };
    union sks_out out;
    struct arena arena = { 0 };
    enum sks_status rc;

    for (;;) {
        out = (union sks_out){ 0 };
        TRY(token_call(link, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, err));
        if (out.enumerate_sessions.provisioning_handle == 0)
            break;
        held->open++;
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
    }
out:
    arena_free(&arena);
    return rc;
}

enum sks_status ends_look(const struct ends *ends, struct held *held, struct sks_error *err)
{
    struct token_link *link = NULL;
    enum sks_status rc;

    *held = (struct held){ 0 };
    TRY(ends_link(ends, &link, err));
    TRY(look_at_keys(link, held, err));
    rc = count_open(link, held, err);
out:
    token_link_close(link);
    return rc;
}

/* As its middleware would have done. */
enum sks_status ends_abort_open(const struct ends *ends, struct sks_error *err)
{
    union sks_in in = { .enumerate_sessions = { .provisioning_state = true } };
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    union sks_out out, none;
    enum sks_status rc;

    TRY(ends_link(ends, &link, err));
    for (;;) {
        out = (union sks_out){ 0 };
        TRY(token_call(link, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, err));
        if (out.enumerate_sessions.provisioning_handle == 0)
            break;
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        TRY(token_call(
            link, ABORT_PROVISIONING_SESSION,
            &(union sks_in){ .session_handle = { out.enumerate_sessions.provisioning_handle } },
            &none, &arena, err));
    }
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

bool held_equal(const struct held *a, const struct held *b)
{
    return a->keys == b->keys && a->open == b->open &&
           memcmp(a->key, b->key, a->keys * sizeof *a->key) == 0;
}

bool held_has(const struct held *held, uint32_t key)
{
    for (size_t i = 0; i < held->keys; i++)
        if (held->key[i] == key)
            return true;
    return false;
}
