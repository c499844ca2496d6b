/* SQLite, opened the way this project wants it: WAL, every commit synced, a schema version. */
#ifndef KEYGEN2_BASE_DATABASE_H
#define KEYGEN2_BASE_DATABASE_H

#include "keygen2/base/bytes.h"

#include <sqlite3.h>

struct database;

/* One step of an upgrade: makes a database of the next version out of one of version `from`. */
struct database_upgrade {
    unsigned from;
    const char *sql; /* statements, run first; NULL: none */
    /* What SQL cannot do, inside the transaction of the upgrade: it neither locks nor commits. */
    enum sks_status (*run)(struct database *db, const void *ctx,
                           struct sks_error *err); /* NULL: none */
};

struct database_schema {
    const char *create; /* statements that make the tables of an empty database; a table
                         * meta(key, value) with the row schema_version is made here */
    const char *more;   /* the same, where one literal would be too long; NULL: none */
    unsigned version;   /* of these, and the last that this program understands */
    const struct database_upgrade *upgrades; /* one for each older version, in their order */
    size_t upgrade_count;
    const char *page_size; /* PRAGMA for a new file; NULL: as SQLite has it */
    /* The version of a database that says `said`, where that number was given to several forms.
     * NULL: it is what it says. */
    unsigned (*version_of)(struct database *db, unsigned said);
};

/**
 * Opens a database, or creates it. One of an older version is upgraded, in one transaction.
 *
 * @param path       file; ":memory:" for none
 * @param exclusive  keep the file to this process (faster); else other processes may read
 * @param ctx        handed to the upgrades
 * @return SKS_ERROR_EXTERNAL if it cannot be opened, SKS_ERROR_NOT_AVAILABLE for a newer schema
 *         version and for one that nothing upgrades, with the text in err; of an upgrade that
 *         fails, its status: then the database is as it was
 */
CHECKED enum sks_status database_open(const char *path, const struct database_schema *schema,
                                      bool exclusive, const void *ctx, struct database **db,
                                      struct sks_error *err);

/** Limits the file to about that many bytes: what goes beyond fails with SKS_ERROR_STORAGE. */
CHECKED enum sks_status database_limit(struct database *db, uint64_t bytes, struct sks_error *err);

/**
 * Writes a copy of the whole database, as it is at the moment when this returns; other threads may
 * use the database meanwhile. The copy is not synced.
 *
 * @param path  must not be there; gone again if this fails
 */
CHECKED enum sks_status database_copy(struct database *db, const char *path, struct sks_error *err);

/**
 * As database_copy(), as it is at the moment when this begins: whatever other processes write. No
 * other thread may use this connection meanwhile.
 */
CHECKED enum sks_status database_copy_snapshot(struct database *db, const char *path,
                                               struct sks_error *err);

/**
 * Brings what lies in the log of a database that nobody has open into its one file; nothing is
 * known of what is in it.
 *
 * @return SKS_ERROR_INTERNAL if the file is damaged, or no database; SKS_ERROR_EXTERNAL for all
 *         that may be better another time
 */
CHECKED enum sks_status database_settle(const char *path, struct sks_error *err);

/** SQLite's own check of its file and indexes. @param found called for each finding */
CHECKED enum sks_status database_verify(struct database *db,
                                        void (*found)(void *ctx, const char *text), void *ctx,
                                        struct sks_error *err);

/** Keeps that much of the file in memory, if it has come to be read; SQLite's own choice is 2 MiB.
 */
CHECKED enum sks_status database_cache(struct database *db, unsigned mebibytes,
                                       struct sks_error *err);

/** From now on, what is deleted or replaced is overwritten in the file. */
CHECKED enum sks_status database_overwrite(struct database *db, struct sks_error *err);

/**
 * Brings what lies in the log into the file and empties the log, so that nothing is left of what
 * was replaced. Other processes may have the database open; those that read are waited for.
 *
 * @return SKS_ERROR_EXTERNAL if they go on for too long; repeat it then
 */
CHECKED enum sks_status database_empty_log(struct database *db, struct sks_error *err);

/** Writes the file anew, so that nothing is in it but what the tables hold. */
CHECKED enum sks_status database_compact(struct database *db, struct sks_error *err);

/** NULL is allowed. */
void database_close(struct database *db);

/* One thread at a time has the connection: from lock to unlock, or from begin to commit or
 * rollback. Keep cryptography and I/O out of it. */
void database_lock(struct database *db);
void database_unlock(struct database *db);

/**
 * From now on commits are synced after the connection has been let go, one sync for all that were
 * written before it. A sync that fails is the end: all later transactions fail too, for nobody
 * knows what is on the disk. Call it before a second thread uses the database.
 *
 * @param log_pages  that the log has before they are brought into the file; 0: as SQLite has it
 */
CHECKED enum sks_status database_share_syncs(struct database *db, unsigned log_pages,
                                             struct sks_error *err);

/**
 * Where syncs are shared: writes the log again as it is, and syncs it. A process whose sync failed
 * has left what the system shows and will never write: who goes on behind it would lose all with
 * the power. For who serves, before it does.
 */
CHECKED enum sks_status database_renew_log(struct database *db, struct sks_error *err);

/** As database_unlock(), where syncs are shared and the answer depends on what was read: waits for
 * it to be durable, if database_commit() was to make it so; fails (SKS_ERROR_STORAGE) if it never
 * will be. */
CHECKED enum sks_status database_unlock_read(struct database *db, struct sks_error *err);

/** Where syncs are shared, waits until all that is committed is durable, and so what this thread
 * has read; fails (SKS_ERROR_STORAGE) if it never will be. Without the connection. */
CHECKED enum sks_status database_await_syncs(struct database *db, struct sks_error *err);

/** Locks and begins a transaction. On failure nothing is locked. */
CHECKED enum sks_status database_begin(struct database *db, struct sks_error *err);

/** Commits durably and unlocks; rolls back and unlocks if that fails (SKS_ERROR_STORAGE). */
CHECKED enum sks_status database_commit(struct database *db, struct sks_error *err);

/**
 * As database_commit(), without the sync where syncs are shared: this outlives the process; it
 * outlives a power cut from the next database_commit() on, and never without what was written
 * before it.
 */
CHECKED enum sks_status database_commit_unsynced(struct database *db, struct sks_error *err);

void database_rollback(struct database *db); /* and unlock */

/** Ends a transaction: database_commit() if all went well in it, else database_rollback().
 * @param rc how it went @return rc, or why it could not be committed */
CHECKED enum sks_status database_end(struct database *db, enum sks_status rc,
                                     struct sks_error *err);

/**
 * What one writes in a transaction. It neither locks nor commits. It may be run again, after all
 * that it wrote was undone: so it sets what it gives out anew each time, and touches nothing else
 * (a line in the log may come twice).
 */
typedef enum sks_status database_work(struct database *db, void *ctx, struct sks_error *err);

/**
 * A transaction from begin to commit, as database_end() has it. Threads that come at once write
 * theirs in one: each sees what those before it wrote, and none fails by another.
 *
 * @param err  set by the work, or as for database_commit()
 */
CHECKED enum sks_status database_write(struct database *db, database_work *work, void *ctx,
                                       struct sks_error *err);

/** The same with database_commit_unsynced(). */
CHECKED enum sks_status database_write_unsynced(struct database *db, database_work *work, void *ctx,
                                                struct sks_error *err);

/**
 * Prepares (once per text) and binds a statement.
 *
 * @param sql     a string literal: statements are remembered by its address
 * @param format  one letter an argument: i int64_t, u uint32_t, t const char * (NULL: NULL),
 *                b struct bytes as blob, n the same, but NULL if ptr is NULL
 * @return NULL if SQLite refuses. Texts and blobs are copied. The statement is reset when it is
 *         asked for again, or by database_done().
 */
sqlite3_stmt *database_query(struct database *db, const char *sql, const char *format, ...);

/** Next row: 1; no more: 0; error: -1, with SQLite's text in err (SKS_ERROR_STORAGE). */
int database_step(sqlite3_stmt *statement, struct sks_error *err);

/** Resets a statement that was not stepped to its end. */
void database_done(sqlite3_stmt *statement);

/** Runs a statement that gives no rows. */
CHECKED enum sks_status database_run(struct database *db, struct sks_error *err, const char *sql,
                                     const char *format, ...);

/** Column as slice; valid until the next step. */
struct bytes database_bytes(sqlite3_stmt *statement, int column);

/** Column as text, "" for NULL; valid until the next step. */
const char *database_text(sqlite3_stmt *statement, int column);

/** Rows changed by the last statement that was run. */
int database_changes(struct database *db);

/** Number of the row that was inserted last. */
int64_t database_last_row(struct database *db);

/** Reads a row of meta into value (cut at its size, "" if absent). */
CHECKED enum sks_status database_meta(struct database *db, const char *key, char *value,
                                      size_t size, struct sks_error *err);

/** Writes a row of meta; inside or outside a transaction (locked by the caller). */
CHECKED enum sks_status database_set_meta(struct database *db, const char *key, const char *value,
                                          struct sks_error *err);

#endif
