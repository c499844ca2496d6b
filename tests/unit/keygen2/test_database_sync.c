/* Syncs that are shared: who syncs, who waits, who fails with whom. */
#include "keygen2/base/database_internal.h"
#include "tests/unit/support/keygen2/database_files.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 8, ROWS = 50 };

static const struct database_schema SCHEMA = { .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY"
                                                         ");",
                                               .version = 1 };

static char path[64];
static struct database *db;
static struct sks_error err;
static atomic_uint syncs;
static atomic_bool held, refuse; /* syncs wait; they fail */

static int count_sync(sqlite3_file *file)
{
    cr_assert_not_null(file);
    atomic_fetch_add(&syncs, 1);
    while (atomic_load(&held))
        (void)usleep(100);
    return atomic_load(&refuse) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static void set_up(void)
{
    (void)snprintf(path, sizeof path, "/tmp/sks-commit-%d.db", (int)getpid());
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_share_syncs(db, 0, &err), SKS_OK, "%s", err.text);
    db->log.sync = count_sync;
}

static void tear_down(void)
{
    database_close(db);
    database_files_remove(path);
}

TestSuite(database_sync, .init = set_up, .fini = tear_down);

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

/* ---- one thread ---- */

static void begin_with(int64_t id)
{
    cr_assert_eq(database_begin(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(insert(id), SKS_OK);
}

Test(database_sync, each_commit_of_one_thread_is_synced)
{
    for (unsigned i = 1; i <= 3; i++) {
        begin_with(i);
        cr_assert_eq(database_commit(db, &err), SKS_OK);
        cr_assert_eq(atomic_load(&syncs), i);
    }
}

Test(database_sync, one_that_asks_for_none_is_synced_with_the_next)
{
    begin_with(1);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK);
    database_lock(db);
    cr_expect_eq(rows_in(db), 1);
    cr_assert_eq(database_unlock_read(db, &err), SKS_OK, "nobody waits for it");
    cr_assert_eq(atomic_load(&syncs), 0);
    begin_with(2);
    cr_assert_eq(database_commit(db, &err), SKS_OK);
    cr_assert_eq(atomic_load(&syncs), 1);
}

Test(database_sync, what_is_rolled_back_is_not_synced)
{
    begin_with(1);
    database_rollback(db);
    database_lock(db);
    cr_expect_eq(rows_in(db), 0);
    database_unlock(db);
    cr_assert_eq(atomic_load(&syncs), 0);
}

Test(database_sync, after_one_that_failed_nothing_is_written)
{
    atomic_store(&refuse, true);
    begin_with(1);
    cr_assert_eq(database_commit(db, &err), SKS_ERROR_STORAGE);
    cr_expect_str_eq(err.text, "database: the sync failed");
    atomic_store(&refuse, false);
    database_lock(db);
    cr_assert_eq(database_unlock_read(db, &err), SKS_ERROR_STORAGE, "nor answered");
    cr_assert_eq(database_begin(db, &err), SKS_ERROR_STORAGE);
    cr_expect_str_eq(err.text, "database: a sync has failed; start the program again");
    cr_expect_eq(database_await_syncs(db, &err), SKS_ERROR_STORAGE);
    cr_assert_eq(atomic_load(&syncs), 1);
}

static off_t log_size(void)
{
    char name[80];
    struct stat about = { 0 };

    (void)snprintf(name, sizeof name, "%s-wal", path);
    return stat(name, &about) == 0 ? about.st_size : 0;
}

Test(database_sync, after_one_that_failed_the_log_is_left_as_it_is)
{
    atomic_store(&refuse, true);
    begin_with(1);
    cr_assert_eq(database_commit(db, &err), SKS_ERROR_STORAGE);
    database_close(db);
    cr_expect_gt(log_size(), 0, "it is for the next start to see what is sound");
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_expect_leq(rows_in(db), 1);
    database_close(db);
    db = NULL;
    cr_expect_eq(log_size(), 0, "else it goes with the last one");
}

/* ---- several ---- */

struct other {
    pthread_t thread;
    int64_t id; /* 0: reads; -1: and lets go before it waits */
    int64_t seen;
    enum sks_status rc;
    atomic_bool done;
};

static void *run_other(void *arg)
{
    struct other *o = arg;

    if (o->id == 0) {
        database_lock(db);
        o->seen = rows_in(db);
        o->rc = database_unlock_read(db, NULL);
    } else if (o->id < 0) {
        database_lock(db);
        o->seen = rows_in(db);
        database_unlock(db);
        o->rc = database_await_syncs(db, NULL);
    } else {
        o->rc = database_begin(db, NULL);
        if (o->rc == SKS_OK && insert(o->id) != SKS_OK)
            database_rollback(db);
        else if (o->rc == SKS_OK)
            o->rc = database_commit(db, NULL);
    }
    atomic_store(&o->done, true);
    return NULL;
}

static void start(struct other *o)
{
    cr_assert_eq(pthread_create(&o->thread, NULL, run_other, o), 0);
}

static void wait_for_commit(uint64_t commit)
{
    while (atomic_load(&db->log.written) < commit)
        (void)sched_yield();
}

Test(database_sync, all_that_were_written_during_one_share_the_next, .timeout = 60)
{
    struct other other[] = { { .id = 1 }, { .id = 2 }, { .id = 3 }, { .id = 4 } };

    uint64_t before = atomic_load(&db->log.written);

    atomic_store(&held, true);
    start(&other[0]);
    while (atomic_load(&syncs) == 0)
        (void)sched_yield();
    for (size_t i = 1; i < NITEMS(other); i++)
        start(&other[i]);
    wait_for_commit(before + NITEMS(other)); /* the connection is free while a thread syncs */
    for (size_t i = 0; i < NITEMS(other); i++)
        cr_expect(!atomic_load(&other[i].done), "nobody goes on before the own change is durable");
    atomic_store(&held, false);
    for (size_t i = 0; i < NITEMS(other); i++) {
        (void)pthread_join(other[i].thread, NULL);
        cr_expect_eq(other[i].rc, SKS_OK);
    }
    cr_assert_eq(atomic_load(&syncs), 2);
}

/* Reads what another thread has written and not yet synced. */
static enum sks_status read_during_sync(struct other *writer, struct other *reader)
{
    atomic_store(&held, true);
    start(writer);
    while (atomic_load(&syncs) == 0)
        (void)sched_yield();
    start(reader);
    (void)usleep(20000);
    cr_expect(!atomic_load(&reader->done), "who reads it waits for it");
    atomic_store(&held, false);
    (void)pthread_join(writer->thread, NULL);
    (void)pthread_join(reader->thread, NULL);
    cr_expect_eq(reader->seen, 1);
    return reader->rc;
}

Test(database_sync, who_reads_it_waits_for_it, .timeout = 60)
{
    struct other writer = { .id = 1 }, reader = { 0 };

    cr_assert_eq(read_during_sync(&writer, &reader), SKS_OK);
    cr_assert_eq(atomic_load(&syncs), 1);
}

Test(database_sync, and_may_have_let_go_before, .timeout = 60)
{
    struct other writer = { .id = 1 }, reader = { .id = -1 };

    cr_assert_eq(read_during_sync(&writer, &reader), SKS_OK);
    cr_assert_eq(atomic_load(&syncs), 1);
    cr_assert_eq(database_await_syncs(db, &err), SKS_OK);
    cr_assert_eq(atomic_load(&syncs), 1, "there is nothing to wait for");
}

Test(database_sync, and_fails_with_it, .timeout = 60)
{
    struct other writer = { .id = 1 }, reader = { 0 };

    atomic_store(&refuse, true);
    cr_assert_eq(read_during_sync(&writer, &reader), SKS_ERROR_STORAGE);
    cr_assert_eq(writer.rc, SKS_ERROR_STORAGE);
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
        else if ((i % 5 == 1 ? database_commit_unsynced : database_commit)(db, NULL) != SKS_OK)
            return "commit";
        database_lock(db);
        if (rows_in(db) == 0 || database_unlock_read(db, NULL) != SKS_OK)
            return "read";
    }
    return NULL;
}

Test(database_sync, many_at_once, .timeout = 60)
{
    pthread_t thread[THREADS];
    int64_t first[THREADS];

    db->log.sync = database_file_sync;
    for (int64_t i = 0; i < THREADS; i++) {
        first[i] = 1 + i * ROWS;
        cr_assert_eq(pthread_create(&thread[i], NULL, insert_many, &first[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;

        (void)pthread_join(thread[i], &failed);
        cr_assert_null(failed, "%s", (const char *)failed);
    }
    cr_assert_eq(rows_in(db), THREADS * ROWS * 4 / 5);
}
