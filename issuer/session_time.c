/* Sessions that end without a message: their life time is over, or the machine was started anew. */
#include "issuer/metrics.h"
#include "issuer/session_store.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <string.h>

static const char BOOT[] = "boot"; /* a row of meta */

_Static_assert(VERDICT_OPEN == 0 && VERDICT_FAILED == 2 && VERDICT_IN_DOUBT == 3 &&
                   PHASE_FINALIZATION == 3 && PHASE_INVOCATION == 0 && PHASE_KEY_CREATION == 2 &&
                   PHASE_DISCOVERY == 5,
               "numbers that stand in the SQL");

/* Nearly always there is none: then nothing is written, and nobody waits for a writer. */
static int has_expired(struct session_store *store, int64_t now, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        store->db, "SELECT 1 FROM session WHERE verdict = 0 AND expires < ? LIMIT 1", "i", now);
    int step = database_step(row, err);

    database_done(row);
    return step;
}

static enum sks_status update_expired(struct session_store *store, int64_t now,
                                      struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        store->db,
        "UPDATE session SET version = version + 1, ended = expires,"
        " verdict = CASE phase WHEN 3 THEN 3 ELSE 2 END,"
        " cause = CASE phase WHEN 3 THEN 'life time over before the closing proof came'"
        " ELSE 'life time over' END"
        " WHERE verdict = 0 AND expires < ? RETURNING id, profile, verdict, cause",
        "i", now);
    int step;

    while ((step = database_step(row, err)) > 0) {
        enum verdict verdict = (enum verdict)sqlite3_column_int(row, 2);

        log_info("session %s profile %s: %s: %s", database_text(row, 0), database_text(row, 1),
                 name_of_value(NAMES_VERDICT, (uint8_t)verdict), database_text(row, 3));
        metrics_session_ended(store->metrics, verdict, database_text(row, 3));
    }
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status end_expired(struct session_store *store, int64_t now, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_begin(store->db, err));
    rc = update_expired(store, now, err);
    rc = database_end(store->db, rc, err);
out:
    return rc;
}

enum sks_status session_store_expire(struct session_store *store, int64_t now,
                                     struct sks_error *err)
{
    enum sks_status rc;
    int found;

    if (atomic_load(&store->expired_at) == now)
        return SKS_OK; /* life times are in seconds */
    database_lock(store->db);
    found = has_expired(store, now, err);
    database_unlock(store->db);
    rc = found < 0 ? SKS_ERROR_STORAGE : found > 0 ? end_expired(store, now, err) : SKS_OK;
    if (rc == SKS_OK)
        atomic_store(&store->expired_at, now);
    return rc;
}

enum sks_status session_store_begin_boot(struct session_store *store, const char *boot, int64_t now,
                                         struct sks_error *err)
{
    char before[BOOT_NAME_MAX] = "";
    enum sks_status rc;

    TRY(database_renew_log(store->db, err));
    TRY(database_begin(store->db, err));
    rc = database_meta(store->db, BOOT, before, sizeof before, err);
    if (rc == SKS_OK && (boot[0] == '\0' || strcmp(before, boot) != 0))
        rc = database_run(store->db, err,
                          "UPDATE session SET version = version + 1, ended = ?, verdict = 2,"
                          " cause = 'the machine was started anew meanwhile'"
                          " WHERE verdict = 0 AND phase IN (0, 1, 2, 5)",
                          "i", now);
    if (rc == SKS_OK)
        rc = database_set_meta(store->db, BOOT, boot, err);
    rc = database_end(store->db, rc, err);
out:
    return rc;
}
