#include "tests/bench/issuer/bare_store.h"
#include "tests/bench/bench.h"
#include "tests/bench/issuer/folder.h"
#include "tests/plain/support/must.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { PIECE_MAX = 4200, SESSIONS = 300 };

/* Of p256-user-pin: what was said and checked, and the state or certificate that came of it. */
static const int PIECE[] = { 700, 1900, 3800, PIECE_MAX, 400 };
enum { PIECES = sizeof PIECE / sizeof *PIECE };

/* No other process, no index, a log that is seldom brought into the file. */
static const char SETTINGS[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8000;"
                               "CREATE TABLE piece(number INTEGER PRIMARY KEY, body BLOB);";

struct bare_store {
    sqlite3 *database;
    sqlite3_stmt *begin, *insert, *commit;
    char body[PIECE_MAX];
};

static sqlite3_stmt *prepare(struct bare_store *store, const char *sql)
{
    sqlite3_stmt *statement;

    must(sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) == SQLITE_OK, sql);
    return statement;
}

struct bare_store *bare_store_new(const char *folder)
{
    struct bare_store *store = calloc(1, sizeof *store);
    char path[FILE_MAX];

    must(store != NULL, "memory");
    folder_file(folder, "bare-store", path);
    must(sqlite3_open(path, &store->database) == SQLITE_OK &&
             sqlite3_exec(store->database, SETTINGS, NULL, NULL, NULL) == SQLITE_OK,
         "a database");
    store->begin = prepare(store, "BEGIN IMMEDIATE");
    store->insert = prepare(store, "INSERT INTO piece(body) VALUES(?)");
    store->commit = prepare(store, "COMMIT");
    return store;
}

static void run(sqlite3_stmt *statement)
{
    must(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
    (void)sqlite3_reset(statement);
}

double bare_store_us(struct bare_store *store)
{
    const double before = bench_cpu_now();

    for (unsigned i = 0; i < SESSIONS; i++) {
        run(store->begin);
        for (size_t j = 0; j < PIECES; j++) {
            (void)sqlite3_bind_blob(store->insert, 1, store->body, PIECE[j], SQLITE_STATIC);
            run(store->insert);
        }
        run(store->commit);
    }
    return (bench_cpu_now() - before) * 1e6 / SESSIONS;
}

void bare_store_free(struct bare_store *store)
{
    (void)sqlite3_finalize(store->begin);
    (void)sqlite3_finalize(store->insert);
    (void)sqlite3_finalize(store->commit);
    must(sqlite3_close(store->database) == SQLITE_OK, "the database is closed");
    free(store);
}
