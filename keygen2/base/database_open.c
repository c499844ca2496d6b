/* How a database is opened, and how one of an older version is brought up to date. */
#include "keygen2/base/database_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 10000 };

enum sks_status database_execute(struct database *db, const char *sql, struct sks_error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_EXTERNAL, "database: %s", sqlite3_errmsg(db->handle));
}

/* Only a new file is opened here: to close one that SQLite has open would drop its locks. */
enum sks_status database_make_file(const char *path, bool fresh, struct sks_error *err)
{
    int fd;

    if (strcmp(path, ":memory:") == 0)
        return SKS_OK;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, DATABASE_FILE_MODE);
    if (fd < 0 && (fresh || errno != EEXIST))
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return SKS_OK;
}

/* Nobody asks SQLite how much memory it has: that is counted under one lock, at each allocation. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum sks_status open_handle(struct database *db, const char *path, bool exclusive,
                                   struct sks_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    enum sks_status rc;

    (void)pthread_once(&configured, configure);
    TRY(database_make_file(path, false, err));
    REQUIRE(sqlite3_open_v2(path, &db->handle, flags, database_file_system()) == SQLITE_OK, err,
            SKS_ERROR_EXTERNAL, "%s",
            db->handle == NULL ? "no memory" : sqlite3_errmsg(db->handle));
    database_file_forget_what_fails(db->handle);
    (void)sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    TRY(database_execute(db,
                         "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
                         "PRAGMA temp_store=MEMORY;",
                         err)); /* nothing is written elsewhere */
    if (exclusive) /* before anything is read, so that WAL needs no shared memory file */
        TRY(database_execute(db, "PRAGMA locking_mode=EXCLUSIVE;", err));
out:
    return rc;
}

static enum sks_status is_empty(struct database *db, bool *empty, struct sks_error *err)
{
    sqlite3_stmt *statement = database_query(db, "SELECT 1 FROM sqlite_master LIMIT 1", "");
    int found = database_step(statement, err);

    database_done(statement);
    *empty = found == 0;
    if (found < 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", sqlite3_errmsg(db->handle));
    return SKS_OK;
}

/* ---- schema and versions ---- */

static enum sks_status read_version(struct database *db, const struct database_schema *schema,
                                    unsigned *version, struct sks_error *err)
{
    char text[32] = "", *end = text;
    enum sks_status rc;

    rc = database_meta(db, "schema_version", text, sizeof text, NULL);
    if (rc != SKS_OK && sqlite3_errcode(db->handle) != SQLITE_ERROR) /* that is: no such table */
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s", sqlite3_errmsg(db->handle));
    errno = 0;
    *version = (unsigned)strtoul(text, &end, 10);
    REQUIRE(rc == SKS_OK && text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0, err,
            SKS_ERROR_NOT_AVAILABLE, "no schema version, not one of this program");
    if (schema->version_of != NULL)
        *version = schema->version_of(db, *version);
    REQUIRE(*version <= schema->version, err, SKS_ERROR_NOT_AVAILABLE,
            "schema version %u, this program knows %u: a newer program wrote it", *version,
            schema->version);
out:
    return rc;
}

static enum sks_status write_version(struct database *db, unsigned version, struct sks_error *err)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%u", version);
    return database_set_meta(db, "schema_version", text, err);
}

static enum sks_status create_schema(struct database *db, const struct database_schema *schema,
                                     struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_execute(
        db, "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID", err));
    TRY(database_execute(db, schema->create, err));
    if (schema->more != NULL)
        TRY(database_execute(db, schema->more, err));
    TRY(write_version(db, schema->version, err));
out:
    return rc;
}

static enum sks_status upgrade_by_one(struct database *db, const struct database_schema *schema,
                                      const void *ctx, unsigned version, struct sks_error *err)
{
    const struct database_upgrade *step = NULL;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < schema->upgrade_count; i++)
        if (schema->upgrades[i].from == version)
            step = &schema->upgrades[i];
    REQUIRE(step != NULL, err, SKS_ERROR_NOT_AVAILABLE,
            "schema version %u, which this program cannot upgrade", version);
    if (step->sql != NULL)
        TRY(database_execute(db, step->sql, err));
    if (step->run != NULL)
        TRY(step->run(db, ctx, err));
out:
    return rc;
}

/* An empty database gets its tables, an older one is upgraded. */
static enum sks_status make_current(struct database *db, const struct database_schema *schema,
                                    const void *ctx, struct sks_error *err)
{
    unsigned version;
    bool empty;
    enum sks_status rc;

    TRY(is_empty(db, &empty, err));
    if (empty)
        return create_schema(db, schema, err);
    TRY(read_version(db, schema, &version, err));
    if (version == schema->version)
        return SKS_OK;
    for (; version < schema->version; version++)
        TRY(upgrade_by_one(db, schema, ctx, version, err));
    TRY(write_version(db, version, err));
out:
    return rc;
}

static enum sks_status prepare_file(struct database *db, const struct database_schema *schema,
                                    const void *ctx, struct sks_error *err)
{
    unsigned version = 0;
    bool empty;
    enum sks_status rc;

    TRY(is_empty(db, &empty, err));
    if (!empty)
        TRY(read_version(db, schema, &version, err)); /* before anything is changed in the file */
    if (empty && schema->page_size != NULL)
        TRY(database_execute(db, schema->page_size, err));
    TRY(database_execute(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", err));
    if (!empty && version == schema->version)
        goto out;
    /* All or nothing: of two processes that come at once, one does it, one finds it done. */
    TRY(database_begin(db, err));
    rc = make_current(db, schema, ctx, err);
    rc = database_end(db, rc, err);
out:
    return rc;
}

static enum sks_status open_database(struct database *db, const char *path,
                                     const struct database_schema *schema, bool exclusive,
                                     const void *ctx, struct sks_error *err)
{
    enum sks_status rc;

    TRY(open_handle(db, path, exclusive, err));
    TRY(prepare_file(db, schema, ctx, err));
    REQUIRE(database_prepare_transactions(db), err, SKS_ERROR_EXTERNAL, "%s",
            sqlite3_errmsg(db->handle));
out:
    return rc;
}

enum sks_status database_open(const char *path, const struct database_schema *schema,
                              bool exclusive, const void *ctx, struct database **out,
                              struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct database *db = calloc(1, sizeof *db);
    enum sks_status rc;

    *out = NULL;
    if (db == NULL)
        return sks_explain(err, SKS_ERROR_STORAGE);
    (void)pthread_mutex_init(&db->mutex, NULL);
    database_log_init(&db->log);
    database_joint_init(&db->joint);
    rc = open_database(db, path, schema, exclusive, ctx, &why);
    if (rc == SKS_OK) {
        *out = db;
        return SKS_OK;
    }
    if (rc == SKS_ERROR_STORAGE)
        rc = SKS_ERROR_EXTERNAL;
    if (!database_blame(db->handle, path, rc, err))
        (void)sks_fail(err, rc, "%s: %s", path, why.text);
    database_close(db);
    return rc;
}

void database_close(struct database *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < CACHE_SIZE; i++)
        (void)sqlite3_finalize(db->cache[i].statement);
    if (atomic_load(&db->log.broken)) /* who opens it next looks at what of the log is sound */
        (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(db->handle);
    database_joint_close(&db->joint);
    database_log_close(&db->log);
    (void)pthread_mutex_destroy(&db->mutex);
    free(db);
}
