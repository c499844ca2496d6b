/* Transactions that are joined: who writes with whom, and who fails alone. */
#include "keygen2/base/database_internal.h"
#include "tests/unit/support/keygen2/database_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROW = 6, CROWD = 8, EACH = 200, REFUSED_ID = 4, MOMENT_US = 100 };

static const struct database_schema SCHEMA = { .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY"
                                                         ");",
                                               .version = 1 };

static char path[64];
static struct database *db;
static atomic_bool held, refuse;
static atomic_uint syncs;

static int count_sync(sqlite3_file *file)
{
    cr_assert_not_null(file);
    atomic_fetch_add(&syncs, 1);
    return atomic_load(&refuse) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static void set_up(void)
{
    struct sks_error err = { 0 };

    (void)snprintf(path, sizeof path, "/tmp/sks-join-%d.db", (int)getpid());
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_share_syncs(db, 0, &err), SKS_OK, "%s", err.text);
    db->log.sync = count_sync;
}

static void tear_down(void)
{
    database_close(db);
    database_files_remove(path);
}

TestSuite(database_join, .init = set_up, .fini = tear_down);

static int64_t number_from(const char *sql)
{
    sqlite3_stmt *statement;
    int64_t number;

    database_lock(db);
    statement = database_query(db, sql, "");
    cr_assert_eq(database_step(statement, NULL), 1);
    number = sqlite3_column_int64(statement, 0);
    database_done(statement);
    database_unlock(db);
    return number;
}

#define ROWS number_from("SELECT count(*) FROM thing")

/* A thread that writes one row of the table. */
struct writer {
    int64_t id;
    bool unsynced;
    unsigned runs; /* of its work */
    int64_t seen;  /* by it: rows before its own */
    enum sks_status rc;
    struct sks_error err;
    pthread_t thread;
};

static int64_t count_rows(struct database *in)
{
    sqlite3_stmt *statement = database_query(in, "SELECT count(*) FROM thing WHERE id > 0", "");
    int64_t count = database_step(statement, NULL) == 1 ? sqlite3_column_int64(statement, 0) : -1;

    database_done(statement);
    return count;
}

static enum sks_status insert(struct database *in, void *ctx, struct sks_error *err)
{
    struct writer *w = ctx;
    enum sks_status rc;

    w->runs++;
    w->seen = count_rows(in);
    TRY(database_run(in, err, "INSERT INTO thing(id) VALUES(?)", "i", w->id));
    REQUIRE(w->id != REFUSED_ID, err, SKS_ERROR_NOT_ALLOWED, "not this one");
out:
    return rc;
}

static void *run_writer(void *arg)
{
    struct writer *w = arg;

    w->rc = w->unsynced ? database_write_unsynced(db, insert, w, &w->err)
                        : database_write(db, insert, w, &w->err);
    return NULL;
}

/* ---- a row that is known: one thread holds it up ---- */

static atomic_bool holds, wants_lock, other_locks;

static enum sks_status hold(struct database *in, void *ctx, struct sks_error *err)
{
    (void)ctx;
    atomic_store(&holds, true);
    while (atomic_load(&held))
        (void)usleep(MOMENT_US);
    atomic_store(&other_locks, atomic_load(&wants_lock));
    return database_run(in, err, "INSERT INTO thing(id) VALUES(-1)", "");
}

static void *run_hold(void *arg)
{
    cr_assert_eq(database_write_unsynced(db, hold, NULL, NULL), SKS_OK);
    return arg;
}

static unsigned standing(void)
{
    unsigned count;

    (void)pthread_mutex_lock(&db->joint.mutex);
    count = db->joint.standing;
    (void)pthread_mutex_unlock(&db->joint.mutex);
    return count;
}

static void await_standing(unsigned count)
{
    while (standing() != count)
        (void)usleep(MOMENT_US);
}

/* All of them in one row, in the order of the array. Returns the commits that they made. */
static uint64_t write_in_a_row(struct writer *writer, unsigned count)
{
    pthread_t holder;
    uint64_t before;

    atomic_store(&held, true);
    before = atomic_load(&db->log.written);
    cr_assert_eq(pthread_create(&holder, NULL, run_hold, NULL), 0);
    while (!atomic_load(&holds))
        (void)usleep(MOMENT_US);
    for (unsigned i = 0; i < count; i++) {
        cr_assert_eq(pthread_create(&writer[i].thread, NULL, run_writer, &writer[i]), 0);
        await_standing(i + 1);
    }
    atomic_store(&held, false);
    (void)pthread_join(holder, NULL);
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(writer[i].thread, NULL);
    return atomic_load(&db->log.written) - before - 1;
}

Test(database_join, who_stands_in_a_row_is_written_in_one_transaction)
{
    struct writer writer[ROW] = { 0 };

    for (unsigned i = 0; i < ROW; i++)
        writer[i].id = 10 + i;
    cr_assert_eq(write_in_a_row(writer, ROW), 1);
    for (unsigned i = 0; i < ROW; i++) {
        cr_assert_eq(writer[i].rc, SKS_OK, "%s", writer[i].err.text);
        cr_assert_eq(writer[i].runs, 1);
        cr_assert_eq(writer[i].seen, i, "each sees those before it");
    }
    cr_assert_eq(ROWS, ROW + 1);
    cr_assert_eq(atomic_load(&syncs), 1, "and in one sync");
}

Test(database_join, who_fails_fails_alone)
{
    struct writer writer[ROW] = { 0 };

    for (unsigned i = 0; i < ROW; i++)
        writer[i].id = i + 1;
    cr_assert_eq(write_in_a_row(writer, ROW), ROW - 1);
    for (unsigned i = 0; i < ROW; i++)
        if (writer[i].id == REFUSED_ID) {
            cr_assert_eq(writer[i].rc, SKS_ERROR_NOT_ALLOWED);
            cr_assert_str_eq(writer[i].err.text, "not this one");
        } else {
            cr_assert_eq(writer[i].rc, SKS_OK, "%s", writer[i].err.text);
        }
    cr_assert_eq(ROWS, ROW, "all but one, and who held them up");
    cr_assert_eq(number_from("SELECT count(*) FROM thing WHERE id = 4"), 0);
    cr_assert_eq(writer[0].runs, 2, "once with the others, once alone");
    cr_assert_eq(writer[0].seen, 0, "and the first time left nothing");
}

Test(database_join, a_statement_that_fails_takes_nobody_with_it)
{
    struct writer writer[ROW] = { { .id = 7 }, { .id = 8 }, { .id = 7 }, { .id = 9 } };

    cr_assert_eq(write_in_a_row(writer, 4), 3);
    cr_assert_eq(writer[0].rc, SKS_OK, "%s", writer[0].err.text);
    cr_assert_eq(writer[1].rc, SKS_OK, "%s", writer[1].err.text);
    cr_assert_eq(writer[2].rc, SKS_ERROR_STORAGE, "its number is taken");
    cr_assert_eq(writer[3].rc, SKS_OK, "%s", writer[3].err.text);
    cr_assert_eq(ROWS, 4);
}

Test(database_join, who_needs_no_sync_does_not_fail_with_it)
{
    struct writer writer[3] = { { .id = 1 }, { .id = 2, .unsynced = true }, { .id = 3 } };

    atomic_store(&refuse, true);
    cr_assert_eq(write_in_a_row(writer, 3), 1);
    cr_assert_eq(writer[0].rc, SKS_ERROR_STORAGE);
    cr_assert_eq(writer[1].rc, SKS_OK, "%s", writer[1].err.text);
    cr_assert_eq(writer[2].rc, SKS_ERROR_STORAGE);
    cr_assert_eq(atomic_load(&syncs), 1, "what nobody can know any more is not tried again");
}

Test(database_join, after_a_sync_that_failed_nothing_is_written)
{
    struct writer writer = { .id = 1 }, later[ROW] = { 0 };

    atomic_store(&refuse, true);
    (void)run_writer(&writer);
    cr_assert_eq(writer.rc, SKS_ERROR_STORAGE);
    for (unsigned i = 0; i < ROW; i++) {
        later[i] = (struct writer){ .id = 10 + i, .unsynced = true };
        (void)run_writer(&later[i]);
        cr_assert_eq(later[i].rc, SKS_ERROR_STORAGE);
        cr_assert_eq(later[i].runs, 0);
    }
    cr_assert_eq(ROWS, 1);
}

/* ---- another process ---- */

static sqlite3 *other;
static unsigned waits;

/* It comes in front of who is about to begin. */
static int lock_first(unsigned what, void *ctx, void *statement, void *sql)
{
    (void)what, (void)ctx, (void)statement;
    if (strncmp(sql, "BEGIN", 5) == 0 && atomic_exchange(&other_locks, false))
        cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return 0;
}

static int wait_in_vain(void *ctx, int times)
{
    (void)ctx, (void)times;
    waits++;
    return 0;
}

Test(database_join, a_lock_that_does_not_go_is_waited_for_once)
{
    struct writer writer[ROW] = { 0 };

    cr_assert_eq(sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    (void)sqlite3_trace_v2(db->handle, SQLITE_TRACE_STMT, lock_first, NULL);
    (void)sqlite3_busy_handler(db->handle, wait_in_vain, NULL);
    for (unsigned i = 0; i < ROW; i++)
        writer[i].id = 10 + i;
    atomic_store(&wants_lock, true);
    cr_assert_eq(write_in_a_row(writer, ROW), 0);
    for (unsigned i = 0; i < ROW; i++) {
        cr_assert_eq(writer[i].rc, SKS_ERROR_STORAGE);
        cr_assert_str_eq(writer[i].err.text, "database: database is locked");
    }
    cr_assert_eq(waits, 1, "not by one after the other");
    (void)sqlite3_close(other);
    (void)run_writer(&writer[0]);
    cr_assert_eq(writer[0].rc, SKS_OK, "%s", writer[0].err.text);
}

/* ---- a crowd ---- */

static void *write_many(void *arg)
{
    struct writer *w = arg;
    const int64_t first = w->id;

    for (unsigned i = 0; i < EACH; i++) {
        w->id = first + i;
        w->unsynced = i % 2 == 0;
        (void)run_writer(w);
        cr_assert_eq(w->rc, w->id == REFUSED_ID ? SKS_ERROR_NOT_ALLOWED : SKS_OK, "%s",
                     w->err.text);
    }
    return NULL;
}

Test(database_join, a_crowd_gets_all_written, .timeout = 60)
{
    struct writer writer[CROWD] = { 0 };

    for (unsigned i = 0; i < CROWD; i++) {
        writer[i].id = i * EACH + 1;
        cr_assert_eq(pthread_create(&writer[i].thread, NULL, write_many, &writer[i]), 0);
    }
    for (unsigned i = 0; i < CROWD; i++)
        (void)pthread_join(writer[i].thread, NULL);
    cr_assert_eq(ROWS, CROWD * EACH - 1);
    cr_assert_eq(number_from("SELECT count(DISTINCT id) FROM thing"), CROWD * EACH - 1);
}
