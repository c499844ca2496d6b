#include "issuer/store_schema.h"
#include "issuer/certificate_store.h"
#include "issuer/invitation_schema.h"
#include "issuer/revocation_schema.h"
#include "issuer/session_store.h"
#include "keygen2/crypto/certificate.h"

/*
 * phase, verdict, state and operation: the numbers of session.h and certificate_store.h. cookie,
 * last_message, fingerprint and device are SHA-256 hashes; device is empty in privacy mode. state
 * of a session is sealed. `place` of an exchange is session.number * CHANGES_MAX + the version that
 * the session had before: one tree in order, without an index; message and answer are NULL where
 * there was none, checks is JSON, [[name, passed, detail], ...]. `owner` is the session that owns
 * the key in the device now, `kmk` the generation of that session's key management key, 0 if it has
 * none. `expires` is the end of the certificate's validity; `external`: it is not by our own CA;
 * `unlockable`: its key was made with a PIN of its own.
 */
#define EXCHANGE_TABLE                                                                             \
    "CREATE TABLE exchange("                                                                       \
    " place INTEGER PRIMARY KEY,"                                                                  \
    " at INTEGER NOT NULL,"                                                                        \
    " message BLOB,"                                                                               \
    " answer BLOB,"                                                                                \
    " checks TEXT NOT NULL);"

#define SESSION_TABLES                                                                             \
    "CREATE TABLE session("                                                                        \
    " number INTEGER PRIMARY KEY,"                                                                 \
    " id TEXT NOT NULL UNIQUE,"                                                                    \
    " cookie BLOB NOT NULL UNIQUE,"                                                                \
    " version INTEGER NOT NULL,"                                                                   \
    " profile TEXT NOT NULL,"                                                                      \
    " issuer_uri TEXT NOT NULL,"                                                                   \
    " tls INTEGER NOT NULL,"                                                                       \
    " started INTEGER NOT NULL,"                                                                   \
    " expires INTEGER NOT NULL,"                                                                   \
    " ended INTEGER NOT NULL,"                                                                     \
    " phase INTEGER NOT NULL,"                                                                     \
    " verdict INTEGER NOT NULL,"                                                                   \
    " cause TEXT NOT NULL,"                                                                        \
    " last_message BLOB NOT NULL,"                                                                 \
    " state BLOB NOT NULL);"                                                                       \
    "CREATE INDEX session_open ON session(expires) WHERE verdict = 0;" EXCHANGE_TABLE

/* Every look-up is by the first columns of an index. */
#define CERTIFICATE_TABLES                                                                         \
    "CREATE TABLE certificate("                                                                    \
    " serial BLOB PRIMARY KEY,"                                                                    \
    " session INTEGER NOT NULL REFERENCES session(number),"                                        \
    " key_id TEXT NOT NULL,"                                                                       \
    " der BLOB NOT NULL,"                                                                          \
    " fingerprint BLOB NOT NULL UNIQUE,"                                                           \
    " device BLOB NOT NULL,"                                                                       \
    " owner INTEGER NOT NULL REFERENCES session(number),"                                          \
    " kmk INTEGER NOT NULL,"                                                                       \
    " state INTEGER NOT NULL,"                                                                     \
    " expires INTEGER NOT NULL DEFAULT 0,"                                                         \
    " external INTEGER NOT NULL DEFAULT 0,"                                                        \
    " unlockable INTEGER NOT NULL DEFAULT 0);"                                                     \
    "CREATE INDEX certificate_session ON certificate(session);"                                    \
    "CREATE INDEX certificate_owner ON certificate(owner);"                                        \
    "CREATE INDEX certificate_device ON certificate(device, state, kmk);"                          \
    "CREATE TABLE post_operation("                                                                 \
    " session INTEGER NOT NULL REFERENCES session(number),"                                        \
    " position INTEGER NOT NULL,"                                                                  \
    " operation INTEGER NOT NULL,"                                                                 \
    " target BLOB NOT NULL REFERENCES certificate(fingerprint),"                                   \
    " kmk INTEGER NOT NULL,"                                                                       \
    " PRIMARY KEY(session, position)) WITHOUT ROWID;"

/*
 * How many sessions have which verdict, counted as they change, whoever changes them. Only
 * statements that name the verdict run the trigger. The index has the few that wait for the
 * operator, or have ended so.
 */
#define TALLY_TABLE                                                                                \
    "CREATE TABLE tally("                                                                          \
    " verdict INTEGER PRIMARY KEY,"                                                                \
    " sessions INTEGER NOT NULL);"                                                                 \
    "INSERT INTO tally VALUES(0, 0), (1, 0), (2, 0), (3, 0);"                                      \
    "UPDATE tally SET sessions ="                                                                  \
    " (SELECT count(*) FROM session s WHERE s.verdict = tally.verdict);"                           \
    "CREATE TRIGGER session_added AFTER INSERT ON session BEGIN"                                   \
    " UPDATE tally SET sessions = sessions + 1 WHERE verdict = new.verdict; END;"                  \
    "CREATE TRIGGER session_gone AFTER DELETE ON session BEGIN"                                    \
    " UPDATE tally SET sessions = sessions - 1 WHERE verdict = old.verdict; END;"                  \
    "CREATE TRIGGER session_changed AFTER UPDATE OF verdict ON session"                            \
    " WHEN old.verdict != new.verdict BEGIN"                                                       \
    " UPDATE tally SET sessions = sessions + CASE verdict WHEN new.verdict THEN 1 ELSE -1 END"     \
    " WHERE verdict IN (old.verdict, new.verdict); END;"                                           \
    "CREATE INDEX session_waits ON session(phase, verdict) WHERE phase >= 6;"

/*
 * For store_purge.c. `rest` is NULL while a session has its evidence; then 0 while something needs
 * the rest of it, else the time from which on it is to be looked at once more. The triggers tell
 * that something which was needed may be so no longer. From `ended` on an invitation lets nobody in
 * any more: its `expires`, or the last use or the withdrawal before.
 */
#define PURGE_SCHEMA                                                                               \
    "ALTER TABLE session ADD COLUMN rest INTEGER;"                                                 \
    "CREATE INDEX session_ended ON session(ended) WHERE rest IS NULL AND verdict IN (1, 2);"       \
    "CREATE INDEX session_rest ON session(rest) WHERE rest > 0;"                                   \
    "CREATE INDEX post_operation_target ON post_operation(target);"                                \
    "CREATE TRIGGER certificate_changed AFTER UPDATE OF state, owner ON certificate"               \
    " WHEN NEW.state > 1 OR NEW.owner <> OLD.owner BEGIN"                                          \
    " UPDATE session SET rest = 1 WHERE rest = 0 AND number IN (OLD.session, OLD.owner); END;"     \
    "CREATE TRIGGER certificate_gone AFTER DELETE ON certificate BEGIN"                            \
    " UPDATE session SET rest = 1 WHERE rest = 0 AND number = OLD.owner; END;"                     \
    "CREATE TRIGGER post_operation_gone AFTER DELETE ON post_operation BEGIN"                      \
    " UPDATE session SET rest = 1 WHERE rest = 0 AND number ="                                     \
    " (SELECT session FROM certificate WHERE fingerprint = OLD.target); END;"                      \
    "ALTER TABLE invitation ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;"                          \
    "UPDATE invitation SET ended = CASE WHEN used < uses AND withdrawn = 0 THEN expires"           \
    " ELSE min(expires, CAST(strftime('%s', 'now') AS INTEGER)) END;"                              \
    "CREATE INDEX invitation_ended ON invitation(ended);"

/* ---- from version 1: certificates do not know their devices ---- */

_Static_assert(VERDICT_SUCCEEDED == 1 && VERDICT_FAILED == 2, "numbers that version 1 stored");
_Static_assert(VERDICT_IN_DOUBT == 3 && PHASE_PENDING == 6, "numbers that stand in the SQL");

static enum certificate_state state_of(uint32_t verdict)
{
    return verdict == VERDICT_SUCCEEDED ? CERTIFICATE_LIVE
           : verdict == VERDICT_FAILED  ? CERTIFICATE_VOID
                                        : CERTIFICATE_IN_DOUBT;
}

static enum sks_status convert_certificate(struct database *db, const struct session_store *store,
                                           sqlite3_stmt *row, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct session session = { .number = sqlite3_column_int64(row, 1) };
    struct issued_certificate certificate = {
        .serial = database_bytes(row, 0),
        .key_id = database_bytes(row, 2),
        .der = database_bytes(row, 3),
        .state = state_of((uint32_t)sqlite3_column_int(row, 5)),
    };
    enum sks_status rc = SKS_ERROR_STORAGE;

    session.id = arena_text(&arena, bytes_of(database_text(row, 4)));
    session.issuer_uri = "";
    REQUIRE(session.id != NULL, err, SKS_ERROR_STORAGE, "no memory for a session");
    TRY(session_store_open_state(store, database_bytes(row, 6), &arena, &session, err));
    session.state.kmk_generation = session.state.terms.key_management_key.len > 0;
    TRY(certificate_insert(db, &session, &certificate, err));
out:
    arena_free(&arena);
    return rc;
}

static enum sks_status convert_certificates(struct database *db, const void *ctx,
                                            struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db,
        "SELECT c.serial, c.session, c.key_id, c.der, s.id, s.verdict, s.state"
        " FROM old_certificate c JOIN session s ON s.number = c.session ORDER BY c.session",
        "");
    int step;
    enum sks_status rc = SKS_OK;

    while ((step = database_step(row, err)) > 0)
        TRY(convert_certificate(db, ctx, row, err));
    if (step < 0)
        return SKS_ERROR_STORAGE;
    TRY(database_run(db, err, "DROP TABLE old_certificate", ""));
out:
    database_done(row);
    return rc;
}

/* ---- from version 2: a row for each message and each check ---- */

_Static_assert(CHANGES_MAX == 65536, "a number that stands in the SQL");

/* Of 1048576 places a session had 4096 for each change: its messages, and in another table its
 * checks. */
static const char JOIN_EXCHANGES[] = EXCHANGE_TABLE
    "INSERT INTO exchange(place, at, message, answer, checks)"
    " SELECT (place >> 20) * 65536 + ((place & 1048575) >> 12), max(at),"
    "  max(CASE incoming WHEN 1 THEN body END), max(CASE incoming WHEN 0 THEN body END), '[]'"
    "  FROM message GROUP BY place >> 12;"
    "INSERT INTO exchange(place, at, checks)"
    " SELECT (v.place >> 20) * 65536 + ((v.place & 1048575) >> 12), s.ended,"
    "  json_group_array(json_array(v.name, v.passed, v.detail))"
    "  FROM (SELECT * FROM verification ORDER BY place) v"
    "  JOIN session s ON s.number = v.place >> 20"
    "  GROUP BY v.place >> 12"
    "  ON CONFLICT(place) DO UPDATE SET checks = excluded.checks;"
    "DROP TABLE message; DROP TABLE verification;";

/* ---- from version 7: who was confirmed by a later session stayed in doubt ---- */

#define CONFIRMED_BY "'no closing proof came, but its certificates were confirmed by session '"

static const char SETTLE_CONFIRMED[] =
    "INSERT INTO exchange(place, at, checks)"
    " SELECT number * 65536 + version, ended, json_array(json_array('confirmation', 1,"
    "  'by session ' || substr(cause, length(" CONFIRMED_BY ") + 1)))"
    "  FROM session WHERE verdict = 3 AND version < 65536"
    "  AND substr(cause, 1, length(" CONFIRMED_BY ")) = " CONFIRMED_BY ";"
    "UPDATE session SET version = version + 1, verdict = 1, cause = ''"
    " WHERE verdict = 3 AND version < 65536"
    " AND substr(cause, 1, length(" CONFIRMED_BY ")) = " CONFIRMED_BY ";";

static const struct database_upgrade UPGRADES[] = {
    { 1,
      "ALTER TABLE certificate RENAME TO old_certificate;"
      "DROP INDEX certificate_session;" CERTIFICATE_TABLES,
      convert_certificates },
    { 2, JOIN_EXCHANGES, NULL },
    { 3, REVOCATION_TABLES, revocation_upgrade },
    { 4, TALLY_TABLE, NULL },
    { 5, INVITATION_TABLES, NULL },
    { 6, PURGE_SCHEMA, NULL },
    { 7, SETTLE_CONFIRMED, NULL },
};

/* A session changes some forty pages, most of them of indexes: small ones are less to write. */
const struct database_schema STORE_SCHEMA = {
    .create = SESSION_TABLES CERTIFICATE_TABLES REVOCATION_TABLES,
    .more = TALLY_TABLE INVITATION_TABLES PURGE_SCHEMA,
    .version = 8,
    .upgrades = UPGRADES,
    .upgrade_count = NITEMS(UPGRADES),
    .page_size = "PRAGMA page_size=2048",
};
