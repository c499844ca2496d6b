#include "issuer/forget.h"
#include "keygen2/base/clock.h"

#include <stdio.h>

/* A proof that comes late is checked with the key. */
static enum sks_status check_over(const struct session *session, struct sks_error *err)
{
    if (session->verdict == VERDICT_SUCCEEDED || session->verdict == VERDICT_FAILED)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_NOT_ALLOWED,
                    "session %s is %s: its session key is needed until it has succeeded or failed",
                    session->id, name_of_value(NAMES_VERDICT, (uint8_t)session->verdict));
}

static enum sks_status forget(struct session_store *store, struct session *session,
                              struct sks_error *err)
{
    char now[32], detail[64];
    const struct check check = { EVIDENCE_CHECK_SESSION_KEY, detail, true };
    bool won;
    enum sks_status rc;

    keygen2_time_format(clock_now(), false, now);
    (void)snprintf(detail, sizeof detail, "forgotten at %s by the operator", now);
    TRY(session_store_forget(store, session, &check, &won, err));
    REQUIRE(won, err, SKS_ERROR_EXTERNAL, "session %s changed meanwhile", session->id);
out:
    return rc;
}

enum sks_status session_forget(struct session_store *store, const char *id,
                               enum session_key_status *status, struct sks_error *err)
{
    struct session session;
    struct arena arena = { 0 };
    bool found;
    enum sks_status rc;

    TRY(session_store_expire(store, clock_now(), err));
    TRY(session_store_find_by_id(store, id, &arena, &session, &found, err));
    REQUIRE(found, err, SKS_ERROR_NO_SESSION, "there is no session %s", id);
    TRY(check_over(&session, err));
    *status = session_key_status(&session.state);
    if (*status == SESSION_KEY_SEALED)
        TRY(forget(store, &session, err));
    /* Also when it is repeated: the log may have been in use before. */
    TRY(database_empty_log(store->db, err));
out:
    arena_free(&arena);
    return rc;
}
