#include "issuer/deferred.h"
#include "issuer/certificate_store.h"
#include "issuer/phase_internal.h"
#include "issuer/requests.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <string.h>
#include <strings.h>

/* ---- the operator ---- */

enum { DEVICE_DIGITS = 8 };

/* A wrong entry tells nothing of the right one: or it could be copied from here. */
static enum sks_status confirm_device(const struct session *session, const char *device,
                                      struct sks_error *err)
{
    struct buf name = { 0 }, hex = { 0 };
    enum sks_status rc = SKS_OK;

    REQUIRE(device != NULL || session->phase != PHASE_UNCONFIRMED, err, SKS_ERROR_OPTION,
            "session %s: its profile wants the device confirmed: ask its owner for the first %d"
            " digits of its certificate's SHA-256 and give --device DIGITS",
            session->id, DEVICE_DIGITS);
    if (device == NULL)
        goto out;
    REQUIRE(strlen(device) == DEVICE_DIGITS &&
                strspn(device, "0123456789abcdefABCDEF") == DEVICE_DIGITS,
            err, SKS_ERROR_OPTION, "--device: '%s' is not %d hexadecimal digits", device,
            DEVICE_DIGITS);
    TRY(sks_explain(err, put_device_name(&name, &session->state)));
    hex_encode(&hex, buf_bytes(&name));
    TRY(sks_explain(err, hex.status));
    REQUIRE(hex.len >= DEVICE_DIGITS && strncasecmp((const char *)hex.ptr, device, 8) == 0, err,
            SKS_ERROR_NOT_ALLOWED,
            "session %s: its device is not %s; nothing was decided. If its owner read the digits"
            " right, somebody else's device is in that session: reject it",
            session->id, device);
out:
    buf_free(&name);
    buf_free(&hex);
    return rc;
}

enum sks_status deferred_decide(struct session_store *store, const char *id, bool approve,
                                const char *device, const struct texts *settings,
                                struct sks_error *err)
{
    struct check check = { EVIDENCE_CHECK_APPROVAL, approve ? "by the operator" : "refused",
                           approve };
    const struct change change = { .check = &check, .checks = 1, .enrolment = settings };
    struct session session;
    struct arena arena = { 0 };
    bool found, won;
    enum sks_status rc;

    TRY(session_store_expire(store, clock_now(), err));
    TRY(session_store_find_by_id(store, id, &arena, &session, &found, err));
    REQUIRE(found, err, SKS_ERROR_NO_SESSION, "there is no session %s", id);
    REQUIRE(session.verdict == VERDICT_OPEN &&
                (session.phase == PHASE_PENDING || session.phase == PHASE_UNCONFIRMED),
            err, SKS_ERROR_NOT_ALLOWED, "session %s does not wait for a decision: it is %s (%s)",
            id, name_of_value(NAMES_PHASE, (uint8_t)session.phase),
            name_of_value(NAMES_VERDICT, (uint8_t)session.verdict));
    if (approve) {
        TRY(confirm_device(&session, device, err));
        if (device != NULL)
            check.detail = arena_printf(&arena, "by the operator, who knew the device: %s", device);
        REQUIRE(check.detail != NULL, err, SKS_ERROR_STORAGE, "no memory");
        session.phase = PHASE_APPROVED;
    } else {
        session.verdict = VERDICT_FAILED;
        session.cause = "rejected by the operator";
        session.ended = clock_now();
    }
    TRY(session_store_save(store, &session, &change, &won, err));
    REQUIRE(won, err, SKS_ERROR_NOT_ALLOWED, "session %s changed meanwhile", id);
out:
    arena_free(&arena);
    return rc;
}

/* ---- the client comes back ---- */

static enum sks_status invite(struct exchange *x, bool *won)
{
    struct change change = { 0 };
    enum sks_status rc;

    x->profile = profile_find(&x->issuer->profiles, x->session->profile);
    REQUIRE(x->profile != NULL, x->err, SKS_ERROR_NOT_AVAILABLE,
            "session %s: its profile is no longer offered", x->session->id);
    TRY(request_invocation(x));
    x->session->phase = PHASE_RESUMED;
    change.answer = buf_bytes(&x->answer);
    TRY(session_store_save(&x->issuer->store, x->session, &change, won, x->err));
out:
    return rc;
}

/* False: another request was faster. */
static bool try_resume(struct issuer *issuer, const struct arrival *arrival, const char *id,
                       struct arena *arena, struct outcome *outcome)
{
    struct sks_error err = { 0 };
    struct exchange x = { .issuer = issuer, .arena = arena, .err = &err };
    struct session *session = &outcome->session;
    bool found, won = true;

    *outcome = (struct outcome){ .kind = OUTCOME_NO_SESSION };
    x.session = session;
    if (phase_find(issuer, arrival->cookie, arena, session, &found, &err) != SKS_OK) {
        phase_trouble(outcome, &err);
        return true;
    }
    /* A session belongs to the listener and the profile that it began on. */
    if (!found || strcmp(session->id, id) != 0 || session->tls != arrival->tls ||
        strcmp(session->issuer_uri, arrival->issuer_uri) != 0)
        return true;
    phase_set_end(outcome);
    outcome->over = session->verdict != VERDICT_OPEN;
    if (session->verdict == VERDICT_OPEN && outcome->kind != OUTCOME_PENDING)
        outcome->kind = OUTCOME_OVER; /* it never was deferred */
    if (session->verdict != VERDICT_OPEN ||
        (session->phase != PHASE_APPROVED && session->phase != PHASE_RESUMED))
        return true;
    if (session->phase == PHASE_RESUMED) { /* or a client could fill the database with it */
        phase_answer_again(issuer, arena, outcome);
        return true;
    }
    if (invite(&x, &won) != SKS_OK ||
        (outcome->answer = arena_copy(arena, buf_bytes(&x.answer))).ptr == NULL) {
        phase_trouble(outcome, &err);
    } else if (won) {
        outcome->kind = OUTCOME_ANSWER;
        log_info("session %s profile %s: resumed", session->id, session->profile);
    }
    exchange_free(&x);
    return won;
}

void phase_resume(struct issuer *issuer, const struct arrival *arrival, const char *id,
                  struct arena *arena, struct outcome *outcome)
{
    struct sks_error err = { .text = "a session changed too often meanwhile" };

    for (int i = 0; i < PHASE_TRIES_MAX; i++)
        if (try_resume(issuer, arrival, id, arena, outcome))
            return;
    phase_trouble(outcome, &err);
}
