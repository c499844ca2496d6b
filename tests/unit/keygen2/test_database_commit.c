/* Commits that are shared: who leaves, who joins, who fails with whom. */
#include "keygen2/base/database_internal.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 8, ROWS = 50 };

static const struct database_schema SCHEMA = { .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY"
                                                         ");",
                                               .version = 1 };

static char path[64];
static struct database *db;
static struct sks_error err;
static unsigned commits;
static bool refuse;

/* SQLite asks before each commit; not 0 makes a rollback of it. */
static int on_commit(void *unused)
{
    (void)unused;
    commits++;
    return refuse;
}

static void set_up(void)
{
    (void)snprintf(path, sizeof path, "/tmp/sks-commit-%d.db", (int)getpid());
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    database_share_commits(db);
    (void)sqlite3_commit_hook(db->handle, on_commit, NULL);
    commits = 0;
}

static void tear_down(void)
{
    static const char *const SUFFIX[] = { "", "-wal", "-shm" };
    char name[80];

    database_close(db);
    for (size_t i = 0; i < NITEMS(SUFFIX); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, SUFFIX[i]);
        (void)unlink(name);
    }
}

TestSuite(database_commit, .init = set_up, .fini = tear_down);

static enum sks_status insert(int64_t id)
{
    return database_run(db, NULL, "INSERT INTO thing(id) VALUES(?)", "i", id);
}

static int64_t rows_in(struct database *in)
{
    sqlite3_stmt *statement = database_query(in, "SELECT count(*) FROM thing", "");
    int64_t count;

    cr_assert_eq(database_step(statement, NULL), 1);
    count = sqlite3_column_int64(statement, 0);
    database_done(statement);
    return count;
}

/* Seen by another connection, as after a crash: what is not committed is not there. */
static int64_t rows_on_disk(void)
{
    struct database *other;
    int64_t count;

    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &other, &err), SKS_OK, "%s", err.text);
    count = rows_in(other);
    database_close(other);
    return count;
}

enum ending { COMMITS, ROLLS_BACK, READS };

struct other {
    enum ending ending;
    int64_t id, seen;
    enum sks_status rc;
};

static void *run_other(void *arg)
{
    struct other *o = arg;

    if (o->ending == READS) {
        database_lock(db);
        o->seen = rows_in(db);
        o->rc = database_unlock_read(db, NULL);
        return NULL;
    }
    o->rc = database_begin(db, NULL);
    if (o->rc == SKS_OK)
        o->rc = insert(o->id);
    if (o->rc == SKS_OK && o->ending == COMMITS)
        o->rc = database_commit(db, NULL);
    else
        database_rollback(db);
    return NULL;
}

/* Commits one row while another thread waits for the connection. */
static enum sks_status commit_before(struct other *other)
{
    pthread_t thread;
    enum sks_status rc;

    cr_assert_eq(database_begin(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(insert(1), SKS_OK);
    cr_assert_eq(pthread_create(&thread, NULL, run_other, other), 0);
    while (atomic_load(&db->waiting) == 0)
        (void)sched_yield();
    rc = database_commit(db, &err);
    if (rc == SKS_OK)
        cr_assert_geq(rows_on_disk(), 1, "nobody goes on before the own change is durable");
    (void)pthread_join(thread, NULL);
    return rc;
}

Test(database_commit, two_with_one_sync)
{
    struct other other = { .ending = COMMITS, .id = 2 };

    cr_assert_eq(commit_before(&other), SKS_OK);
    cr_assert_eq(other.rc, SKS_OK);
    cr_assert_eq(rows_on_disk(), 2);
    cr_assert_eq(commits, 1);
}

Test(database_commit, one_who_rolls_back_takes_nobody_along)
{
    struct other other = { .ending = ROLLS_BACK, .id = 2 };

    cr_assert_eq(commit_before(&other), SKS_OK);
    cr_assert_eq(rows_on_disk(), 1);
}

Test(database_commit, a_statement_that_fails_takes_nobody_along)
{
    struct other other = { .ending = COMMITS, .id = 1 }; /* is there already */

    cr_assert_eq(commit_before(&other), SKS_OK);
    cr_assert_eq(other.rc, SKS_ERROR_STORAGE);
    cr_assert_eq(rows_on_disk(), 1);
}

Test(database_commit, who_reads_it_waits_for_it)
{
    struct other other = { .ending = READS };

    cr_assert_eq(commit_before(&other), SKS_OK);
    cr_assert_eq(other.rc, SKS_OK);
    cr_assert_eq(other.seen, 1);
    cr_assert_eq(commits, 1);
}

Test(database_commit, all_fail_with_it)
{
    struct other other = { .ending = COMMITS, .id = 2 }, reader = { .ending = READS };

    refuse = true;
    cr_assert_eq(commit_before(&other), SKS_ERROR_STORAGE);
    cr_assert_eq(other.rc, SKS_ERROR_STORAGE);
    cr_assert_eq(commit_before(&reader), SKS_ERROR_STORAGE);
    cr_assert_eq(reader.rc, SKS_ERROR_STORAGE);
    refuse = false;
    cr_assert_eq(rows_on_disk(), 0);
    cr_assert_eq(commit_before(&other), SKS_OK, "and the next is as ever");
    cr_assert_eq(rows_on_disk(), 2);
}

Test(database_commit, nobody_waits_for_one_alone)
{
    for (int64_t i = 1; i <= 3; i++) {
        cr_assert_eq(database_begin(db, &err), SKS_OK);
        cr_assert_eq(insert(i), SKS_OK);
        cr_assert_eq(database_commit(db, &err), SKS_OK);
        cr_assert_eq(commits, i);
    }
}

static void *insert_many(void *arg)
{
    int64_t first = *(const int64_t *)arg;

    for (int64_t i = first; i < first + ROWS; i++) {
        if (database_begin(db, NULL) != SKS_OK)
            return "begin";
        if (insert(i) != SKS_OK)
            return "insert";
        if (i % 5 == 0)
            database_rollback(db);
        else if (database_commit(db, NULL) != SKS_OK)
            return "commit";
        database_lock(db);
        if (rows_in(db) == 0 || database_unlock_read(db, NULL) != SKS_OK)
            return "read";
    }
    return NULL;
}

Test(database_commit, many_at_once, .timeout = 60)
{
    pthread_t thread[THREADS];
    int64_t first[THREADS];

    for (int64_t i = 0; i < THREADS; i++) {
        first[i] = 1 + i * ROWS;
        cr_assert_eq(pthread_create(&thread[i], NULL, insert_many, &first[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;

        (void)pthread_join(thread[i], &failed);
        cr_assert_null(failed, "%s", (const char *)failed);
    }
    cr_assert_eq(rows_on_disk(), THREADS * ROWS * 4 / 5);
    cr_assert_leq(commits, THREADS * ROWS);
}
