/* What is done to a database as a whole. */
#include "keygen2/base/database_internal.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    COPY_PAGES = 256, /* 1 MiB; others wait no longer than its copying takes */
    PAUSE_NS = 1000000,
};

enum sks_status database_limit(struct database *db, uint64_t bytes, struct sks_error *err)
{
    char sql[64];
    sqlite3_stmt *page = NULL;
    int64_t size = 4096;
    enum sks_status rc = SKS_OK;

    database_lock(db);
    if (sqlite3_prepare_v2(db->handle, "PRAGMA page_size", -1, &page, NULL) == SQLITE_OK &&
        sqlite3_step(page) == SQLITE_ROW)
        size = sqlite3_column_int64(page, 0);
    (void)sqlite3_finalize(page);
    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld",
                   (long long)((int64_t)bytes / size));
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        rc = sks_fail(err, SKS_ERROR_STORAGE, "database: %s", sqlite3_errmsg(db->handle));
    database_unlock(db);
    return rc;
}

enum sks_status database_cache(struct database *db, unsigned mebibytes, struct sks_error *err)
{
    char sql[64];
    enum sks_status rc;

    (void)snprintf(sql, sizeof sql, "PRAGMA cache_size = -%u", mebibytes * 1024);
    database_lock(db);
    rc = database_execute(db, sql, err);
    database_unlock(db);
    return rc;
}

/* ---- a copy ---- */

/* It is made beside calls that go on: what this connection writes meanwhile, SQLite carries over
 * into the copy, so that in the end it is what the database is at that moment. */
static enum sks_status copy_pages(struct database *db, sqlite3 *to, struct sks_error *err)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    sqlite3_backup *backup;
    int result = SQLITE_OK;
    enum sks_status rc;

    database_lock(db);
    backup = sqlite3_backup_init(to, "main", db->handle, "main");
    database_unlock(db);
    REQUIRE(backup != NULL, err, SKS_ERROR_STORAGE, "%s", sqlite3_errmsg(to));
    while (result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED) {
        database_lock(db);
        result = sqlite3_backup_step(backup, COPY_PAGES);
        database_unlock(db);
        if (result != SQLITE_DONE)
            (void)nanosleep(&pause, NULL);
    }
    database_lock(db);
    result = sqlite3_backup_finish(backup);
    database_unlock(db);
    REQUIRE(result == SQLITE_OK, err, SKS_ERROR_STORAGE, "%s", sqlite3_errstr(result));
    rc = SKS_OK;
out:
    return rc;
}

enum sks_status database_copy(struct database *db, const char *path, struct sks_error *err)
{
    struct sks_error why = { 0 };
    sqlite3 *to = NULL;
    bool made = false;
    enum sks_status rc;

    TRY(database_make_file(path, true, &why));
    made = true;
    REQUIRE(sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
                    SQLITE_OK &&
                sqlite3_exec(to,
                             "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF;"
                             "PRAGMA synchronous=OFF;",
                             NULL, NULL, NULL) == SQLITE_OK,
            &why, SKS_ERROR_EXTERNAL, "%s", to == NULL ? "no memory" : sqlite3_errmsg(to));
    TRY(copy_pages(db, to, &why));
out:
    (void)sqlite3_close(to);
    if (rc == SKS_OK)
        return SKS_OK;
    if (made)
        (void)unlink(path);
    return sks_fail(err, rc, "%s: %s", path, why.text);
}

/* While this connection reads, SQLite shows it nothing newer: so the copying never starts anew. */
enum sks_status database_copy_snapshot(struct database *db, const char *path, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_execute(db, "BEGIN; SELECT count(*) FROM meta;", err));
    rc = database_copy(db, path, err);
    if (sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && rc == SKS_OK)
        rc = sks_fail(err, SKS_ERROR_STORAGE, "database: %s", sqlite3_errmsg(db->handle));
out:
    return rc;
}

enum sks_status database_settle(const char *path, struct sks_error *err)
{
    static const char SETTLE[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;"
                                 "PRAGMA wal_checkpoint(TRUNCATE);";
    sqlite3 *handle = NULL;
    int result = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum sks_status rc = SKS_OK;

    if (result == SQLITE_OK)
        result = sqlite3_exec(handle, SETTLE, NULL, NULL, NULL);
    REQUIRE(result == SQLITE_OK, err,
            result == SQLITE_CORRUPT || result == SQLITE_NOTADB ? SKS_ERROR_INTERNAL
                                                                : SKS_ERROR_EXTERNAL,
            "%s: %s", path, sqlite3_errstr(result));
out:
    (void)sqlite3_close(handle);
    return rc;
}

/* ---- its soundness ---- */

enum sks_status database_verify(struct database *db, void (*found)(void *ctx, const char *text),
                                void *ctx, struct sks_error *err)
{
    sqlite3_stmt *statement;
    int got;

    database_lock(db);
    statement = database_query(db, "PRAGMA integrity_check", "");
    while ((got = database_step(statement, err)) == 1)
        if (strcmp(database_text(statement, 0), "ok") != 0)
            found(ctx, database_text(statement, 0));
    database_unlock(db);
    return got == 0 ? SKS_OK : SKS_ERROR_STORAGE;
}

/* What it is written into is as large as the database: a file beside it, and not in memory. */
static enum sks_status vacuum(struct database *db, struct sks_error *err)
{
    const char *path = sqlite3_db_filename(db->handle, "main");
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    enum sks_status rc;

    sqlite3_temp_directory =
        slash == NULL ? sqlite3_mprintf(".") : sqlite3_mprintf("%.*s", (int)(slash - path), path);
    TRY(database_execute(db, "PRAGMA temp_store=FILE;", err));
    rc = database_execute(db, "VACUUM;", err);
    if (rc == SKS_OK)
        rc = database_execute(db, "PRAGMA temp_store=MEMORY;", err);
out:
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
    return rc;
}

enum sks_status database_compact(struct database *db, struct sks_error *err)
{
    enum sks_status rc;

    database_lock(db);
    TRY(vacuum(db, err));
    TRY(database_execute(db, "PRAGMA wal_checkpoint(TRUNCATE);", err));
out:
    database_unlock(db);
    return rc;
}

/* ---- what is not to be left behind ---- */

enum sks_status database_overwrite(struct database *db, struct sks_error *err)
{
    enum sks_status rc;

    database_lock(db);
    rc = database_execute(db, "PRAGMA secure_delete=ON", err);
    database_unlock(db);
    return rc;
}

static enum sks_status checkpoint(struct database *db, struct sks_error *err)
{
    sqlite3_stmt *row;
    bool busy;

    database_lock(db);
    row = database_query(db, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    busy = database_step(row, err) <= 0 || sqlite3_column_int(row, 0) != 0;
    database_done(row);
    database_unlock(db);
    if (busy)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "the log of the database is in use");
    return SKS_OK;
}

enum sks_status database_empty_log(struct database *db, struct sks_error *err)
{
    const char *path = sqlite3_db_filename(db->handle, "main");
    char log[PATH_MAX];
    enum sks_status rc;

    TRY(checkpoint(db, err));
    if (path == NULL || path[0] == '\0') /* in memory */
        goto out;
    REQUIRE(snprintf(log, sizeof log, "%s-wal", path) < (int)sizeof log, err, SKS_ERROR_EXTERNAL,
            "%s: the path is too long", path);
    TRY(file_sync(log, err)); /* SQLite leaves its new length to the system */
out:
    return rc;
}
