#include "issuer/store_purge.h"
#include "issuer/certificate_store.h"
#include "keygen2/crypto/certificate.h"

#include <openssl/x509.h>
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

/* One that cannot be read has no end: it stays. */
static int64_t end_of(struct bytes der)
{
    const uint8_t *p = der.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    int64_t end =
        certificate == NULL ? INT64_MAX - 1 : certificate_seconds(X509_get0_notAfter(certificate));

    X509_free(certificate);
    return end;
}

/* When all its certificates are expired; INT64_MAX while one is live or in doubt. */
static enum sks_status find_end(struct database *db, int64_t session, int64_t *end,
                                struct sks_error *err)
{
    sqlite3_stmt *row =
        database_query(db, "SELECT state, der FROM certificate WHERE session = ?", "i", session);
    int step;

    *end = 0;
    while ((step = database_step(row, err)) > 0) {
        int64_t one = sqlite3_column_int(row, 0) <= CERTIFICATE_LIVE
                          ? INT64_MAX
                          : end_of(database_bytes(row, 1));

        *end = one > *end ? one : *end;
    }
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

static enum sks_status delete_session(struct database *db, int64_t session, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(db, err,
                     "UPDATE certificate SET owner = session WHERE owner = ?1 AND session <> ?1",
                     "i", session)); /* of keys that are dead */
    TRY(database_run(db, err, "DELETE FROM post_operation WHERE session = ?", "i", session));
    TRY(database_run(db, err, "DELETE FROM certificate WHERE session = ?", "i", session));
    TRY(database_run(db, err, "DELETE FROM session WHERE number = ?", "i", session));
out:
    return rc;
}

static enum sks_status purge_one(struct database *db, const struct candidate *one, int64_t now,
                                 struct purged *purged, struct sks_error *err)
{
    int64_t end;
    bool needed;
    enum sks_status rc;

    if (one->evidence)
        TRY(database_run(db, err, "DELETE FROM exchange WHERE place >= ? AND place < ?", "ii",
                         one->number * CHANGES_MAX, (one->number + 1) * CHANGES_MAX));
    purged->evidence += one->evidence;
    TRY(find_end(db, one->number, &end, err));
    TRY(is_needed(db, one->number, &needed, err));
    if (needed || end == INT64_MAX) /* a trigger tells when that has changed */
        return database_run(db, err, "UPDATE session SET rest = 0 WHERE number = ?", "i",
                            one->number);
    if (end >= now)
        return database_run(db, err, "UPDATE session SET rest = ? WHERE number = ?", "ii", end + 1,
                            one->number);
    TRY(delete_session(db, one->number, err));
    purged->sessions++;
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
    if (rc != SKS_OK || count == 0) {
        database_rollback(db);
        goto out;
    }
    TRY(database_commit_unsynced(db, err)); /* what comes back after a power cut goes again */
    purged->evidence += done.evidence;
    purged->sessions += done.sessions;
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
