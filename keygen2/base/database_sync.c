/*
 * Syncs that are shared. SQLite writes a commit to its log and leaves the sync to us (in WAL mode
 * with synchronous=NORMAL it syncs at checkpoints only): so the connection is free while a thread
 * syncs, and one sync makes durable all that was written before it began.
 */
#include "keygen2/base/database_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void database_log_init(struct database_log *log)
{
    *log = (struct database_log){ .fd = -1, .sync = fdatasync };
    (void)pthread_mutex_init(&log->mutex, NULL);
    (void)pthread_cond_init(&log->changed, NULL);
}

void database_log_close(struct database_log *log)
{
    if (log->fd >= 0)
        (void)close(log->fd);
    (void)pthread_cond_destroy(&log->changed);
    (void)pthread_mutex_destroy(&log->mutex);
}

enum sks_status database_share_syncs(struct database *db, struct sks_error *err)
{
    const char *path = sqlite3_db_filename(db->handle, "main");
    char log[PATH_MAX];
    enum sks_status rc;

    if (path == NULL || path[0] == '\0') /* in memory */
        return SKS_OK;
    REQUIRE(snprintf(log, sizeof log, "%s-wal", path) < (int)sizeof log, err, SKS_ERROR_EXTERNAL,
            "%s: the path is too long", path);
    /* Fewer checkpoints write fewer pages: the ones of indexes change with each session. The log
     * has some 32 MiB then. The file is there as long as the connection is, and SQLite has no locks
     * on it. */
    db->log.fd = open(log, O_RDONLY | O_CLOEXEC);
    REQUIRE(db->log.fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", log, strerror(errno));
    TRY(database_execute(db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=8000;", err));
    db->log.synced = atomic_load(&db->log.written); /* SQLite has synced all until now */
out:
    return rc;
}

/* One thread at a time, without the mutex while it waits for the disk. */
static void sync_written(struct database_log *log)
{
    uint64_t written = atomic_load(&log->written);
    bool done;

    log->busy = true;
    (void)pthread_mutex_unlock(&log->mutex);
    done = log->sync(log->fd) == 0;
    (void)pthread_mutex_lock(&log->mutex);
    log->busy = false;
    if (done)
        log->synced = written;
    else
        atomic_store(&log->broken, true);
}

static bool is_awaited(const struct database_log *log, uint64_t commit)
{
    return log->synced < commit && !atomic_load(&log->broken);
}

enum sks_status database_log_sync(struct database_log *log, uint64_t commit, struct sks_error *err)
{
    bool durable, ours;

    if (log->fd < 0)
        return SKS_OK;
    (void)pthread_mutex_lock(&log->mutex);
    while (log->busy && is_awaited(log, commit))
        (void)pthread_cond_wait(&log->changed, &log->mutex);
    ours = is_awaited(log, commit);
    if (ours)
        sync_written(log);
    durable = log->synced >= commit;
    (void)pthread_mutex_unlock(&log->mutex);
    if (ours) /* now: those who wake up find the mutex free */
        (void)pthread_cond_broadcast(&log->changed);
    return durable ? SKS_OK : sks_fail(err, SKS_ERROR_STORAGE, "database: the sync failed");
}
