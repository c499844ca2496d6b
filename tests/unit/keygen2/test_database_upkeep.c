/* Upgrades of a schema, a copy beside its use, the check of the file. */
#include "keygen2/base/database.h"
#include "tests/unit/support/keygen2/database_files.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 2000, BLOB = 1000 };

static const char INSERT[] = "INSERT INTO thing(id, data) VALUES(?, ?)";
static const char COUNT[] = "SELECT count(*) FROM thing";

static const struct database_schema OLD = {
    .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY, data BLOB);", .version = 1
};

static char folder[32], path[48], copy[48];
static struct database *db;
static struct sks_error err;

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/sks-unit.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/db", folder);
    (void)snprintf(copy, sizeof copy, "%s/copy", folder);
    cr_assert_eq(database_open(path, &OLD, true, NULL, &db, &err), SKS_OK, "%s", err.text);
}

static void tear_down(void)
{
    database_close(db);
    database_files_remove(path);
    database_files_remove(copy);
    cr_assert_eq(rmdir(folder), 0, "nothing else was left there");
}

TestSuite(database_upkeep, .init = set_up, .fini = tear_down);

static int64_t number(struct database *of, const char *sql)
{
    sqlite3_stmt *statement = database_query(of, sql, "");
    int64_t n;

    cr_assert_eq(database_step(statement, &err), 1, "%s", err.text);
    n = sqlite3_column_int64(statement, 0);
    database_done(statement);
    return n;
}

/* ---- upgrades ---- */

static enum sks_status double_ids(struct database *of, const void *ctx, struct sks_error *e)
{
    **(int *const *)ctx += 1;
    return database_run(of, e, "UPDATE thing SET id = 2 * id", "");
}

static enum sks_status refuse(struct database *of, const void *ctx, struct sks_error *e)
{
    (void)of, (void)ctx;
    return sks_fail(e, SKS_ERROR_INTERNAL, "a row that means nothing");
}

static const struct database_upgrade STEPS[] = {
    { 1, "ALTER TABLE thing ADD COLUMN name TEXT NOT NULL DEFAULT 'x';", double_ids },
    { 2, "CREATE INDEX thing_name ON thing(name);", NULL },
};
static const struct database_upgrade FAILING[] = {
    { 1, "ALTER TABLE thing ADD COLUMN name TEXT NOT NULL DEFAULT 'x';", NULL },
    { 2, "CREATE INDEX thing_name ON thing(name);", refuse },
};
static const struct database_schema NEW = {
    .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY, data BLOB, name TEXT NOT NULL);"
              "CREATE INDEX thing_name ON thing(name);",
    .version = 3,
    .upgrades = STEPS,
    .upgrade_count = NITEMS(STEPS),
};

static enum sks_status reopen(const struct database_schema *schema, int *calls)
{
    database_close(db);
    err = (struct sks_error){ 0 };
    return database_open(path, schema, true, &calls, &db, &err);
}

Test(database_upkeep, every_step_is_taken_once)
{
    int calls = 0;

    cr_assert_eq(database_run(db, &err, INSERT, "ub", 21U, bytes_of("x")), SKS_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(reopen(&NEW, &calls), SKS_OK, "%s", err.text);
        cr_assert_eq(number(db, "SELECT id FROM thing WHERE name = 'x'"), 42);
        cr_assert_eq(number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'thing_name'"), 1);
        cr_assert_eq(number(db, "SELECT value FROM meta WHERE key = 'schema_version'"), 3);
    }
    cr_assert_eq(calls, 1);
}

Test(database_upkeep, a_new_database_needs_no_step)
{
    struct database *fresh;
    int calls = 0, *counted = &calls;

    cr_assert_eq(database_open(copy, &NEW, true, &counted, &fresh, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(calls, 0);
    cr_assert_eq(number(fresh, "SELECT value FROM meta WHERE key = 'schema_version'"), 3);
    database_close(fresh);
}

Test(database_upkeep, a_step_that_fails_leaves_the_old_version)
{
    struct database_schema failing = NEW;

    failing.upgrades = FAILING;
    cr_assert_eq(database_run(db, &err, INSERT, "ub", 21U, bytes_of("x")), SKS_OK);
    cr_assert_eq(reopen(&failing, NULL), SKS_ERROR_INTERNAL);
    cr_assert(strstr(err.text, "a row that means nothing") != NULL, "%s", err.text);
    cr_assert_eq(reopen(&OLD, NULL), SKS_OK, "%s", err.text);
    cr_assert_eq(number(db, "SELECT id FROM thing"), 21);
    cr_assert_eq(number(db, "SELECT count(*) FROM pragma_table_info('thing')"), 2);
}

Test(database_upkeep, a_version_without_a_step_is_refused)
{
    struct database_schema without = NEW;

    without.upgrades = STEPS + 1;
    without.upgrade_count = 1;
    cr_assert_eq(reopen(&without, NULL), SKS_ERROR_NOT_AVAILABLE);
    cr_assert(strstr(err.text, "version 1, which this program cannot upgrade") != NULL, "%s",
              err.text);
    cr_assert_eq(reopen(&OLD, NULL), SKS_OK, "%s", err.text);
}

Test(database_upkeep, a_newer_version_is_refused)
{
    int calls = 0;

    cr_assert_eq(reopen(&NEW, &calls), SKS_OK, "%s", err.text);
    cr_assert_eq(reopen(&OLD, NULL), SKS_ERROR_NOT_AVAILABLE);
    cr_assert(strstr(err.text, "a newer program wrote it") != NULL, "%s", err.text);
}

static unsigned has_no_name(struct database *of, unsigned said)
{
    sqlite3_stmt *statement =
        database_query(of, "SELECT 1 FROM pragma_table_info('thing') WHERE name = 'name'", "");
    bool named = database_step(statement, NULL) == 1;

    database_done(statement);
    return named ? said : 1;
}

Test(database_upkeep, a_form_is_told_by_more_than_its_number)
{
    struct database_schema schema = NEW;
    int calls = 0;

    schema.version_of = has_no_name;
    cr_assert_eq(database_set_meta(db, "schema_version", "3", &err), SKS_OK);
    cr_assert_eq(reopen(&schema, &calls), SKS_OK, "%s", err.text);
    cr_assert_eq(calls, 1);
    cr_assert_eq(reopen(&schema, &calls), SKS_OK, "%s", err.text);
    cr_assert_eq(calls, 1);
}

/* ---- a copy ---- */

static void fill(uint32_t first, uint32_t count)
{
    static const uint8_t data[BLOB];

    cr_assert_eq(database_begin(db, &err), SKS_OK);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(database_run(db, &err, INSERT, "ub", first + i, bytes_at(data, BLOB)), SKS_OK);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
}

static struct database *open_copy(void)
{
    struct database *other;

    cr_assert_eq(database_open(copy, &OLD, true, NULL, &other, &err), SKS_OK, "%s", err.text);
    return other;
}

static atomic_bool copied;

/* Pairs of rows, in the first pages and in the last: half a pair would show a torn copy. */
static void *keep_writing(void *made)
{
    for (uint32_t i = 0; !atomic_load(&copied); i++) {
        fill(ROWS + 2 * i, 2);
        *(uint32_t *)made = i + 1;
    }
    return NULL;
}

Test(database_upkeep, a_copy_beside_writers_is_whole)
{
    struct database *other;
    struct stat info;
    uint32_t pairs = 0;
    pthread_t writer;

    fill(0, ROWS);
    cr_assert_eq(pthread_create(&writer, NULL, keep_writing, &pairs), 0);
    cr_assert_eq(database_copy(db, copy, &err), SKS_OK, "%s", err.text);
    atomic_store(&copied, true);
    cr_assert_eq(pthread_join(writer, NULL), 0);
    cr_assert_eq(stat(copy, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    other = open_copy();
    cr_assert_geq(number(other, COUNT), ROWS);
    cr_assert_leq(number(other, COUNT), ROWS + 2 * (int64_t)pairs);
    cr_assert_eq(number(other, COUNT) % 2, 0);
    database_close(other);
    cr_assert_eq(number(db, COUNT), ROWS + 2 * (int64_t)pairs);
}

Test(database_upkeep, a_copy_replaces_nothing)
{
    cr_assert_eq(database_copy(db, copy, &err), SKS_OK, "%s", err.text);
    cr_assert_neq(database_copy(db, copy, &err), SKS_OK);
    cr_assert(strstr(err.text, copy) != NULL, "%s", err.text);
    cr_assert_eq(access(copy, F_OK), 0, "the one that was there is left alone");
    cr_assert_neq(database_copy(db, "/nowhere/at/all", &err), SKS_OK);
}

/* ---- check and compaction ---- */

static void count_finding(void *ctx, const char *text)
{
    cr_assert_neq(text[0], '\0');
    ++*(int *)ctx;
}

static int findings(void)
{
    int count = 0;

    if (database_verify(db, count_finding, &count, &err) != SKS_OK)
        count++;
    return count;
}

Test(database_upkeep, damage_of_the_file_is_found)
{
    FILE *file;

    cr_assert_eq(database_run(db, &err, "CREATE INDEX thing_data ON thing(data)", ""), SKS_OK);
    fill(0, ROWS);
    cr_assert_eq(findings(), 0);
    database_close(db);
    file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, 40 * 4096L, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++)
        (void)fputc(0xA5, file);
    (void)fclose(file);
    cr_assert_eq(database_open(path, &OLD, true, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_assert_gt(findings(), 0);
}

Test(database_upkeep, compaction_leaves_nothing_behind)
{
    static const char MARK[] = "what was deleted is gone";
    char text[sizeof MARK] = "";
    FILE *file;
    long size;
    int c;

    fill(1, ROWS);
    cr_assert_eq(database_run(db, &err, INSERT, "ub", 0U, bytes_of(MARK)), SKS_OK);
    cr_assert_eq(database_run(db, &err, "DELETE FROM thing WHERE id < 1000", ""), SKS_OK);
    cr_assert_eq(database_compact(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(number(db, COUNT), ROWS - 999);
    file = fopen(path, "rb");
    while ((c = fgetc(file)) != EOF) {
        memmove(text, text + 1, sizeof text - 2);
        text[sizeof text - 2] = (char)c;
        cr_assert_str_neq(text, MARK);
    }
    size = ftell(file);
    (void)fclose(file);
    cr_assert_lt(size, ROWS * BLOB);
}
