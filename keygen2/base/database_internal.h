/* What the halves of the database share: its statements (database.c), transactions
 * (database_commit.c), those that are joined (database_join.c), shared syncs (database_sync.c), how
 * it is opened and brought up to date (database_open.c), written to its log (database_file.c),
 * copied and looked over (database_upkeep.c), and what keeps it from being written
 * (database_blame.c). Nobody else includes this. */
#ifndef KEYGEN2_BASE_DATABASE_INTERNAL_H
#define KEYGEN2_BASE_DATABASE_INTERNAL_H

#include "keygen2/base/database.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    CACHE_SIZE = 256,          /* places for statements, a power of two; a program has far fewer */
    DATABASE_FILE_MODE = 0600, /* SQLite gives its -wal and -shm files the mode of the database */
};

struct cached {
    const char *sql; /* address of the literal, the key */
    sqlite3_stmt *statement;
};

/* Syncs that are shared (database_sync.c). Commits have numbers; the connection is let go before
 * they are synced. */
struct database_log {
    sqlite3_file *file;              /* SQLite's log; NULL: none is synced here */
    int (*sync)(sqlite3_file *file); /* database_file_sync() */
    _Atomic uint64_t written;        /* the last commit */
    uint64_t wanted;         /* the last one that must be durable; of who has the connection */
    _Atomic uint64_t synced; /* the last one that is */
    pthread_mutex_t mutex;   /* of what follows, and of each change of what is synced */
    pthread_cond_t changed;
    bool busy; /* a thread syncs */
    _Atomic bool broken;
};

/* Who wants to write (database_join.c). */
struct database_joint {
    pthread_mutex_t mutex;
    struct database_task *row, **last; /* those who wait, in the order of their coming */
    unsigned standing;                 /* so many */
    unsigned number;                   /* of this row */
    pthread_cond_t told[2];            /* rows of even numbers, and of odd ones */
    bool busy;                         /* one writes */
};

struct database {
    sqlite3 *handle;
    pthread_mutex_t mutex;           /* of the connection and the cache */
    struct cached cache[CACHE_SIZE]; /* open addressing */
    struct database_joint joint;
    struct database_log log;
};

void database_log_init(struct database_log *log);
void database_log_close(struct database_log *log);

void database_joint_init(struct database_joint *joint);
void database_joint_close(struct database_joint *joint);

/**
 * Commits and unlocks, or rolls back and unlocks if that fails; a sync is not awaited.
 *
 * @param durable  who reads from now on waits for the sync (database_unlock_read())
 * @param commit   out: its number, for database_log_sync()
 */
CHECKED enum sks_status database_commit_written(struct database *db, bool durable, uint64_t *commit,
                                                struct sks_error *err);

/** A sync has failed: nothing is written any more, if syncs are shared. */
void database_log_break(struct database_log *log);

/** Waits until a commit is durable, or syncs all that are written: SKS_ERROR_STORAGE if that fails,
 * for these and all later ones. */
CHECKED enum sks_status database_log_sync(struct database_log *log, uint64_t commit,
                                          struct sks_error *err);

/** The name of the file functions that write a commit to the log in one piece; NULL: SQLite's own
 * will do. database_file.c */
const char *database_file_system(void);

/** Has what is collected of a transaction go with it when it is rolled back: by a ROLLBACK, an
 * error, or the end of the connection. database_file.c */
void database_file_forget_what_fails(sqlite3 *handle);

/**
 * Tells which file cannot be written, if that is what SQLite's last error may come of.
 * database_blame.c
 *
 * @param status  that err gets
 * @return false: it is something else, and err is as it was
 */
bool database_blame(sqlite3 *handle, const char *path, enum sks_status status,
                    struct sks_error *err);

/** Syncs what was written of a log of these functions, or of SQLite's own, while another thread may
 * write on; SQLITE_OK, or why not. database_file.c */
int database_file_sync(sqlite3_file *file);

/** Prepares BEGIN, COMMIT and their like: to end a transaction must not need memory. */
bool database_prepare_transactions(struct database *db);

/** Makes an empty private file; one that is there is left alone unless `fresh` forbids it. */
CHECKED enum sks_status database_make_file(const char *path, bool fresh, struct sks_error *err);

/** Runs statements that give no rows; SKS_ERROR_EXTERNAL. */
CHECKED enum sks_status database_execute(struct database *db, const char *sql,
                                         struct sks_error *err);

#endif
