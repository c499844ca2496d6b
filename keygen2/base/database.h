/* SQLite, opened the way this project wants it: WAL, every commit synced, a schema version. */
#ifndef KEYGEN2_BASE_DATABASE_H
#define KEYGEN2_BASE_DATABASE_H

#include "keygen2/base/bytes.h"

#include <sqlite3.h>

struct database;

/**
 * Opens or creates a database.
 *
 * @param path       file; ":memory:" for none
 * @param schema     statements that create the tables of an empty database; a table meta(key,
 * value) with the row schema_version is made here
 * @param version    schema version that this program understands
 * @param exclusive  keep the file to this process (faster); else other processes may read
 * @return SKS_ERROR_EXTERNAL if it cannot be opened, SKS_ERROR_NOT_AVAILABLE for another schema
 *         version, with the text in err
 */
CHECKED enum sks_status database_open(const char *path, const char *schema, unsigned version,
                                      bool exclusive, struct database **db, struct sks_error *err);

/** Limits the file to about that many bytes: what goes beyond fails with SKS_ERROR_STORAGE. */
CHECKED enum sks_status database_limit(struct database *db, uint64_t bytes, struct sks_error *err);

/** NULL is allowed. */
void database_close(struct database *db);

/* One thread at a time has the connection: from lock to unlock, or from begin to commit or
 * rollback. Keep cryptography and I/O out of it. */
void database_lock(struct database *db);
void database_unlock(struct database *db);

/** Locks and begins a transaction. On failure nothing is locked. */
CHECKED enum sks_status database_begin(struct database *db, struct sks_error *err);

/** Commits durably and unlocks; rolls back and unlocks if that fails (SKS_ERROR_STORAGE). */
CHECKED enum sks_status database_commit(struct database *db, struct sks_error *err);

void database_rollback(struct database *db); /* and unlock */

/**
 * Prepares (once per text) and binds a statement.
 *
 * @param sql     a string literal: statements are remembered by its address
 * @param format  one letter an argument: i int64_t, u uint32_t, t const char * (NULL: NULL),
 *                b struct bytes as blob
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

/** Reads a row of meta into value (cut at its size, "" if absent). */
CHECKED enum sks_status database_meta(struct database *db, const char *key, char *value,
                                      size_t size, struct sks_error *err);

/** Writes a row of meta; inside or outside a transaction (locked by the caller). */
CHECKED enum sks_status database_set_meta(struct database *db, const char *key, const char *value,
                                          struct sks_error *err);

#endif
