#include "keygen2/base/database.h"
#include "tests/unit/support/keygen2/database_files.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct database_schema SCHEMA = {
    .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY, name TEXT, data BLOB);", .version = 1
};
static const struct database_schema BAD_SCHEMA = { .create =
                                                       "CREATE TABLE a(x); CREATE TABEL b(x);",
                                                   .version = 1 };
static const char INSERT[] = "INSERT INTO thing(id, name, data) VALUES(?, ?, ?)";
static const char COUNT[] = "SELECT count(*) FROM thing";

static char path[64];
static struct database *db;
static struct sks_error err;

static void open_file(void)
{
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
}

static void set_up(void)
{
    (void)snprintf(path, sizeof path, "/tmp/sks-database-%d.db", (int)getpid());
    open_file();
}

static void tear_down(void)
{
    database_close(db);
    database_files_remove(path);
}

TestSuite(database, .init = set_up, .fini = tear_down);

static int64_t count(struct database *in)
{
    sqlite3_stmt *statement = database_query(in, COUNT, "");
    int64_t n;

    cr_assert_eq(database_step(statement, &err), 1, "%s", err.text);
    n = sqlite3_column_int64(statement, 0);
    database_done(statement);
    return n;
}

static void insert(int64_t id)
{
    cr_assert_eq(database_run(db, &err, INSERT, "itb", id, "name", bytes_of("data")), SKS_OK, "%s",
                 err.text);
}

Test(database, settings)
{
    static const struct {
        const char *pragma, *value;
    } WANTED[] = {
        { "PRAGMA journal_mode", "wal" },
        { "PRAGMA synchronous", "2" },
        { "PRAGMA foreign_keys", "1" },
        { "PRAGMA trusted_schema", "0" },
    };

    for (size_t i = 0; i < NITEMS(WANTED); i++) {
        sqlite3_stmt *statement = database_query(db, WANTED[i].pragma, "");

        cr_assert_eq(database_step(statement, &err), 1);
        cr_assert_str_eq(database_text(statement, 0), WANTED[i].value, "%s", WANTED[i].pragma);
        database_done(statement);
    }
}

Test(database, file_is_private)
{
    struct stat info;

    cr_assert_eq(stat(path, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
}

Test(database, types_come_back)
{
    static const char SELECT[] = "SELECT id, name, data, typeof(name), typeof(data) FROM thing"
                                 " ORDER BY id";
    sqlite3_stmt *statement;

    cr_assert_eq(database_run(db, &err, INSERT, "itb", INT64_MIN, "x", bytes_at("a\0b", 3)),
                 SKS_OK);
    cr_assert_eq(database_run(db, &err, INSERT, "utb", UINT32_MAX, NULL, bytes_at(NULL, 0)),
                 SKS_OK);
    cr_assert_eq(database_changes(db), 1);
    statement = database_query(db, SELECT, "");
    cr_assert_eq(database_step(statement, &err), 1);
    cr_assert_eq(sqlite3_column_int64(statement, 0), INT64_MIN);
    cr_assert_str_eq(database_text(statement, 1), "x");
    cr_assert(bytes_equal(database_bytes(statement, 2), bytes_at("a\0b", 3)));
    cr_assert_eq(database_step(statement, &err), 1);
    cr_assert_eq(sqlite3_column_int64(statement, 0), UINT32_MAX);
    cr_assert_str_eq(database_text(statement, 1), "");
    cr_assert_str_eq(database_text(statement, 3), "null");
    cr_assert_str_eq(database_text(statement, 4), "blob", "no bytes are not NULL");
    cr_assert_eq(database_step(statement, &err), 0);
}

Test(database, statements_are_remembered)
{
    sqlite3_stmt *first = database_query(db, COUNT, "");

    database_done(first);
    cr_assert_eq(database_query(db, COUNT, ""), first);
}

Test(database, refusals_have_a_text)
{
    static const char BAD[] = "SELECT x FROM nowhere";

    cr_assert_eq(database_query(db, BAD, ""), NULL);
    cr_assert_eq(database_step(NULL, &err), -1);
    cr_assert_neq(err.text[0], '\0');
    cr_assert_eq(database_run(db, &err, BAD, ""), SKS_ERROR_STORAGE);
    cr_assert(strstr(err.text, "nowhere") != NULL, "%s", err.text);
    insert(1);
    cr_assert_eq(database_run(db, &err, INSERT, "itb", (int64_t)1, "again", bytes_of("")),
                 SKS_ERROR_STORAGE);
    cr_assert(strstr(err.text, "UNIQUE") != NULL, "%s", err.text);
    cr_assert_eq(database_run(db, &err, INSERT, "z", 1), SKS_ERROR_STORAGE, "an unknown letter");
}

Test(database, commit_and_rollback)
{
    cr_assert_eq(database_begin(db, &err), SKS_OK);
    insert(1);
    database_rollback(db);
    cr_assert_eq(count(db), 0);
    cr_assert_eq(database_begin(db, &err), SKS_OK);
    insert(1);
    cr_assert_eq(database_commit(db, &err), SKS_OK);
    database_close(db);
    open_file();
    cr_assert_eq(count(db), 1);
}

static void *insert_hundred(void *from)
{
    int64_t first = *(int64_t *)from;

    for (int64_t i = 0; i < 100; i++) {
        if (database_begin(db, NULL) != SKS_OK)
            return NULL;
        if (database_run(db, NULL, INSERT, "itb", first + i, "x", bytes_of("y")) != SKS_OK ||
            database_commit(db, NULL) != SKS_OK)
            return NULL;
    }
    return from;
}

Test(database, one_thread_at_a_time)
{
    pthread_t thread[4];
    int64_t from[4];
    void *done;

    for (int i = 0; i < 4; i++) {
        from[i] = i * 1000;
        cr_assert_eq(pthread_create(&thread[i], NULL, insert_hundred, &from[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(pthread_join(thread[i], &done), 0);
        cr_assert_eq(done, &from[i]);
    }
    cr_assert_eq(count(db), 400);
}

Test(database, a_second_reader)
{
    struct database *other;

    insert(1);
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &other, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(count(other), 1);
    insert(2);
    cr_assert_eq(count(other), 2);
    database_close(other);
    cr_assert_eq(count(db), 2);
}

Test(database, meta)
{
    char value[8] = "old";

    cr_assert_eq(database_meta(db, "absent", value, sizeof value, &err), SKS_OK);
    cr_assert_str_eq(value, "");
    cr_assert_eq(database_set_meta(db, "k", "one", &err), SKS_OK);
    cr_assert_eq(database_set_meta(db, "k", "two-and-more", &err), SKS_OK);
    cr_assert_eq(database_meta(db, "k", value, sizeof value, &err), SKS_OK);
    cr_assert_str_eq(value, "two-and");
}

Test(database, other_versions_are_refused)
{
    struct database *other;

    cr_assert_eq(database_set_meta(db, "schema_version", "9999", &err), SKS_OK);
    database_close(db);
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &other, &err), SKS_ERROR_NOT_AVAILABLE);
    cr_assert(strstr(err.text, "schema version 9999, this program knows 1") != NULL, "%s",
              err.text);
    cr_assert_eq(strncmp(err.text, path, strlen(path)), 0);
    cr_assert_eq(other, NULL);
    db = NULL;
}

Test(database, other_files_are_refused)
{
    FILE *file;

    database_close(db);
    db = NULL;
    file = fopen(path, "w");
    cr_assert(file != NULL);
    (void)fputs("this is a text and no database at all, whatever its name may say", file);
    (void)fclose(file);
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_ERROR_EXTERNAL);
    cr_assert_eq(database_open("/nowhere/at/all.db", &SCHEMA, false, NULL, &db, &err),
                 SKS_ERROR_EXTERNAL);
}

Test(database, a_schema_that_fails_leaves_nothing)
{
    struct database *other;

    cr_assert_eq(database_open(":memory:", &BAD_SCHEMA, false, NULL, &other, &err),
                 SKS_ERROR_EXTERNAL);
    tear_down();
    cr_assert_eq(database_open(path, &BAD_SCHEMA, false, NULL, &db, &err), SKS_ERROR_EXTERNAL);
    open_file();
    cr_assert_eq(count(db), 0, "the good schema found an empty file");
}

Test(database, exclusive)
{
    struct database *other;

    tear_down();
    cr_assert_eq(database_open(path, &SCHEMA, true, NULL, &db, &err), SKS_OK, "%s", err.text);
    insert(1);
    cr_assert_eq(count(db), 1);
    cr_assert_eq(database_open(":memory:", &SCHEMA, true, NULL, &other, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(count(other), 0);
    database_close(other);
}

static int64_t page_size(struct database *in)
{
    sqlite3_stmt *statement = database_query(in, "PRAGMA page_size", "");
    int64_t size;

    cr_assert_eq(database_step(statement, &err), 1, "%s", err.text);
    size = sqlite3_column_int64(statement, 0);
    database_done(statement);
    return size;
}

/* That of a file which is there stays as it is. */
Test(database, a_new_file_has_pages_as_the_schema_wants_them)
{
    struct database_schema small = SCHEMA;
    struct database *other;

    small.page_size = "PRAGMA page_size=1024";
    cr_assert_eq(page_size(db), 4096);
    cr_assert_eq(database_open(path, &small, false, NULL, &other, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(page_size(other), 4096);
    database_close(other);
    tear_down();
    cr_assert_eq(database_open(path, &small, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(page_size(db), 1024);
}

Test(database, a_cache_as_large_as_it_is_wanted)
{
    sqlite3_stmt *row;

    cr_assert_eq(database_cache(db, 16, &err), SKS_OK, "%s", err.text);
    row = database_query(db, "PRAGMA cache_size", "");
    cr_assert_eq(database_step(row, &err), 1, "%s", err.text);
    cr_assert_eq(sqlite3_column_int(row, 0), -16 * 1024, "of KiB, which SQLite counts below 0");
    database_done(row);
}
