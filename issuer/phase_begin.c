/* How a session begins. */
#include "issuer/phase_internal.h"
#include "issuer/session_kind.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <string.h>

static void fill_session(struct session *session, const struct issuer *issuer,
                         const struct profile *profile, const struct arrival *arrival)
{
    session->profile = profile->name;
    session->issuer_uri = arrival->issuer_uri;
    session->tls = arrival->tls;
    session->cause = "";
    session->started = clock_now();
    session->expires = session->started + profile->session_life_time;
    session->state.life_time = profile->session_life_time;
    session->state.terms = (struct session_terms){
        .session_key_algorithm = bytes_of(session_kind_of_profile(profile)->algorithm),
        .privacy_enabled = profile->privacy_enabled,
        .server_session_id = bytes_of(session->id),
        .issuer_uri = bytes_of(session->issuer_uri),
        .session_life_time = (uint16_t)profile->session_life_time,
        .session_key_limit = profile->session_key_limit,
        .server_certificate = arrival->server_certificate,
    };
    if (profile->key_management_key)
        session->state.kmk_generation = (uint16_t)key_management_newest(&issuer->key_management);
    if (profile->key_management_key)
        session->state.terms.key_management_key =
            key_management_public(&issuer->key_management, session->state.kmk_generation);
}

static enum sks_status begin(struct exchange *x, const struct arrival *arrival, int64_t invitation)
{
    char *id = arena_alloc(x->arena, SKS_ID_MAX + 1, 1);
    enum sks_status rc;

    REQUIRE(id != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    TRY(sks_explain(x->err, random_id(id, SKS_ID_MAX)));
    x->session->id = id;
    fill_session(x->session, x->issuer, x->profile, arrival);
    x->session->invitation = invitation;
    TRY(step_begin(x, NULL));
    x->session->cookie_hash = phase_hash(x->arena, bytes_of(arrival->cookie));
    REQUIRE(x->session->cookie_hash.ptr != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    TRY(session_store_expire(&x->issuer->store, x->session->started, x->err));
    TRY(session_store_add(&x->issuer->store, x->session, buf_bytes(&x->answer), x->err));
out:
    return rc;
}

void phase_begin_with(struct issuer *issuer, const struct profile *profile,
                      const struct arrival *arrival, int64_t invitation, struct arena *arena,
                      struct outcome *outcome)
{
    struct sks_error err = { 0 };
    struct exchange x = { .issuer = issuer, .profile = profile, .arena = arena, .err = &err };
    enum sks_status rc;

    *outcome = (struct outcome){ .kind = OUTCOME_ANSWER };
    x.session = &outcome->session;
    rc = begin(&x, arrival, invitation);
    if (rc == SKS_ERROR_NOT_ALLOWED) {
        log_info("profile %s: no session: %s", profile->name, err.text);
        outcome->kind = OUTCOME_OVER;
    } else if (rc != SKS_OK ||
               (outcome->answer = arena_copy(arena, buf_bytes(&x.answer))).ptr == NULL) {
        phase_trouble(outcome, &err);
    } else {
        log_info("session %s profile %s: begun at %s", outcome->session.id, profile->name,
                 arrival->issuer_uri);
    }
    exchange_free(&x);
}

void phase_begin(struct issuer *issuer, const struct profile *profile,
                 const struct arrival *arrival, struct arena *arena, char cookie[COOKIE_LENGTH + 1],
                 struct outcome *outcome)
{
    struct arrival with_cookie = *arrival;
    struct sks_error err = { 0 };

    *outcome = (struct outcome){ .kind = OUTCOME_ANSWER };
    with_cookie.cookie = cookie;
    if (random_id(cookie, COOKIE_LENGTH) == SKS_OK)
        phase_begin_with(issuer, profile, &with_cookie, 0, arena, outcome);
    else
        phase_trouble(outcome, &err);
}

bool phase_begin_again(struct issuer *issuer, const struct arrival *arrival, struct arena *arena,
                       struct outcome *outcome)
{
    struct session *session = &outcome->session;
    struct sks_error err = { 0 };
    bool found = false;

    *outcome = (struct outcome){ .kind = OUTCOME_OVER };
    if (phase_find(issuer, arrival->cookie, arena, session, &found, &err) != SKS_OK) {
        phase_trouble(outcome, &err);
        return true;
    }
    if (found && session->verdict == VERDICT_OPEN && session->phase == PHASE_INVOCATION &&
        session->tls == arrival->tls && strcmp(session->issuer_uri, arrival->issuer_uri) == 0)
        phase_answer_again(issuer, arena, outcome);
    return found;
}
