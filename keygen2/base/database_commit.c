/* Who has the connection, and how a transaction begins and ends. */
#include "keygen2/base/database_internal.h"

static const char BEGIN[] = "BEGIN IMMEDIATE", COMMIT[] = "COMMIT", ROLLBACK[] = "ROLLBACK";

bool database_prepare_transactions(struct database *db)
{
    static const char *const ALL[] = { BEGIN, COMMIT, ROLLBACK };

    for (size_t i = 0; i < NITEMS(ALL); i++)
        if (database_query(db, ALL[i], "") == NULL)
            return false;
    return true;
}

void database_lock(struct database *db)
{
    (void)pthread_mutex_lock(&db->mutex);
}

void database_unlock(struct database *db)
{
    (void)pthread_mutex_unlock(&db->mutex);
}

enum sks_status database_unlock_read(struct database *db, struct sks_error *err)
{
    uint64_t wanted = db->log.wanted;

    database_unlock(db);
    return database_log_sync(&db->log, wanted, err);
}

/* More than what was read, perhaps; but most often nothing. */
enum sks_status database_await_syncs(struct database *db, struct sks_error *err)
{
    return database_log_sync(&db->log, atomic_load(&db->log.written), err);
}

enum sks_status database_begin(struct database *db, struct sks_error *err)
{
    enum sks_status rc;

    REQUIRE(!atomic_load(&db->log.broken), err, SKS_ERROR_STORAGE,
            "database: a sync has failed; start the program again");
    database_lock(db);
    rc = database_run(db, err, BEGIN, "");
    if (rc != SKS_OK)
        database_unlock(db);
out:
    return rc;
}

enum sks_status database_commit_written(struct database *db, bool durable, uint64_t *commit,
                                        struct sks_error *err)
{
    enum sks_status rc = database_run(db, err, COMMIT, "");

    if (rc != SKS_OK) {
        if (sqlite3_extended_errcode(db->handle) == SQLITE_IOERR_FSYNC) /* of the log's beginning */
            database_log_break(&db->log);
        database_rollback(db);
        return rc;
    }
    *commit = atomic_fetch_add(&db->log.written, 1) + 1;
    if (durable)
        db->log.wanted = *commit;
    database_unlock(db);
    return SKS_OK;
}

enum sks_status database_commit(struct database *db, struct sks_error *err)
{
    uint64_t commit;
    enum sks_status rc = database_commit_written(db, true, &commit, err);

    return rc == SKS_OK ? database_log_sync(&db->log, commit, err) : rc;
}

enum sks_status database_commit_unsynced(struct database *db, struct sks_error *err)
{
    uint64_t commit;

    return database_commit_written(db, false, &commit, err);
}

void database_rollback(struct database *db)
{
    if (!sqlite3_get_autocommit(db->handle)) /* some errors make SQLite roll back all by itself */
        (void)database_step(database_query(db, ROLLBACK, ""), NULL);
    database_unlock(db);
}

enum sks_status database_end(struct database *db, enum sks_status rc, struct sks_error *err)
{
    if (rc == SKS_OK)
        return database_commit(db, err);
    database_rollback(db);
    return rc;
}
