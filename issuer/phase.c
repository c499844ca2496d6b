/* Messages: what each does to its session, and what it makes of it. */
#include "issuer/phase_internal.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/fetched.h"

#include <string.h>

enum { HASH_SIZE = 32 };

/* KeyGen2, 3 "Protocol Description": message pairs in their order. `next` is where it goes unless
 * the step says another way. */
static const struct row {
    const struct json_type *expected;
    enum sks_status (*step)(struct exchange *x, const void *response);
    enum phase next;
} PHASES[] = {
    [PHASE_INVOCATION] = { &INVOCATION_RESPONSE, step_invocation, PHASE_INITIALIZATION },
    [PHASE_INITIALIZATION] = { &PROVISIONING_INITIALIZATION_RESPONSE, step_initialization,
                               PHASE_KEY_CREATION },
    [PHASE_KEY_CREATION] = { &KEY_CREATION_RESPONSE, step_key_creation, PHASE_FINALIZATION },
    [PHASE_FINALIZATION] = { &PROVISIONING_FINALIZATION_RESPONSE, step_finalization, PHASE_OVER },
    [PHASE_DISCOVERY] = { &CREDENTIAL_DISCOVERY_RESPONSE, step_discovery, PHASE_KEY_CREATION },
    [PHASE_RESUMED] = { &INVOCATION_RESPONSE, step_resumed, PHASE_FINALIZATION },
    [PHASE_UNCONFIRMED] = { NULL, NULL, PHASE_UNCONFIRMED },
};
_Static_assert(NITEMS(PHASES) == PHASE_UNCONFIRMED + 1, "the others wait for no message");

/* The last accepted message is the KeyCreationResponse. */
static bool is_deferred(enum phase phase)
{
    return phase == PHASE_PENDING || phase == PHASE_APPROVED || phase == PHASE_RESUMED ||
           phase == PHASE_UNCONFIRMED;
}

struct bytes phase_hash(struct arena *arena, struct bytes data)
{
    uint8_t hash[HASH_SIZE];

    if (sha256(data, hash) != SKS_OK)
        return (struct bytes){ 0 };
    return arena_copy(arena, bytes_at(hash, sizeof hash));
}

void phase_trouble(struct outcome *outcome, const struct sks_error *err)
{
    log_error("%s", err->text[0] == '\0' ? "no memory" : err->text);
    outcome->kind = OUTCOME_TROUBLE;
}

/* A cause may repeat what a client sent, cut anywhere: it must still be UTF-8. */
static const char *clean_text(struct arena *arena, const char *text)
{
    char *copy = arena_text(arena, bytes_of(text));

    if (copy == NULL)
        return "";
    if (!bytes_is_utf8(bytes_of(copy)))
        for (char *c = copy; *c != '\0'; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
    return copy;
}

/* ---- finding the session of a request ---- */

enum sks_status phase_find(struct issuer *issuer, const char *cookie, struct arena *arena,
                           struct session *session, bool *found, struct sks_error *err)
{
    struct bytes hash = phase_hash(arena, bytes_of(cookie));
    int64_t now = clock_now();
    enum sks_status rc;

    *found = false;
    if (cookie == NULL)
        return SKS_OK;
    REQUIRE(hash.ptr != NULL, err, SKS_ERROR_STORAGE, "no memory");
    TRY(session_store_find_by_cookie(&issuer->store, hash, arena, session, found, err));
    if (!*found || session->verdict != VERDICT_OPEN || session->expires >= now)
        goto out;
    TRY(session_store_expire(&issuer->store, now, err));
    TRY(session_store_find_by_cookie(&issuer->store, hash, arena, session, found, err));
out:
    return rc;
}

/* ---- one message ---- */

/* A session belongs to the listener and the profile that it began on. */
static enum sks_status check_address(struct exchange *x, const struct arrival *arrival)
{
    if (strcmp(x->session->issuer_uri, arrival->issuer_uri) != 0 || x->session->tls != arrival->tls)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_ADDRESS,
                          "the message came to %s, the session began at another address",
                          arrival->issuer_uri);
    return SKS_OK;
}

static enum sks_status take_message(struct exchange *x, const struct arrival *arrival)
{
    const struct row *row = &PHASES[x->session->phase];
    void *response;
    struct sks_error why = { 0 };
    enum sks_status rc;

    TRY(check_address(x, arrival));
    if (row->expected == NULL)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_MESSAGE,
                          "none is awaited: the session is %s",
                          name_of_value(NAMES_PHASE, (uint8_t)x->session->phase));
    response = arena_alloc(x->arena, 1, row->expected->size);
    REQUIRE(response != NULL, x->err, SKS_ERROR_STORAGE, "no memory for the message");
    x->profile = profile_find(&x->issuer->profiles, x->session->profile);
    if (x->profile == NULL)
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, EVIDENCE_CHECK_PROFILE,
                          "is no longer offered");
    rc = keygen2_decode(row->expected, arrival->body, response, x->arena, &why);
    if (rc != SKS_OK)
        return check_fail(x, rc, EVIDENCE_CHECK_MESSAGE, "%s: %s", row->expected->name,
                          why.text[0] == '\0' ? sks_status_text((int)rc) : why.text);
    x->next = row->next;
    TRY(row->step(x, response));
    REQUIRE(!x->lost_check, x->err, SKS_ERROR_STORAGE, "no memory for the checks");
    x->session->phase = x->next;
out:
    return sks_explain(x->err, rc);
}

static void fail_session(struct exchange *x, const char *cause)
{
    x->session->verdict = VERDICT_FAILED;
    x->session->cause = clean_text(x->arena, cause);
    x->session->ended = clock_now();
}

/* What the session becomes, and what of it is written. */
static void settle(struct exchange *x, const struct arrival *arrival, struct change *change)
{
    struct session *session = x->session;
    enum phase before = session->phase;
    enum sks_status rc = take_message(x, arrival);

    *change = (struct change){ .check = x->check, .checks = x->checks };
    change->message = bytes_at(arrival->body.len == 0 ? (const uint8_t *)"" : arrival->body.ptr,
                               arrival->body.len);
    for (size_t i = 0; i < x->checks; i++)
        x->check[i].detail = clean_text(x->arena, x->check[i].detail);
    if (rc != SKS_OK) {
        session->phase = before;
        fail_session(x, x->err->text);
        return;
    }
    session->last_message = x->message_hash;
    if (session->phase == PHASE_OVER)
        session->ended = clock_now();
    else
        change->state = true;
    change->answer = buf_bytes(&x->answer);
}

static void tell_checks(const struct exchange *x)
{
    for (size_t i = 0; i < x->checks; i++)
        log_debug("session %s: %s: %s: %s", x->session->id, x->check[i].passed ? "pass" : "FAIL",
                  x->check[i].name, x->check[i].detail);
}

static void tell(const struct session *session, struct bytes message, const char *expected)
{
    if (session->verdict == VERDICT_FAILED)
        log_info("session %s profile %s: failed: %s", session->id, session->profile,
                 session->cause);
    else
        log_info("session %s profile %s: %s of %zu bytes accepted%s", session->id, session->profile,
                 expected, message.len, session->verdict == VERDICT_SUCCEEDED ? ", succeeded" : "");
}

void phase_set_end(struct outcome *outcome)
{
    const struct session *session = &outcome->session;

    if (session->verdict == VERDICT_SUCCEEDED)
        outcome->kind = OUTCOME_DONE;
    else if (session->verdict == VERDICT_OPEN && is_deferred(session->phase))
        outcome->kind = OUTCOME_PENDING;
    else
        outcome->kind = OUTCOME_FAILED;
}

/* By a later session: its own proof may still come, but nothing undoes what another has shown. */
static bool is_confirmed(const struct session *session)
{
    return session->verdict == VERDICT_SUCCEEDED && session->phase == PHASE_FINALIZATION;
}

/* Works on a session that waits for a message. False: another request was faster, nothing is
 * written. */
static bool advance(struct exchange *x, const struct arrival *arrival, struct outcome *outcome)
{
    const struct json_type *expected = PHASES[x->session->phase].expected;
    const struct session before = *x->session;
    struct change change;
    bool won = false;

    settle(x, arrival, &change);
    if (!x->trouble && is_confirmed(&before) && x->session->verdict == VERDICT_FAILED) {
        log_info("session %s profile %s: was confirmed by another, and stays so: %s", before.id,
                 before.profile, x->session->cause);
        *x->session = before;
        outcome->kind = OUTCOME_OVER;
        return true;
    }
    if (x->trouble ||
        session_store_save(&x->issuer->store, x->session, &change, &won, x->err) != SKS_OK) {
        phase_trouble(outcome, x->err);
        return true;
    }
    if (!won)
        return false;
    outcome->message = expected == NULL ? NULL : expected->name;
    tell_checks(x);
    tell(x->session, arrival->body, expected == NULL ? "message" : expected->name);
    phase_set_end(outcome);
    if (change.answer.len > 0) {
        outcome->kind = OUTCOME_ANSWER;
        outcome->answer = arena_copy(x->arena, change.answer);
        if (outcome->answer.ptr == NULL)
            phase_trouble(outcome, x->err);
    }
    return true;
}

void phase_answer_again(struct issuer *issuer, struct arena *arena, struct outcome *outcome)
{
    struct sks_error err = { 0 };

    outcome->kind = OUTCOME_ANSWER;
    if (session_store_last_answer(&issuer->store, &outcome->session, arena, &outcome->answer,
                                  &err) != SKS_OK)
        phase_trouble(outcome, &err);
    else
        log_info("session %s profile %s: the last message again, answered as before",
                 outcome->session.id, outcome->session.profile);
}

/* A session that has failed answers nothing more; one that has succeeded, its last message. */
static bool is_settled(struct issuer *issuer, struct bytes message_hash, struct arena *arena,
                       struct outcome *outcome)
{
    const struct session *session = &outcome->session;
    bool again = bytes_equal(session->last_message, message_hash);

    outcome->over = session->verdict == VERDICT_FAILED || session->verdict == VERDICT_SUCCEEDED;
    if (session->verdict == VERDICT_FAILED)
        outcome->kind = OUTCOME_FAILED;
    else if (session->phase == PHASE_OVER)
        outcome->kind = again ? OUTCOME_DONE : OUTCOME_OVER;
    else if (is_confirmed(session) && session_key_status(&session->state) != SESSION_KEY_SEALED)
        outcome->kind = OUTCOME_OVER; /* forgotten: no proof can be told from another any more */
    else if (again && is_deferred(session->phase))
        outcome->kind = OUTCOME_PENDING;
    else if (again)
        phase_answer_again(issuer, arena, outcome);
    else
        return false;
    return true;
}

static bool try_message(struct issuer *issuer, const struct arrival *arrival, struct arena *arena,
                        struct outcome *outcome)
{
    struct sks_error err = { 0 };
    struct exchange x = { .issuer = issuer,
                          .arena = arena,
                          .err = &err,
                          .message_hash = phase_hash(arena, arrival->body) };
    bool found, done = true;

    *outcome = (struct outcome){ .kind = OUTCOME_NO_SESSION };
    x.session = &outcome->session;
    if (phase_find(issuer, arrival->cookie, arena, x.session, &found, &err) != SKS_OK)
        phase_trouble(outcome, &err);
    else if (found && !is_settled(issuer, x.message_hash, arena, outcome))
        done = advance(&x, arrival, outcome);
    exchange_free(&x);
    return done;
}

void phase_message(struct issuer *issuer, const struct arrival *arrival, struct arena *arena,
                   struct outcome *outcome)
{
    struct sks_error err = { .text = "a session changed too often meanwhile" };

    for (int i = 0; i < PHASE_TRIES_MAX; i++)
        if (try_message(issuer, arrival, arena, outcome))
            return;
    phase_trouble(outcome, &err);
}

/* ---- giving up ---- */

static bool try_abort(struct issuer *issuer, const char *cookie, struct arena *arena,
                      struct outcome *outcome)
{
    struct sks_error err = { 0 };
    struct exchange x = { .issuer = issuer, .arena = arena, .err = &err };
    const struct change nothing_else = { 0 };
    bool found, won = false;

    *outcome = (struct outcome){ .kind = OUTCOME_NO_SESSION };
    x.session = &outcome->session;
    if (phase_find(issuer, cookie, arena, x.session, &found, &err) != SKS_OK) {
        phase_trouble(outcome, &err);
        return true;
    }
    if (!found)
        return true;
    if (x.session->verdict == VERDICT_SUCCEEDED || x.session->verdict == VERDICT_FAILED) {
        outcome->over = true;
        phase_set_end(outcome);
        return true;
    }
    fail_session(&x, "aborted by the client");
    if (session_store_save(&issuer->store, x.session, &nothing_else, &won, &err) != SKS_OK) {
        phase_trouble(outcome, &err);
        return true;
    }
    if (won) {
        tell(x.session, (struct bytes){ 0 }, "");
        phase_set_end(outcome);
    }
    return won;
}

void phase_abort(struct issuer *issuer, const char *cookie, struct arena *arena,
                 struct outcome *outcome)
{
    struct sks_error err = { .text = "a session changed too often meanwhile" };

    for (int i = 0; i < PHASE_TRIES_MAX; i++)
        if (try_abort(issuer, cookie, arena, outcome))
            return;
    phase_trouble(outcome, &err);
}
