/* The store's backend on SQLite. */
#include "token/store_sqlite.h"

/* Rows of the token: what is in clear is what finding them needs; all of it is bound to the seal.
 */
static const char TABLES[] =
    "CREATE TABLE object ("
    "  kind INTEGER NOT NULL,"
    "  handle INTEGER NOT NULL,"
    "  owner INTEGER NOT NULL,"
    "  refers INTEGER NOT NULL,"
    "  closed INTEGER NOT NULL,"
    "  name BLOB NOT NULL,"
    "  tag BLOB NOT NULL,"
    "  body BLOB NOT NULL,"
    "  PRIMARY KEY (kind, handle)"
    ") WITHOUT ROWID;"
    "CREATE INDEX object_by_state ON object (kind, closed, handle);"
    "CREATE INDEX object_by_owner ON object (owner, kind, handle);"
    "CREATE INDEX object_by_reference ON object (kind, refers, handle) WHERE refers > 0;"
    "CREATE UNIQUE INDEX object_by_name ON object (owner, name) WHERE length(name) > 0;"
    "CREATE INDEX object_by_tag ON object (tag, handle) WHERE length(tag) > 0;"
    "CREATE TABLE last_handle (kind INTEGER PRIMARY KEY, handle INTEGER NOT NULL);";

static const struct database_schema SCHEMA = { .create = TABLES,
                                               .version = 2,
                                               .upgrades = STORE_UPGRADES,
                                               .upgrade_count = STORE_UPGRADES_COUNT,
                                               .version_of = store_version_of };

#define SELECT "SELECT " STORE_COLUMNS " FROM object WHERE "

/* Opens the index of references to a query. Without likely() SQLite takes it for the better bound
 * than the equality beside it, and walks through all that refers to anything. */
#define REFERS "likely(refers > 0)"

static sqlite3_stmt *query(struct database *db, enum store_lookup lookup,
                           const struct store_row *wanted)
{
    switch (lookup) {
    case LOOKUP_HANDLE:
        return database_query(db, SELECT "kind = ? AND handle = ?", "uu", (uint32_t)wanted->kind,
                              wanted->handle);
    case LOOKUP_STATE:
        return database_query(
            db, SELECT "kind = ? AND closed = ? AND handle > ? ORDER BY handle LIMIT 1", "uuu",
            (uint32_t)wanted->kind, (uint32_t)wanted->closed, wanted->handle);
    case LOOKUP_OWNER:
        return database_query(
            db, SELECT "owner = ? AND kind = ? AND handle > ? ORDER BY handle LIMIT 1", "uuu",
            wanted->owner, (uint32_t)wanted->kind, wanted->handle);
    case LOOKUP_NAME:
        return database_query(db, SELECT "owner = ? AND name = ? AND length(name) > 0", "ub",
                              wanted->owner, wanted->name);
    case LOOKUP_REFERS:
        return database_query(db,
                              SELECT "kind = ? AND refers = ? AND handle > ? AND " REFERS
                                     " ORDER BY handle LIMIT 1",
                              "uuu", (uint32_t)wanted->kind, wanted->refers, wanted->handle);
    default:
        return database_query(
            db, SELECT "tag = ? AND handle > ? AND length(tag) > 0 ORDER BY handle LIMIT 1", "bu",
            wanted->tag, wanted->handle);
    }
}

static void read_numbers(sqlite3_stmt *statement, struct store_row *row)
{
    row->kind = (enum store_kind)sqlite3_column_int(statement, 0);
    row->handle = (uint32_t)sqlite3_column_int64(statement, 1);
    row->owner = (uint32_t)sqlite3_column_int64(statement, 2);
    row->refers = (uint32_t)sqlite3_column_int64(statement, 3);
    row->closed = sqlite3_column_int(statement, 4) != 0;
}

enum sks_status store_read_row(sqlite3_stmt *statement, struct arena *arena, struct store_row *row,
                               struct buf *sealed)
{
    read_numbers(statement, row);
    if (arena == NULL)
        return SKS_OK;
    row->name = arena_copy(arena, database_bytes(statement, 5));
    row->tag = arena_copy(arena, database_bytes(statement, 6));
    put_raw(sealed, database_bytes(statement, 7));
    return row->name.ptr == NULL || row->tag.ptr == NULL ? SKS_ERROR_STORAGE : sealed->status;
}

static enum sks_status find(void *self, enum store_lookup lookup, const struct store_row *wanted,
                            struct arena *arena, struct store_row *row, struct buf *sealed,
                            struct sks_error *err)
{
    struct database *db = self;
    sqlite3_stmt *statement;
    enum sks_status rc = SKS_ERROR_STORAGE;
    int got = -1;

    database_lock(db);
    statement = query(db, lookup, wanted);
    if (statement != NULL)
        got = database_step(statement, err);
    if (got >= 0)
        rc = got == 1 ? store_read_row(statement, arena, row, sealed) : SKS_OK;
    database_done(statement);
    database_unlock(db);
    return sks_explain(err, rc);
}

static enum sks_status put_row(struct database *db, const struct store_row *row,
                               struct sks_error *err)
{
    return database_run(
        db, err,
        "INSERT INTO object (kind, handle, owner, refers, closed, name, tag, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, handle) DO UPDATE SET"
        " owner = excluded.owner, refers = excluded.refers, closed = excluded.closed,"
        " name = excluded.name, tag = excluded.tag, body = excluded.body",
        "uuuuubbb", (uint32_t)row->kind, row->handle, row->owner, row->refers,
        (uint32_t)row->closed, row->name, row->tag, row->body);
}

/* Touches no index but that of tags, and that only where there is one. */
static enum sks_status put_content(struct database *db, const struct store_row *row,
                                   struct sks_error *err)
{
    enum sks_status rc =
        database_run(db, err, "UPDATE object SET tag = ?, body = ? WHERE kind = ? AND handle = ?",
                     "bbuu", row->tag, row->body, (uint32_t)row->kind, row->handle);

    REQUIRE(rc != SKS_OK || database_changes(db) == 1, err, SKS_ERROR_INTERNAL,
            "stored object %u of kind %u is gone", row->handle, (unsigned)row->kind);
out:
    return rc;
}

static enum sks_status apply_one(struct database *db, const struct change *change,
                                 struct sks_error *err)
{
    const struct store_row *row = &change->row;

    switch (change->kind) {
    case CHANGE_PUT:
        return put_row(db, row, err);
    case CHANGE_PUT_CONTENT:
        return put_content(db, row, err);
    case CHANGE_DELETE:
        return database_run(db, err, "DELETE FROM object WHERE kind = ? AND handle = ?", "uu",
                            (uint32_t)row->kind, row->handle);
    case CHANGE_DELETE_OWNED:
        return database_run(db, err, "DELETE FROM object WHERE owner = ?", "u", row->owner);
    case CHANGE_COLLECT:
        return database_run(db, err,
                            "DELETE FROM object WHERE kind = ? AND handle = ? AND NOT EXISTS"
                            " (SELECT 1 FROM object AS user WHERE user.kind = ?"
                            " AND user.refers = ? AND " REFERS ")",
                            "uuuu", (uint32_t)row->kind, row->handle, (uint32_t)change->by,
                            row->handle);
    default:
        return database_run(db, err,
                            "DELETE FROM object WHERE kind = ? AND handle = ? AND NOT EXISTS"
                            " (SELECT 1 FROM object AS key WHERE key.owner = ? AND key.kind = ?)",
                            "uuuu", (uint32_t)STORE_SESSION, row->handle, row->handle,
                            (uint32_t)STORE_KEY);
    }
}

/* A change set, and the handles that were given out last. */
struct application {
    const struct change *first;
    const uint32_t *last_handle; /* STORE_KINDS */
};

static enum sks_status apply_all(struct database *db, void *ctx, struct sks_error *err)
{
    const struct application *a = ctx;
    enum sks_status rc = SKS_OK;

    for (const struct change *change = a->first; change != NULL; change = change->next)
        TRY(apply_one(db, change, err));
    for (uint32_t kind = 1; kind < STORE_KINDS; kind++)
        if (a->last_handle[kind] != 0)
            TRY(database_run(db, err,
                             "INSERT INTO last_handle (kind, handle) VALUES (?, ?)"
                             " ON CONFLICT (kind) DO UPDATE SET handle = excluded.handle"
                             " WHERE excluded.handle > last_handle.handle",
                             "uu", kind, a->last_handle[kind]));
out:
    return rc;
}

static enum sks_status apply(void *self, const struct change *first,
                             const uint32_t last_handle[STORE_KINDS], struct sks_error *err)
{
    return database_write(self, apply_all, &(struct application){ first, last_handle }, err);
}

static enum sks_status await_syncs(void *self, struct sks_error *err)
{
    return database_await_syncs(self, err);
}

static enum sks_status last_handles(void *self, uint32_t last_handle[STORE_KINDS],
                                    struct sks_error *err)
{
    struct database *db = self;
    sqlite3_stmt *statement;
    int got = -1;

    database_lock(db);
    statement = database_query(db, "SELECT kind, handle FROM last_handle", "");
    while (statement != NULL && (got = database_step(statement, err)) == 1) {
        int kind = sqlite3_column_int(statement, 0);

        if (kind > 0 && kind < STORE_KINDS)
            last_handle[kind] = (uint32_t)sqlite3_column_int64(statement, 1);
    }
    database_unlock(db);
    return got == 0 ? SKS_OK : sks_explain(err, SKS_ERROR_STORAGE);
}

static enum sks_status limit(void *self, uint64_t bytes, struct sks_error *err)
{
    return database_limit(self, bytes, err);
}

static void close_database(void *self)
{
    database_close(self);
}

/* ---- all rows ---- */

/* What this program wrote; a column has no type of its own in SQLite. */
#define SOUND                                                                                      \
    "(typeof(kind) = 'integer' AND kind BETWEEN 1 AND 255"                                         \
    " AND typeof(handle) = 'integer' AND handle BETWEEN 1 AND 4294967295"                          \
    " AND typeof(owner) = 'integer' AND owner BETWEEN 0 AND 4294967295"                            \
    " AND typeof(refers) = 'integer' AND refers BETWEEN 0 AND 4294967295"                          \
    " AND typeof(closed) = 'integer' AND closed BETWEEN 0 AND 1"                                   \
    " AND typeof(name) = 'blob' AND typeof(tag) = 'blob' AND typeof(body) = 'blob')"

static enum sks_status walk(void *self, row_visitor *visit, void *ctx, struct sks_error *err)
{
    struct database *db = self;
    sqlite3_stmt *statement;
    enum sks_status rc = SKS_OK;
    int got;

    database_lock(db);
    statement = database_query(
        db, "SELECT " STORE_COLUMNS ", " SOUND " FROM object ORDER BY kind, handle", "");
    while (rc == SKS_OK && (got = database_step(statement, err)) != 0) {
        struct store_row row = { 0 };
        struct buf sealed = { 0 };
        struct arena one = { 0 };

        rc = got > 0 ? store_read_row(statement, &one, &row, &sealed) : SKS_ERROR_STORAGE;
        if (rc == SKS_OK) {
            bool sound = sqlite3_column_int(statement, 8) != 0;

            database_unlock(db); /* for the reads of the visitor */
            rc = visit(ctx, &row, sound, buf_bytes(&sealed), &one);
            database_lock(db);
        }
        buf_free(&sealed);
        arena_free(&one);
    }
    database_done(statement);
    database_unlock(db);
    return sks_explain(err, rc);
}

static enum sks_status count_unsound(struct database *db, int64_t *count, struct sks_error *err)
{
    sqlite3_stmt *statement =
        database_query(db, "SELECT count(*) FROM object WHERE NOT " SOUND, "");
    int got = database_step(statement, err);

    *count = got == 1 ? sqlite3_column_int64(statement, 0) : 0;
    database_done(statement);
    return got == 1 ? SKS_OK : SKS_ERROR_STORAGE;
}

/* Rows that are sound come in the order of their handles, so nothing is met twice. */
static enum sks_status rewrite_next(struct database *db, struct store_row *row, bool *more,
                                    row_resealer *reseal, void *ctx, struct sks_error *err)
{
    struct buf sealed = { 0 }, again = { 0 };
    struct arena one = { 0 };
    sqlite3_stmt *statement =
        database_query(db, SELECT "(kind, handle) > (?, ?) ORDER BY kind, handle LIMIT 1", "uu",
                       (uint32_t)row->kind, row->handle);
    int got = database_step(statement, err);
    enum sks_status rc = got < 0 ? SKS_ERROR_STORAGE : SKS_OK;

    *more = got == 1;
    if (*more)
        rc = store_read_row(statement, &one, row, &sealed);
    database_done(statement);
    if (!*more || rc != SKS_OK)
        goto out;
    TRY(reseal(ctx, row, buf_bytes(&sealed), &one, &again, err));
    TRY(database_run(db, err, "UPDATE object SET body = ? WHERE kind = ? AND handle = ?", "buu",
                     buf_bytes(&again), (uint32_t)row->kind, row->handle));
out:
    buf_free(&sealed);
    buf_free(&again);
    arena_free(&one);
    return rc;
}

static enum sks_status rewrite(void *self, row_resealer *reseal, void *ctx, struct sks_error *err)
{
    struct database *db = self;
    struct store_row row = { 0 };
    int64_t unsound;
    bool more = true;
    enum sks_status rc = database_begin(db, err);

    if (rc != SKS_OK)
        return rc;
    TRY(count_unsound(db, &unsound, err));
    REQUIRE(unsound == 0, err, SKS_ERROR_INTERNAL, "%lld rows hold what no row has",
            (long long)unsound);
    while (more)
        TRY(rewrite_next(db, &row, &more, reseal, ctx, err));
    return database_commit(db, err);
out:
    database_rollback(db);
    return sks_explain(err, rc);
}

static enum sks_status copy(void *self, const char *path, struct sks_error *err)
{
    return database_copy(self, path, err);
}

static enum sks_status verify(void *self, void (*found)(void *ctx, const char *text), void *ctx,
                              struct sks_error *err)
{
    return database_verify(self, found, ctx, err);
}

static enum sks_status compact(void *self, struct sks_error *err)
{
    return database_compact(self, err);
}

static const struct store_backend SQLITE = { find,  apply,          await_syncs, last_handles,
                                             limit, close_database, walk,        rewrite,
                                             copy,  verify,         compact };

enum sks_status store_sqlite_open(const char *path, const struct vault *vault,
                                  const struct store_backend **backend, void **self,
                                  struct sks_error *err)
{
    struct database *db = NULL;
    enum sks_status rc;

    *backend = &SQLITE;
    *self = NULL;
    TRY(database_open(path, &SCHEMA, true, vault, &db, err));
    TRY(database_share_syncs(db, 0, err)); /* a short log: it is read whole at the start */
    TRY(database_renew_log(db, err));
    *self = db;
    db = NULL;
out:
    database_close(db);
    return rc;
}
