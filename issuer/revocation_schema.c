#include "issuer/revocation_schema.h"
#include "keygen2/crypto/certificate.h"

/* The step from version 1 makes certificates that have these columns already. */
static enum sks_status add_columns(struct database *db, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db, "SELECT count(*) FROM pragma_table_info('certificate') WHERE name = 'expires'", "");
    int step = database_step(row, err);
    bool there = step > 0 && sqlite3_column_int(row, 0) > 0;
    enum sks_status rc = step > 0 ? SKS_OK : SKS_ERROR_STORAGE;

    database_done(row);
    if (rc != SKS_OK || there)
        return rc;
    TRY(database_run(db, err,
                     "ALTER TABLE certificate ADD COLUMN expires INTEGER NOT NULL DEFAULT 0", ""));
    TRY(database_run(db, err,
                     "ALTER TABLE certificate ADD COLUMN external INTEGER NOT NULL DEFAULT 0", ""));
    TRY(database_run(
        db, err, "ALTER TABLE certificate ADD COLUMN unlockable INTEGER NOT NULL DEFAULT 0", ""));
out:
    return rc;
}

/* A certificate of our own that does not decode never leaves the CRL. */
static int64_t end_of(struct bytes der)
{
    X509 *certificate = NULL;
    int64_t end = INT64_MAX;

    if (certificate_parse(der, &certificate) == SKS_OK)
        end = certificate_seconds(X509_get0_notAfter(certificate));
    X509_free(certificate);
    return end;
}

static enum sks_status fill_expires(struct database *db, struct sks_error *err)
{
    int64_t number = 0, end = 0;
    enum sks_status rc = SKS_OK;

    for (;;) {
        sqlite3_stmt *row = database_query(
            db, "SELECT rowid, der FROM certificate WHERE rowid > ? ORDER BY rowid LIMIT 1", "i",
            number);
        int step = database_step(row, err);

        if (step > 0) {
            number = sqlite3_column_int64(row, 0);
            end = end_of(database_bytes(row, 1));
        }
        database_done(row);
        if (step <= 0)
            return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
        TRY(database_run(db, err, "UPDATE certificate SET expires = ? WHERE rowid = ?", "ii", end,
                         number));
    }
out:
    return rc;
}

enum sks_status revocation_upgrade(struct database *db, const void *ctx, struct sks_error *err)
{
    enum sks_status rc;

    (void)ctx;
    TRY(add_columns(db, err));
    TRY(fill_expires(db, err));
    TRY(database_run(db, err,
                     "INSERT INTO revocation(serial, at, reason, origin, expires, external)"
                     " SELECT c.serial, s.ended, CASE c.state WHEN 4 THEN 5 ELSE 6 END,"
                     " CASE c.state WHEN 4 THEN 1 ELSE 0 END, c.expires, c.external"
                     " FROM certificate c JOIN session s ON s.number = c.session"
                     " WHERE c.state = 4 OR (c.state = 0 AND s.verdict = 3)",
                     ""));
out:
    return rc;
}
