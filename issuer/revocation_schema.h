/* The tables of revocation, and how a database without them gets them. */
#ifndef ISSUER_REVOCATION_SCHEMA_H
#define ISSUER_REVOCATION_SCHEMA_H

#include "keygen2/base/database.h"

/*
 * A row of `revocation` is one entry of the CRL: reason as RFC 5280 numbers them, origin as
 * revocation.h does; expires and external are the certificate's own. What becomes of sessions and
 * certificates gets there by triggers, so that it is in the same transaction whoever changes them:
 * verdict 3 is "in doubt", state 0 "in doubt", 4 "void"; reason 6 is certificateHold, 5
 * cessationOfOperation. `crl` has one row: the number of the last CRL, and a revision that every
 * change of the entries steps. `enrolment` is what is known of the person or thing behind a
 * session.
 */
#define REVOCATION_TABLES                                                                          \
    "CREATE TABLE enrolment("                                                                      \
    " session INTEGER NOT NULL REFERENCES session(number) ON DELETE CASCADE,"                      \
    " name TEXT NOT NULL,"                                                                         \
    " value TEXT NOT NULL,"                                                                        \
    " PRIMARY KEY(session, name)) WITHOUT ROWID;"                                                  \
    "CREATE TABLE revocation("                                                                     \
    " serial BLOB PRIMARY KEY,"                                                                    \
    " at INTEGER NOT NULL,"                                                                        \
    " reason INTEGER NOT NULL,"                                                                    \
    " origin INTEGER NOT NULL,"                                                                    \
    " expires INTEGER NOT NULL,"                                                                   \
    " external INTEGER NOT NULL) WITHOUT ROWID;"                                                   \
    "CREATE TABLE crl("                                                                            \
    " id INTEGER PRIMARY KEY CHECK(id = 0),"                                                       \
    " number INTEGER NOT NULL,"                                                                    \
    " revision INTEGER NOT NULL);"                                                                 \
    "INSERT INTO crl(id, number, revision) VALUES(0, 0, 0);"                                       \
    "CREATE TRIGGER revocation_added AFTER INSERT ON revocation BEGIN"                             \
    " UPDATE crl SET revision = revision + 1; END;"                                                \
    "CREATE TRIGGER revocation_changed AFTER UPDATE ON revocation BEGIN"                           \
    " UPDATE crl SET revision = revision + 1; END;"                                                \
    "CREATE TRIGGER revocation_removed AFTER DELETE ON revocation BEGIN"                           \
    " UPDATE crl SET revision = revision + 1; END;"                                                \
    "CREATE TRIGGER session_in_doubt AFTER UPDATE OF verdict ON session"                           \
    " WHEN NEW.verdict = 3 AND OLD.verdict <> 3 BEGIN"                                             \
    " INSERT OR IGNORE INTO revocation(serial, at, reason, origin, expires, external)"             \
    " SELECT serial, NEW.ended, 6, 0, expires, external FROM certificate"                          \
    " WHERE session = NEW.number AND state = 0; END;"                                              \
    "CREATE TRIGGER certificate_settled AFTER UPDATE OF state ON certificate"                      \
    " WHEN OLD.state = 0 AND NEW.state IN (1, 2, 3) BEGIN"                                         \
    " DELETE FROM revocation WHERE serial = NEW.serial AND origin = 0; END;"                       \
    "CREATE TRIGGER certificate_void AFTER UPDATE OF state ON certificate"                         \
    " WHEN NEW.state = 4 AND OLD.state <> 4 BEGIN"                                                 \
    " INSERT INTO revocation(serial, at, reason, origin, expires, external)"                       \
    " VALUES(NEW.serial, CAST(strftime('%s', 'now') AS INTEGER), 5, 1, NEW.expires, NEW.external)" \
    " ON CONFLICT(serial) DO UPDATE SET at = excluded.at, reason = 5, origin = 1"                  \
    " WHERE reason = 6; END;"

/** Gives the certificates what they lack, and the CRL what should be in it. As a step's run(). */
CHECKED enum sks_status revocation_upgrade(struct database *db, const void *ctx,
                                           struct sks_error *err);

#endif
