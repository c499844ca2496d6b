#include "tests/bench/issuer/fill.h"
#include "issuer/session_store.h"
#include "tests/bench/issuer/folder.h"
#include "tests/plain/support/must.h"

#include <stdio.h>
#include <string.h>

enum { BODY = 48, SQL_MAX = 4096 };

/* What a copy has of its own; all other columns are as they are. :n counts from 1. */
static const struct {
    const char *table, *column, *value;
} OWN[] = {
    { "session", "number", "number + :n" },
    { "session", "id", "hex(randomblob(16))" },
    { "session", "cookie", "randomblob(32)" },
    { "session", "state", "substr(state, 1, :body)" },
    { "exchange", "place", "place + :n * :places" },
    { "exchange", "message", "substr(message, 1, :body)" },
    { "exchange", "answer", "substr(answer, 1, :body)" },
    { "exchange", "checks", "'[]'" },
    { "certificate", "serial", "randomblob(16)" },
    { "certificate", "session", "session + :n" },
    { "certificate", "owner", "owner + :n" },
    { "certificate", "fingerprint", "randomblob(32)" },
    { "certificate", "device", "randomblob(32)" },
    { "certificate", "der", "substr(der, 1, :body)" },
};

/* Which rows are the template's: those of the newest session. */
static const struct {
    const char *table, *rows;
} TABLES[] = {
    { "session", "number = :s" },
    { "exchange", "place >= :s * :places AND place < (:s + 1) * :places" },
    { "certificate", "session = :s" },
};

static const char *value_of(const char *table, const char *column)
{
    for (size_t i = 0; i < NITEMS(OWN); i++)
        if (strcmp(OWN[i].table, table) == 0 && strcmp(OWN[i].column, column) == 0)
            return OWN[i].value;
    return column;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    return statement;
}

static void execute(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

static void bind(sqlite3_stmt *statement, const char *name, int64_t value)
{
    int place = sqlite3_bind_parameter_index(statement, name);

    if (place > 0)
        must(sqlite3_bind_int64(statement, place, value) == SQLITE_OK, "parameter");
}

/* INSERT of one copy, whatever columns the table has. The template's rows lie apart, in memory. */
static sqlite3_stmt *prepare_copy(sqlite3 *db, const char *table)
{
    char sql[SQL_MAX], values[SQL_MAX / 2];
    sqlite3_stmt *columns;
    int len = 0;

    (void)snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", table);
    columns = prepare(db, sql);
    while (sqlite3_step(columns) == SQLITE_ROW && len < (int)sizeof values)
        len += snprintf(values + len, sizeof values - (size_t)len, "%s%s", len == 0 ? "" : ", ",
                        value_of(table, (const char *)sqlite3_column_text(columns, 0)));
    (void)sqlite3_finalize(columns);
    (void)snprintf(sql, sizeof sql, "INSERT INTO main.%s SELECT %s FROM temp.of_%s", table, values,
                   table);
    return prepare(db, sql);
}

static void keep_template(sqlite3 *db, int64_t session)
{
    for (size_t i = 0; i < NITEMS(TABLES); i++) {
        char sql[SQL_MAX];
        sqlite3_stmt *statement;

        (void)snprintf(sql, sizeof sql, "CREATE TEMP TABLE of_%s AS SELECT * FROM main.%s WHERE 0",
                       TABLES[i].table, TABLES[i].table);
        execute(db, sql);
        (void)snprintf(sql, sizeof sql, "INSERT INTO of_%s SELECT * FROM main.%s WHERE %s",
                       TABLES[i].table, TABLES[i].table, TABLES[i].rows);
        statement = prepare(db, sql);
        bind(statement, ":s", session);
        bind(statement, ":places", CHANGES_MAX);
        must(sqlite3_step(statement) == SQLITE_DONE && sqlite3_changes(db) > 0, "template");
        (void)sqlite3_finalize(statement);
    }
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = prepare(db, sql);
    int64_t number;

    must(sqlite3_step(statement) == SQLITE_ROW, "number");
    number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

static void make_copies(sqlite3 *db, int64_t copies)
{
    sqlite3_stmt *copy[NITEMS(TABLES)];

    for (size_t i = 0; i < NITEMS(TABLES); i++) {
        copy[i] = prepare_copy(db, TABLES[i].table);
        bind(copy[i], ":body", BODY);
        bind(copy[i], ":places", CHANGES_MAX);
    }
    for (int64_t n = 1; n <= copies; n++)
        for (size_t i = 0; i < NITEMS(TABLES); i++) {
            bind(copy[i], ":n", n);
            must(sqlite3_step(copy[i]) == SQLITE_DONE, sqlite3_errmsg(db));
            (void)sqlite3_reset(copy[i]);
        }
    for (size_t i = 0; i < NITEMS(TABLES); i++)
        (void)sqlite3_finalize(copy[i]);
}

void fill_sessions(const char *folder, unsigned sessions)
{
    char path[FILE_MAX];
    int64_t last, there;
    sqlite3 *db;

    folder_file(folder, "issuer.db", path);
    must(sqlite3_open(path, &db) == SQLITE_OK, "database");
    execute(db, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
                "PRAGMA cache_size=-400000; BEGIN");
    last = number_of(db, "SELECT max(number) FROM session WHERE verdict = 1");
    there = number_of(db, "SELECT count(*) FROM session");
    keep_template(db, last);
    make_copies(db, sessions > there ? (int64_t)sessions - there : 0);
    execute(db, "COMMIT; PRAGMA journal_mode=WAL;");
    must(sqlite3_close(db) == SQLITE_OK, "database closes");
}
