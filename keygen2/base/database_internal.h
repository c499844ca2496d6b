/* What the halves of the database share: its statements (database.c), transactions
 * (database_commit.c), how it is opened and brought up to date (database_open.c), copied and looked
 * over (database_upkeep.c). Nobody else includes this. */
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

struct database_member;

struct database {
    sqlite3 *handle;
    pthread_mutex_t mutex;           /* of all below but `waiting` */
    atomic_uint waiting;             /* threads that want the connection */
    bool shares;                     /* commits are shared */
    bool joined;                     /* who has the connection joined a transaction of others */
    struct database_member *members; /* those who wait for the commit of the open transaction */
    size_t together;                 /* their number */
    pthread_cond_t settled;          /* it has been committed, or has failed */
    struct cached cache[CACHE_SIZE]; /* open addressing */
};

/** Prepares BEGIN, COMMIT and their like: to end a transaction must not need memory. */
bool database_prepare_transactions(struct database *db);

/** Makes an empty private file; one that is there is left alone unless `fresh` forbids it. */
CHECKED enum sks_status database_make_file(const char *path, bool fresh, struct sks_error *err);

/** Runs statements that give no rows; SKS_ERROR_EXTERNAL. */
CHECKED enum sks_status database_execute(struct database *db, const char *sql,
                                         struct sks_error *err);

#endif
