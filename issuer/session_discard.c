/* A session of which nothing is kept. */
#include "issuer/metrics.h"
#include "issuer/open_sessions.h"
#include "issuer/session_store.h"

_Static_assert(PHASE_INVOCATION == 0 && VERDICT_OPEN == 0, "numbers that stand in the SQL");

/* Only the begin of a session is in its row: no message has come, and no invitation was used. */
static enum sks_status delete_row(struct session_store *store, const struct session *session,
                                  bool *gone, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(store->db, err,
                     "DELETE FROM session WHERE number = ? AND version = ? AND id = ?"
                     " AND phase = 0 AND verdict = 0"
                     " AND NOT EXISTS(SELECT 1 FROM enrolment e WHERE e.session = session.number)",
                     "iit", session->number, session->version, session->id));
    *gone = database_changes(store->db) == 1;
    if (*gone)
        TRY(database_run(store->db, err, "DELETE FROM exchange WHERE place >= ? AND place < ?",
                         "ii", session->number * CHANGES_MAX, (session->number + 1) * CHANGES_MAX));
out:
    return rc;
}

enum sks_status session_store_discard(struct session_store *store, const struct session *session,
                                      bool *gone, struct sks_error *err)
{
    enum sks_status rc;

    *gone = false;
    TRY(database_begin(store->db, err));
    rc = delete_row(store, session, gone, err);
    if (rc == SKS_OK && *gone)
        rc = database_commit_unsynced(store->db,
                                      err); /* what a power cut brings back ends as open */
    else
        database_rollback(store->db);
    *gone = *gone && rc == SKS_OK;
    open_sessions_drop(store->open, session->cookie_hash);
    if (*gone)
        metrics_session_discarded(store->metrics);
out:
    return rc;
}
