#include "keygen2/base/database_internal.h"

#include <stdarg.h>
#include <stdio.h>

static enum sks_status fail(sqlite3 *handle, struct sks_error *err)
{
    const char *path = sqlite3_db_filename(handle, "main");

    if (!database_blame(handle, path, SKS_ERROR_STORAGE, err))
        (void)sks_fail(err, SKS_ERROR_STORAGE, "database: %s", sqlite3_errmsg(handle));
    return SKS_ERROR_STORAGE;
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

static int bind_bytes(sqlite3_stmt *statement, int place, struct bytes value, bool optional,
                      sqlite3_destructor_type life)
{
    const void *ptr = value.len == 0 ? "" : (const void *)value.ptr; /* a null pointer were NULL */

    if (optional && value.ptr == NULL)
        return sqlite3_bind_null(statement, place);

    return sqlite3_bind_blob64(statement, place, ptr, value.len, life);
}

static int bind(sqlite3_stmt *statement, const char *format, va_list args,
                sqlite3_destructor_type life)
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
            rc = sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, life);
            break;
        case 'n':
        case 'b':
            rc = bind_bytes(statement, i, va_arg(args, struct bytes), *format == 'n', life);
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

static sqlite3_stmt *query(struct database *db, const char *sql, const char *format, va_list args,
                           sqlite3_destructor_type life)
{
    sqlite3_stmt *statement = prepare(db, sql);

    if (statement != NULL && bind(statement, format, args, life) != SQLITE_OK)
        return NULL;
    return statement;
}

sqlite3_stmt *database_query(struct database *db, const char *sql, const char *format, ...)
{
    va_list args;
    sqlite3_stmt *statement;

    va_start(args, format);
    statement = query(db, sql, format, args, SQLITE_TRANSIENT);
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
        (void)fail(sqlite3_db_handle(statement), err);
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
    statement = query(db, sql, format, args, SQLITE_STATIC); /* it is over before this returns */
    va_end(args);
    if (statement == NULL)
        return fail(db->handle, err);
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

int64_t database_last_row(struct database *db)
{
    return sqlite3_last_insert_rowid(db->handle);
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
