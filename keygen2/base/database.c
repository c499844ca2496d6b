#include "keygen2/base/database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CACHE_SIZE = 256, /* places for statements, a power of two; a program has far fewer texts */
    BUSY_TIMEOUT_MS = 10000,
    FILE_MODE = 0600, /* SQLite gives its -wal and -shm files the mode of the database */
};

struct cached {
    const char *sql; /* address of the literal, the key */
    sqlite3_stmt *statement;
};

struct database {
    sqlite3 *handle;
    pthread_mutex_t mutex;
    struct cached cache[CACHE_SIZE]; /* open addressing */
};

/* Prepared when the database is opened: to end a transaction must not need memory. */
static const char BEGIN[] = "BEGIN IMMEDIATE", COMMIT[] = "COMMIT", ROLLBACK[] = "ROLLBACK";

static enum sks_status fail(struct database *db, struct sks_error *err)
{
    return sks_fail(err, SKS_ERROR_STORAGE, "database: %s", sqlite3_errmsg(db->handle));
}

/* ---- statements ---- */

static struct cached *find_cached(struct database *db, const char *sql)
{
    size_t place = ((uintptr_t)sql ^ (uintptr_t)sql >> 8) % CACHE_SIZE;

    for (size_t i = 0; i < CACHE_SIZE; i++, place = (place + 1) % CACHE_SIZE)
        if (db->cache[place].sql == NULL || db->cache[place].sql == sql)
            return &db->cache[place];
    return NULL;
}

static sqlite3_stmt *prepare(struct database *db, const char *sql)
{
    struct cached *cached = find_cached(db, sql);

    if (cached == NULL)
        return NULL;
    if (cached->sql == NULL) {
        if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &cached->statement,
                               NULL) != SQLITE_OK)
            return NULL;
        cached->sql = sql;
    }
    (void)sqlite3_reset(cached->statement); /* its error, if any, was told when it was stepped */
    return cached->statement;
}

static int bind_bytes(sqlite3_stmt *statement, int place, struct bytes value)
{
    const void *ptr = value.len == 0 ? "" : (const void *)value.ptr; /* a null pointer were NULL */

    return sqlite3_bind_blob64(statement, place, ptr, value.len, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *statement, const char *format, va_list args)
{
    int rc = SQLITE_OK;

    for (int i = 1; rc == SQLITE_OK && *format != '\0'; i++, format++) {
        switch (*format) {
        case 'i':
            rc = sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
            break;
        case 'u':
            rc = sqlite3_bind_int64(statement, i, va_arg(args, uint32_t));
            break;
        case 't':
            rc = sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'b':
            rc = bind_bytes(statement, i, va_arg(args, struct bytes));
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

static sqlite3_stmt *query(struct database *db, const char *sql, const char *format, va_list args)
{
    sqlite3_stmt *statement = prepare(db, sql);

    if (statement != NULL && bind(statement, format, args) != SQLITE_OK)
        return NULL;
    return statement;
}

sqlite3_stmt *database_query(struct database *db, const char *sql, const char *format, ...)
{
    va_list args;
    sqlite3_stmt *statement;

    va_start(args, format);
    statement = query(db, sql, format, args);
    va_end(args);
    return statement;
}

int database_step(sqlite3_stmt *statement, struct sks_error *err)
{
    int rc;

    if (statement == NULL) {
        (void)sks_fail(err, SKS_ERROR_STORAGE, "database: a statement was refused");
        return -1;
    }
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        (void)sks_fail(err, SKS_ERROR_STORAGE, "database: %s",
                       sqlite3_errmsg(sqlite3_db_handle(statement)));
    database_done(statement);
    return rc == SQLITE_DONE ? 0 : -1;
}

void database_done(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return;
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement); /* they may be megabytes */
}

enum sks_status database_run(struct database *db, struct sks_error *err, const char *sql,
                             const char *format, ...)
{
    va_list args;
    sqlite3_stmt *statement;

    va_start(args, format);
    statement = query(db, sql, format, args);
    va_end(args);
    if (statement == NULL)
        return fail(db, err);
    return database_step(statement, err) < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

struct bytes database_bytes(sqlite3_stmt *statement, int column)
{
    const void *ptr = sqlite3_column_blob(statement, column); /* before the length, says SQLite */

    return bytes_at(ptr, (size_t)sqlite3_column_bytes(statement, column));
}

const char *database_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text == NULL ? "" : (const char *)text;
}

int database_changes(struct database *db)
{
    return sqlite3_changes(db->handle);
}

/* ---- locking and transactions ---- */

void database_lock(struct database *db)
{
    (void)pthread_mutex_lock(&db->mutex);
}

void database_unlock(struct database *db)
{
    (void)pthread_mutex_unlock(&db->mutex);
}

enum sks_status database_begin(struct database *db, struct sks_error *err)
{
    enum sks_status rc;

    database_lock(db);
    rc = database_run(db, err, BEGIN, "");
    if (rc != SKS_OK)
        database_unlock(db);
    return rc;
}

enum sks_status database_commit(struct database *db, struct sks_error *err)
{
    enum sks_status rc = database_run(db, err, COMMIT, "");

    if (rc != SKS_OK)
        database_rollback(db);
    else
        database_unlock(db);
    return rc;
}

void database_rollback(struct database *db)
{
    if (!sqlite3_get_autocommit(db->handle)) /* some errors make SQLite roll back by itself */
        (void)database_step(database_query(db, ROLLBACK, ""), NULL);
    database_unlock(db);
}

/* ---- meta ---- */

enum sks_status database_meta(struct database *db, const char *key, char *value, size_t size,
                              struct sks_error *err)
{
    sqlite3_stmt *statement = database_query(db, "SELECT value FROM meta WHERE key = ?", "t", key);
    int found = database_step(statement, err);

    (void)snprintf(value, size, "%s", found > 0 ? database_text(statement, 0) : "");
    database_done(statement);
    return found < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status database_set_meta(struct database *db, const char *key, const char *value,
                                  struct sks_error *err)
{
    return database_run(db, err, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", "tt", key,
                        value);
}

/* ---- opening ---- */

static enum sks_status execute(struct database *db, const char *sql, struct sks_error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_EXTERNAL, "database: %s", sqlite3_errmsg(db->handle));
}

/* Only a new file is opened here: to close one that SQLite has open would drop its locks. */
static enum sks_status make_private_file(const char *path, struct sks_error *err)
{
    int fd;

    if (strcmp(path, ":memory:") == 0)
        return SKS_OK;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0 && errno != EEXIST)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return SKS_OK;
}

static enum sks_status open_handle(struct database *db, const char *path, bool exclusive,
                                   struct sks_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum sks_status rc;

    TRY(make_private_file(path, err));
    REQUIRE(sqlite3_open_v2(path, &db->handle, flags, NULL) == SQLITE_OK, err, SKS_ERROR_EXTERNAL,
            "%s", db->handle == NULL ? "no memory" : sqlite3_errmsg(db->handle));
    (void)sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(execute(db, "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;", err));
    if (exclusive) /* before anything is read, so that WAL needs no shared memory file */
        TRY(execute(db, "PRAGMA locking_mode=EXCLUSIVE;", err));
out:
    return rc;
}

static enum sks_status is_empty(struct database *db, bool *empty, struct sks_error *err)
{
    sqlite3_stmt *statement = database_query(db, "SELECT 1 FROM sqlite_master LIMIT 1", "");
    int found = database_step(statement, err);

    database_done(statement);
    *empty = found == 0;
    if (found < 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", sqlite3_errmsg(db->handle));
    return SKS_OK;
}

static enum sks_status check_version(struct database *db, unsigned version, struct sks_error *err)
{
    char found[32] = "", wanted[32];
    enum sks_status rc = database_meta(db, "schema_version", found, sizeof found, NULL);

    (void)snprintf(wanted, sizeof wanted, "%u", version);
    if (rc != SKS_OK && sqlite3_errcode(db->handle) != SQLITE_ERROR) /* that is: no such table */
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", sqlite3_errmsg(db->handle));
    if (rc != SKS_OK || found[0] == '\0')
        return sks_fail(err, SKS_ERROR_NOT_AVAILABLE, "no schema version, not one of this program");
    if (strcmp(found, wanted) != 0)
        return sks_fail(err, SKS_ERROR_NOT_AVAILABLE, "schema version %s, this program knows %s",
                        found, wanted);
    return SKS_OK;
}

static enum sks_status create_schema(struct database *db, const char *schema, unsigned version,
                                     struct sks_error *err)
{
    char text[32];
    enum sks_status rc;

    (void)snprintf(text, sizeof text, "%u", version);
    TRY(execute(db, "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
                err));
    TRY(execute(db, schema, err));
    TRY(database_set_meta(db, "schema_version", text, err));
out:
    return rc;
}

/* All or nothing: of two processes that come at once, one makes the schema, one finds it. */
static enum sks_status make_schema(struct database *db, const char *schema, unsigned version,
                                   struct sks_error *err)
{
    bool empty;
    enum sks_status rc;

    TRY(database_begin(db, err));
    rc = is_empty(db, &empty, err);
    if (rc == SKS_OK && empty)
        rc = create_schema(db, schema, version, err);
    if (rc == SKS_OK)
        rc = database_commit(db, err);
    else
        database_rollback(db);
out:
    return rc;
}

static enum sks_status prepare_file(struct database *db, const char *schema, unsigned version,
                                    struct sks_error *err)
{
    bool empty;
    enum sks_status rc;

    TRY(is_empty(db, &empty, err));
    if (!empty)
        TRY(check_version(db, version, err)); /* before anything is changed in the file */
    TRY(execute(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", err));
    if (!empty)
        goto out;
    TRY(make_schema(db, schema, version, err));
    TRY(check_version(db, version, err));
out:
    return rc;
}

enum sks_status database_open(const char *path, const char *schema, unsigned version,
                              bool exclusive, struct database **out, struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct database *db = calloc(1, sizeof *db);
    enum sks_status rc;

    *out = NULL;
    if (db == NULL)
        return sks_explain(err, SKS_ERROR_STORAGE);
    (void)pthread_mutex_init(&db->mutex, NULL);
    TRY(open_handle(db, path, exclusive, &why));
    TRY(prepare_file(db, schema, version, &why));
    REQUIRE(prepare(db, BEGIN) != NULL && prepare(db, COMMIT) != NULL &&
                prepare(db, ROLLBACK) != NULL,
            &why, SKS_ERROR_EXTERNAL, "%s", sqlite3_errmsg(db->handle));
    *out = db;
    return SKS_OK;
out:
    database_close(db);
    if (rc != SKS_ERROR_NOT_AVAILABLE)
        rc = SKS_ERROR_EXTERNAL;
    return sks_fail(err, rc, "%s: %s", path, why.text);
}

void database_close(struct database *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        (void)sqlite3_finalize(db->cache[i].statement);
    (void)sqlite3_close(db->handle);
    (void)pthread_mutex_destroy(&db->mutex);
    free(db);
}

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
        rc = fail(db, err);
    database_unlock(db);
    return rc;
}
