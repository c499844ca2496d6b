/* The log is written in pieces: how many, what of errors, what others see. */
#include "keygen2/base/database_internal.h"
#include "tests/unit/support/keygen2/database_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROW = 3000, SOME = 20, MANY = 2000, MOMENT_US = 1000, PATIENCE = 300 /* moments */ };

static const struct database_schema SCHEMA = {
    .create = "CREATE TABLE thing(id INTEGER PRIMARY KEY, body BLOB NOT NULL);",
    .version = 1,
};

/* ---- SQLite's own file functions, but writes and syncs of the log are counted, or refused ---- */

static sqlite3_vfs *own, counting;
static sqlite3_io_methods methods;
static int (*own_write)(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset);
static int (*own_sync)(sqlite3_file *file, int flags);
static unsigned writes;
static atomic_uint syncs;
static bool refuse, refuse_slowly;
static atomic_bool refuse_one_sync;

static int write_counted(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    writes++;
    return refuse ? SQLITE_FULL : own_write(file, data, size, offset);
}

static int sync_counted(sqlite3_file *file, int flags)
{
    bool refused = atomic_exchange(&refuse_one_sync, false);
    unsigned number = atomic_fetch_add(&syncs, 1) + 1;

    for (unsigned i = 0; refused && refuse_slowly && i < PATIENCE; i++)
        if (atomic_load(&syncs) == number) /* nobody else syncs meanwhile */
            (void)usleep(MOMENT_US);
    return refused ? SQLITE_IOERR_FSYNC : own_sync(file, flags);
}

static int open_counted(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *given)
{
    int rc = own->xOpen(own, name, file, flags, given);

    (void)vfs;
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        methods = *file->pMethods;
        own_write = methods.xWrite;
        own_sync = methods.xSync;
        methods.xWrite = write_counted;
        methods.xSync = sync_counted;
        file->pMethods = &methods;
    }
    return rc;
}

static char path[64];
static struct database *db;
static sqlite3 *other; /* as another process has it */
static struct sks_error err;

static void set_up(void)
{
    (void)snprintf(path, sizeof path, "/tmp/sks-file-%d.db", (int)getpid());
    cr_assert_eq(sqlite3_initialize(), SQLITE_OK);
    own = sqlite3_vfs_find(NULL);
    counting = *own;
    counting.zName = "counting";
    counting.xOpen = open_counted;
    cr_assert_eq(sqlite3_vfs_register(&counting, 1), SQLITE_OK);
    cr_assert_eq(database_open(path, &SCHEMA, false, NULL, &db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_share_syncs(db, 0, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(sqlite3_open_v2(path, &other, SQLITE_OPEN_READONLY, own->zName), SQLITE_OK);
    writes = 0;
}

static void tear_down(void)
{
    (void)sqlite3_close(other);
    database_close(db);
    database_files_remove(path);
}

TestSuite(database_file, .init = set_up, .fini = tear_down);

static int64_t ask(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t value;

    cr_assert_eq(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(handle));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sqlite3_errmsg(handle));
    value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static void insert(int64_t first, int64_t count)
{
    uint8_t body[ROW];

    for (int64_t i = first; i < first + count; i++) {
        memset(body, (int)i, sizeof body);
        cr_assert_eq(database_run(db, &err, "INSERT INTO thing(id, body) VALUES(?, ?)", "ib", i,
                                  bytes_at(body, sizeof body)),
                     SKS_OK, "%s", err.text);
    }
}

static void begin_with(int64_t first, int64_t count)
{
    cr_assert_eq(database_begin(db, &err), SKS_OK, "%s", err.text);
    insert(first, count);
}

static const char COUNT[] = "SELECT count(*) FROM thing";

Test(database_file, a_commit_is_one_write_and_others_see_it)
{
    begin_with(1, SOME);
    cr_assert_eq(writes, 0);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK);
    cr_expect_eq(writes, 1);
    cr_expect_eq(ask(other, COUNT), SOME);
    begin_with(SOME + 1, SOME);
    cr_assert_eq(database_commit(db, &err), SKS_OK);
    cr_expect_eq(writes, 2);
    cr_expect_eq(ask(other, COUNT), 2 * SOME);
}

Test(database_file, one_that_cannot_be_written_is_none)
{
    begin_with(1, SOME);
    cr_assert_eq(database_commit(db, &err), SKS_OK);
    begin_with(SOME + 1, SOME);
    refuse = true;
    cr_assert_eq(database_commit(db, &err), SKS_ERROR_STORAGE);
    refuse = false;
    cr_expect_eq(ask(other, COUNT), SOME);
    begin_with(SOME + 1, 1);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask(other, COUNT), SOME + 1);
}

/* More than SQLite keeps in memory: it writes pages before the commit, and reads them again. */
Test(database_file, a_large_one_is_whole)
{
    const char check[] = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";

    cr_assert_eq(database_execute(db, "PRAGMA cache_size=20", &err), SKS_OK);
    begin_with(1, MANY);
    cr_expect_gt(writes, 1);
    cr_expect_eq(ask(other, COUNT), 0);
    cr_assert_eq(
        database_run(db, &err, "UPDATE thing SET body = zeroblob(5000) WHERE id % 3 = 0", ""),
        SKS_OK);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask(other, COUNT), MANY);
    cr_expect_eq(ask(other, check), 1);
    cr_expect_eq(ask(other, "SELECT count(*) FROM thing WHERE body = zeroblob(5000)"), MANY / 3);
    begin_with(MANY + 1, MANY);
    database_rollback(db);
    cr_expect_eq(ask(other, COUNT), MANY);
    cr_assert_eq(database_empty_log(db, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask(other, check), 1);
}

/* ---- what is held back, and when it must not be ---- */

static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t len;

    cr_assert(in != NULL && out != NULL);
    while ((len = fread(bytes, 1, sizeof bytes, in)) > 0)
        cr_assert_eq(fwrite(bytes, 1, len, out), len);
    (void)fclose(in);
    cr_assert_eq(fclose(out), 0);
}

/* What a kill would leave now. */
static void copy_what_is_left(char left[80])
{
    static const char *const SUFFIX[] = { "", "-wal" };
    char from[80], to[100];

    (void)snprintf(left, 80, "%s.left", path);
    for (size_t i = 0; i < NITEMS(SUFFIX); i++) {
        (void)snprintf(from, sizeof from, "%s%s", path, SUFFIX[i]);
        (void)snprintf(to, sizeof to, "%s%s", left, SUFFIX[i]);
        copy_file(from, to);
    }
}

static int64_t ask_what_is_left(const char *sql)
{
    char left[80];
    sqlite3 *handle = NULL;
    int64_t value;

    copy_what_is_left(left);
    cr_assert_eq(sqlite3_open_v2(left, &handle, SQLITE_OPEN_READWRITE, own->zName), SQLITE_OK);
    value = ask(handle, sql);
    cr_assert_eq(sqlite3_close(handle), SQLITE_OK); /* and with it goes its log */
    (void)unlink(left);
    return value;
}

/* SQLite writes the sums of a commit anew if pages of it were in the log already, and in memory no
 * more: heads alone, the last of them at last. */
Test(database_file, what_outgrew_the_memory_outlives_the_process)
{
    cr_assert_eq(database_execute(db, "PRAGMA cache_size=20", &err), SKS_OK);
    begin_with(1, 10 * SOME);
    cr_assert_eq(
        database_run(db, &err, "UPDATE thing SET body = zeroblob(5000) WHERE id % 3 = 0", ""),
        SKS_OK);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask_what_is_left(COUNT), 10 * SOME);
}

/* It lies where the next commit comes, be it another process's. */
Test(database_file, what_is_rolled_back_is_written_over_nobody)
{
    const char check[] = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";

    begin_with(1, SOME);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_empty_log(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_execute(db, "PRAGMA cache_size=5", &err), SKS_OK);
    cr_assert_eq(database_begin(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_run(db, &err, "UPDATE thing SET body = zeroblob(3000)", ""), SKS_OK);
    database_rollback(db);
    (void)sqlite3_close(other);
    cr_assert_eq(sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE, own->zName), SQLITE_OK);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(sqlite3_exec(other,
                                  "INSERT INTO thing(id, body) SELECT max(id) + 1, zeroblob(9000)"
                                  " FROM thing",
                                  NULL, NULL, NULL),
                     SQLITE_OK, "%s", sqlite3_errmsg(other));
    cr_expect_eq(ask(db->handle, COUNT), SOME + 40);
    cr_expect_eq(ask(db->handle, check), 1);
    cr_expect_eq(ask_what_is_left(COUNT), SOME + 40);
}

/* ---- what is written again ---- */

Test(database_file, a_log_is_renewed_as_it_is)
{
    begin_with(1, SOME);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK, "%s", err.text);
    writes = 0;
    atomic_store(&syncs, 0);
    cr_assert_eq(database_renew_log(db, &err), SKS_OK, "%s", err.text);
    cr_expect_gt(writes, 1);
    cr_expect_eq(syncs, 1);
    cr_expect_eq(ask(other, COUNT), SOME);
    begin_with(SOME + 1, SOME);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask(other, COUNT), 2 * SOME);
    cr_expect_eq(ask_what_is_left(COUNT), 2 * SOME);
}

static void renew_in_vain(void)
{
    char left[80];

    cr_expect_eq(database_renew_log(db, &err), SKS_ERROR_EXTERNAL);
    cr_expect_str_eq(err.text, "database: the log cannot be written and synced");
    refuse = false;
    cr_expect_eq(database_begin(db, &err), SKS_ERROR_STORAGE, "nobody goes on behind it");
    cr_expect_eq(ask(other, COUNT), SOME);
    (void)sqlite3_close(other);
    other = NULL;
    database_close(db);
    db = NULL;
    (void)snprintf(left, sizeof left, "%s-wal", path);
    cr_expect_eq(access(left, F_OK), 0, "it stays for the next start");
}

Test(database_file, or_it_cannot_be_written)
{
    begin_with(1, SOME);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK, "%s", err.text);
    refuse = true;
    renew_in_vain();
}

Test(database_file, or_it_cannot_be_synced)
{
    begin_with(1, SOME);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK, "%s", err.text);
    atomic_store(&refuse_one_sync, true);
    renew_in_vain();
}

/* ---- syncs that SQLite has no word about ---- */

/* SQLite takes a checkpoint that fails for one that comes later. The system tells of a failed sync
 * but once, and what was not written then is not written by the next one either. */
Test(database_file, a_sync_that_failed_in_a_checkpoint_is_the_end)
{
    cr_assert_eq(database_execute(db, "PRAGMA wal_autocheckpoint=5", &err), SKS_OK);
    begin_with(1, SOME);
    refuse_one_sync = true;
    cr_expect_eq(database_commit(db, &err), SKS_ERROR_STORAGE);
    cr_assert_not(refuse_one_sync);
    cr_expect_eq(database_begin(db, &err), SKS_ERROR_STORAGE);
}

/* SQLite syncs a new beginning of the log in the commit that makes it. */
Test(database_file, a_sync_that_failed_in_a_commit_is_the_end)
{
    begin_with(1, SOME);
    cr_assert_eq(database_commit(db, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_empty_log(db, &err), SKS_OK, "%s", err.text);
    begin_with(SOME + 1, SOME);
    refuse_one_sync = true;
    cr_expect_eq(database_commit(db, &err), SKS_ERROR_STORAGE);
    cr_assert_not(refuse_one_sync);
    cr_expect_eq(database_begin(db, &err), SKS_ERROR_STORAGE);
    cr_expect_str_eq(err.text, "database: a sync has failed; start the program again");
    cr_expect_eq(ask(other, COUNT), SOME);
}

static void *empty_log(void *arg)
{
    (void)!database_empty_log(db, NULL);
    return arg;
}

/* The system tells one of those who sync at once that it failed, and the other that all is well. */
Test(database_file, who_syncs_at_once_with_one_that_fails_fails_too)
{
    pthread_t other_thread;

    begin_with(1, SOME);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK, "%s", err.text);
    refuse_slowly = true;
    atomic_store(&refuse_one_sync, true);
    cr_assert_eq(pthread_create(&other_thread, NULL, empty_log, NULL), 0);
    while (atomic_load(&refuse_one_sync))
        (void)usleep(MOMENT_US);
    cr_expect_eq(database_await_syncs(db, &err), SKS_ERROR_STORAGE);
    (void)pthread_join(other_thread, NULL);
}

/* A process was killed before its sync: what it has written is there to be read, and answered. */
Test(database_file, what_a_killed_process_has_left_is_synced_before_it_is_read)
{
    char left[80];
    struct database *next = NULL;

    begin_with(1, SOME);
    cr_assert_eq(database_commit_unsynced(db, &err), SKS_OK);
    copy_what_is_left(left);
    syncs = 0;
    cr_assert_eq(database_open(left, &SCHEMA, true, NULL, &next, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(database_share_syncs(next, 0, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(ask(next->handle, COUNT), SOME);
    cr_expect_eq(syncs, 1);
    database_close(next);
    copy_what_is_left(left);
    refuse_one_sync = true;
    cr_assert_eq(database_open(left, &SCHEMA, true, NULL, &next, &err), SKS_OK, "%s", err.text);
    cr_expect_eq(database_share_syncs(next, 0, &err), SKS_ERROR_EXTERNAL);
    database_close(next);
    (void)unlink(left);
    (void)snprintf(left, sizeof left, "%s.left-wal", path);
    cr_expect_eq(unlink(left), 0, "it stays for the next start");
}
