#include "issuer/store_purge.h"
#include "issuer/certificate_store.h"
#include "issuer/crl.h"
#include "issuer/ticket.h"

#include <time.h>

enum { BATCH = 16, PAUSE_NS = 2000000 };

_Static_assert(VERDICT_SUCCEEDED == 1 && VERDICT_FAILED == 2 && CERTIFICATE_IN_DOUBT == 0 &&
                   CERTIFICATE_LIVE == 1 && CHANGES_MAX == 65536,
               "numbers that stand in the SQL");

struct candidate {
    int64_t number;
    bool evidence; /* is still there */
};

/* ---- what there is to do ---- */

static enum sks_status take_candidates(sqlite3_stmt *row, bool evidence,
                                       struct candidate list[BATCH], size_t *count,
                                       struct sks_error *err)
{
    int step = 0;

    while (*count < BATCH && (step = database_step(row, err)) > 0)
        list[(*count)++] = (struct candidate){ sqlite3_column_int64(row, 0), evidence };
    database_done(row);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

/* Two queries, so that each is a walk along its own index (store_schema.c). */
static enum sks_status find_candidates(struct database *db, int64_t before, int64_t now,
                                       struct candidate list[BATCH], size_t *count,
                                       struct sks_error *err)
{
    enum sks_status rc;

    *count = 0;
    TRY(take_candidates(
        database_query(db,
                       "SELECT number FROM session WHERE rest IS NULL AND verdict IN (1, 2)"
                       " AND ended > 0 AND ended < ? ORDER BY ended",
                       "i", before),
        true, list, count, err));
    TRY(take_candidates(
        database_query(db, "SELECT number FROM session WHERE rest > 0 AND rest <= ? ORDER BY rest",
                       "i", now),
        false, list, count, err));
out:
    return rc;
}

/* ---- one session ---- */

enum need {
    NEED_NONE,
    NEED_TIME,  /* of its certificates, or of the CRL that has them */
    NEED_OTHER, /* a trigger tells when that has changed */
};

/* RFC 5280, 3.3: an entry of the CRL stays until one CRL behind the end of its certificate. */
static int64_t last_look(int64_t expires)
{
    return expires < INT64_MAX - 1 - CRL_LIFE_MAX ? expires + CRL_LIFE_MAX : INT64_MAX - 1;
}

static enum sks_status ask_certificates(struct database *db, int64_t session, int64_t now,
                                        enum need *need, int64_t *until, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db, "SELECT count(*), min(state), max(expires) FROM certificate WHERE session = ?", "i",
        session);
    int step = database_step(row, err);

    *need = NEED_NONE;
    if (step > 0 && sqlite3_column_int64(row, 0) > 0) {
        *until = last_look(sqlite3_column_int64(row, 2));
        *need = sqlite3_column_int(row, 1) <= CERTIFICATE_LIVE ? NEED_OTHER
                : *until >= now                                ? NEED_TIME
                                                               : NEED_NONE;
    }
    database_done(row);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

/* Another session was built on it, or it owns another one's key that is alive. */
static enum sks_status is_needed(struct database *db, int64_t session, bool *needed,
                                 struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db,
        "SELECT 1 FROM certificate c JOIN post_operation p ON p.target = c.fingerprint"
        " WHERE c.session = ?1 AND p.session <> ?1"
        " UNION ALL SELECT 1 FROM certificate WHERE owner = ?1 AND session <> ?1"
        " AND state <= 1 LIMIT 1",
        "i", session);
    int step = database_step(row, err);

    database_done(row);
    *needed = step > 0;
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status delete_exchanges(struct database *db, int64_t session, struct sks_error *err)
{
    return database_run(db, err, "DELETE FROM exchange WHERE place >= ? AND place < ?", "ii",
                        session * CHANGES_MAX, (session + 1) * CHANGES_MAX);
}

/* Its enrolment goes with its row. */
static enum sks_status delete_session(struct database *db, int64_t session, struct sks_error *err)
{
    static const char *const STEPS[] = {
        /* of keys that are dead */
        "UPDATE certificate SET owner = session WHERE owner = ?1 AND session <> ?1",
        "DELETE FROM post_operation WHERE session = ?",
        "DELETE FROM revocation WHERE serial IN (SELECT serial FROM certificate WHERE session = ?)",
        "DELETE FROM certificate WHERE session = ?",
        "DELETE FROM session WHERE number = ?",
    };
    enum sks_status rc;

    TRY(delete_exchanges(db, session, err)); /* what came behind its evidence: see forget.h */
    for (size_t i = 0; i < NITEMS(STEPS); i++)
        TRY(database_run(db, err, STEPS[i], "i", session));
out:
    return rc;
}

static enum sks_status set_rest(struct database *db, int64_t session, int64_t rest,
                                struct sks_error *err)
{
    return database_run(db, err, "UPDATE session SET rest = ? WHERE number = ?", "ii", rest,
                        session);
}

static enum sks_status purge_one(struct database *db, const struct candidate *one, int64_t now,
                                 struct purged *purged, struct sks_error *err)
{
    int64_t until = 0;
    enum need need;
    bool needed;
    enum sks_status rc;

    if (one->evidence)
        TRY(delete_exchanges(db, one->number, err));
    purged->evidence += one->evidence;
    TRY(ask_certificates(db, one->number, now, &need, &until, err));
    TRY(is_needed(db, one->number, &needed, err));
    if (needed || need == NEED_OTHER)
        return set_rest(db, one->number, 0, err);
    if (need == NEED_TIME)
        return set_rest(db, one->number, until + 1, err);
    TRY(delete_session(db, one->number, err));
    purged->sessions++;
out:
    return rc;
}

/* ---- invitations ---- */

/* Who came in by the last use of one has a ticket, which wants it when the session begins. */
static enum sks_status purge_invitations(struct database *db, int64_t before, int64_t now,
                                         struct purged *purged, struct sks_error *err)
{
    int64_t tickets = now - TICKET_SECONDS;
    enum sks_status rc;

    TRY(database_run(db, err,
                     "DELETE FROM invitation WHERE number IN"
                     " (SELECT number FROM invitation WHERE ended < ? ORDER BY ended LIMIT ?)",
                     "ii", before < tickets ? before : tickets, (int64_t)BATCH));
    purged->invitations = (uint64_t)database_changes(db);
out:
    return rc;
}

/* ---- all of them ---- */

static enum sks_status purge_batch(struct database *db, int64_t before, int64_t now, bool *more,
                                   struct purged *purged, struct sks_error *err)
{
    struct candidate list[BATCH];
    struct purged done = { 0 };
    size_t count;
    enum sks_status rc;

    *more = false;
    TRY(database_begin(db, err));
    rc = find_candidates(db, before, now, list, &count, err);
    for (size_t i = 0; rc == SKS_OK && i < count; i++)
        rc = purge_one(db, &list[i], now, &done, err);
    if (rc == SKS_OK)
        rc = purge_invitations(db, before, now, &done, err);
    if (rc != SKS_OK || (count == 0 && done.invitations == 0)) {
        database_rollback(db);
        goto out;
    }
    TRY(database_commit_unsynced(db, err)); /* what comes back after a power cut goes again */
    purged->evidence += done.evidence;
    purged->sessions += done.sessions;
    purged->invitations += done.invitations;
    *more = true;
out:
    return rc;
}

enum sks_status store_purge(struct session_store *store, int64_t before, int64_t now,
                            const atomic_bool *stop, struct purged *purged, struct sks_error *err)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    bool more = true;
    enum sks_status rc;

    *purged = (struct purged){ 0 };
    TRY(session_store_expire(store, now, err));
    while (more && (stop == NULL || !atomic_load(stop))) {
        TRY(purge_batch(store->db, before, now, &more, purged, err));
        (void)nanosleep(&pause, NULL);
    }
out:
    return rc;
}
