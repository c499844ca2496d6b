/* What a server that is watched asks of the database. */
#include "issuer/session_store.h"

#include <inttypes.h>
#include <stdio.h>

static const char PROBE[] = "probe"; /* a row of meta */

/* Reads one number for each of a few keys; the caller has the connection. */
static enum sks_status read_counts(sqlite3_stmt *row, uint64_t *count, size_t counts,
                                   struct sks_error *err)
{
    int step;

    while ((step = database_step(row, err)) > 0) {
        int64_t key = sqlite3_column_int64(row, 0);

        if (key >= 0 && (size_t)key < counts)
            count[key] = (uint64_t)sqlite3_column_int64(row, 1);
    }
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status session_store_tally(struct session_store *store, struct session_tally *tally,
                                    struct sks_error *err)
{
    enum sks_status rc;

    *tally = (struct session_tally){ 0 };
    database_lock(store->db);
    rc = read_counts(database_query(store->db, "SELECT verdict, sessions FROM tally", ""),
                     tally->verdict, NITEMS(tally->verdict), err);
    if (rc == SKS_OK)
        rc = read_counts(database_query(store->db,
                                        "SELECT phase, count(*) FROM session"
                                        " WHERE phase >= 6 AND verdict = 0 GROUP BY phase",
                                        ""),
                         tally->waiting, NITEMS(tally->waiting), err);
    database_unlock(store->db);
    return rc;
}

enum sks_status session_store_probe(struct session_store *store, int64_t now, struct sks_error *err)
{
    char text[32];
    enum sks_status rc;

    (void)snprintf(text, sizeof text, "%" PRId64, now);
    TRY(database_begin(store->db, err));
    rc = database_set_meta(store->db, PROBE, text, err);
    rc = database_end(store->db, rc, err);
out:
    return rc;
}
