/*
 * Syncs that are shared. SQLite writes a commit to its log and leaves the sync to us (in WAL mode
 * with synchronous=NORMAL it syncs at checkpoints only): so the connection is free while a thread
 * syncs, and one sync makes durable all that was written before it began.
 */
#include "keygen2/base/database_internal.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10 };

void database_log_init(struct database_log *log)
{
    *log = (struct database_log){ .sync = database_file_sync };
    (void)pthread_mutex_init(&log->mutex, NULL);
    (void)pthread_cond_init(&log->changed, NULL);
}

void database_log_close(struct database_log *log)
{
    (void)pthread_cond_destroy(&log->changed);
    (void)pthread_mutex_destroy(&log->mutex);
}

/* Not where it is in memory, or where SQLite could not have a log of this kind. */
static bool has_log(struct database *db)
{
    sqlite3_stmt *mode = database_query(db, "PRAGMA journal_mode", "");
    bool has = database_step(mode, NULL) == 1 && strcmp(database_text(mode, 0), "wal") == 0;

    database_done(mode);
    return has;
}

/* A process that was killed before its sync has left commits: to be read, and not durable. */
static enum sks_status sync_what_was_left(sqlite3_file *file, struct sks_error *err)
{
    sqlite3_int64 size = 0;
    enum sks_status rc = SKS_OK;

    REQUIRE(file->pMethods->xFileSize(file, &size) == SQLITE_OK &&
                (size == 0 || database_file_sync(file) == SQLITE_OK),
            err, SKS_ERROR_EXTERNAL, "database: the log cannot be synced");
out:
    return rc;
}

/* The log is open as long as the connection is. SQLite itself syncs each new beginning of it, with
 * the folder that it is in, before the first commit there is written. */
enum sks_status database_share_syncs(struct database *db, unsigned log_pages, struct sks_error *err)
{
    sqlite3_file *file = NULL;
    char sql[64];
    enum sks_status rc;

    if (!has_log(db))
        return SKS_OK;
    REQUIRE(sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) ==
                    SQLITE_OK &&
                file != NULL && file->pMethods != NULL,
            err, SKS_ERROR_EXTERNAL, "database: no log");
    TRY(sync_what_was_left(file, err));
    TRY(database_execute(db, "PRAGMA synchronous=NORMAL", err));
    if (log_pages > 0) {
        (void)snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint=%u", log_pages);
        TRY(database_execute(db, sql, err));
    }
    db->log.synced = atomic_load(&db->log.written); /* and SQLite what is of now */
    db->log.file = file;
out:
    return rc;
}

void database_log_break(struct database_log *log)
{
    if (log->file != NULL && !atomic_exchange(&log->broken, true))
        log_error("database: a sync has failed; start the program again");
}

/* As it is, piece by piece. */
static int write_again(sqlite3_file *file, uint8_t piece[PIECE])
{
    const sqlite3_io_methods *methods = file->pMethods;
    sqlite3_int64 size = 0;
    int rc = methods->xFileSize(file, &size);

    for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += PIECE) {
        int len = size - at < PIECE ? (int)(size - at) : PIECE;

        rc = methods->xRead(file, piece, len, at);
        if (rc == SQLITE_OK)
            rc = methods->xWrite(file, piece, len, at);
    }
    return rc == SQLITE_OK && size > 0 ? methods->xSync(file, SQLITE_SYNC_NORMAL) : rc;
}

enum sks_status database_renew_log(struct database *db, struct sks_error *err)
{
    uint8_t *piece = NULL;
    enum sks_status rc = SKS_OK;

    if (db->log.file == NULL)
        return SKS_OK;
    piece = malloc(PIECE);
    REQUIRE(piece != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(database_begin(db, err)); /* so that no other process writes */
    if (write_again(db->log.file, piece) != SQLITE_OK) {
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "database: the log cannot be written and synced");
        database_log_break(&db->log); /* nor is it brought into the file at the end */
    }
    database_rollback(db);
out:
    free(piece);
    return rc;
}

/* One thread at a time, without the mutex while it waits for the disk. */
static void sync_written(struct database_log *log)
{
    uint64_t written = atomic_load(&log->written);
    bool done;

    log->busy = true;
    (void)pthread_mutex_unlock(&log->mutex);
    done = log->sync(log->file) == SQLITE_OK;
    (void)pthread_mutex_lock(&log->mutex);
    log->busy = false;
    if (done)
        atomic_store(&log->synced, written);
    else
        database_log_break(log);
}

static bool is_awaited(const struct database_log *log, uint64_t commit)
{
    return atomic_load(&log->synced) < commit && !atomic_load(&log->broken);
}

enum sks_status database_log_sync(struct database_log *log, uint64_t commit, struct sks_error *err)
{
    bool durable, ours;

    if (log->file == NULL || atomic_load(&log->synced) >= commit)
        return SKS_OK;
    (void)pthread_mutex_lock(&log->mutex);
    while (log->busy && is_awaited(log, commit))
        (void)pthread_cond_wait(&log->changed, &log->mutex);
    ours = is_awaited(log, commit);
    if (ours)
        sync_written(log);
    durable = atomic_load(&log->synced) >= commit;
    (void)pthread_mutex_unlock(&log->mutex);
    if (ours) /* now: those who wake up find the mutex free */
        (void)pthread_cond_broadcast(&log->changed);
    return durable ? SKS_OK : sks_fail(err, SKS_ERROR_STORAGE, "database: the sync failed");
}
