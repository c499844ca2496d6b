/* What a server that is watched asks of the database. */
#include "issuer/session_store.h"

#include <inttypes.h>
#include <stdio.h>

static const char PROBE[] = "probe"; /* a row of meta */

static uint64_t *place_of(struct session_tally *tally, enum verdict verdict, enum phase waits)
{
    switch (verdict) {
    case VERDICT_OPEN:
        return waits == PHASE_PENDING    ? &tally->pending
               : waits == PHASE_APPROVED ? &tally->approved
               : waits == PHASE_RESUMED  ? &tally->resumed
                                         : &tally->running;
    case VERDICT_SUCCEEDED:
        return &tally->succeeded;
    case VERDICT_FAILED:
        return &tally->failed;
    case VERDICT_IN_DOUBT:
        break;
    }
    return &tally->in_doubt;
}

enum sks_status session_store_tally(struct session_store *store, struct session_tally *tally,
                                    struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    *tally = (struct session_tally){ 0 };
    database_lock(store->db);
    row = database_query(store->db, "SELECT verdict, waits, sessions FROM tally", "");
    while ((step = database_step(row, err)) > 0)
        *place_of(tally, (enum verdict)sqlite3_column_int(row, 0),
                  (enum phase)sqlite3_column_int(row, 1)) += (uint64_t)sqlite3_column_int64(row, 2);
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status session_store_probe(struct session_store *store, int64_t now, struct sks_error *err)
{
    char text[32];
    enum sks_status rc;

    (void)snprintf(text, sizeof text, "%" PRId64, now);
    TRY(database_begin(store->db, err));
    rc = database_set_meta(store->db, PROBE, text, err);
    if (rc == SKS_OK)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
out:
    return rc;
}
