#include "issuer/revocation.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"

#include <string.h>

const struct name NAMES_REVOCATION_REASON[] = {
    { "unspecified", REASON_UNSPECIFIED },
    { "keyCompromise", REASON_KEY_COMPROMISE },
    { "affiliationChanged", REASON_AFFILIATION_CHANGED },
    { "superseded", REASON_SUPERSEDED },
    { "cessationOfOperation", REASON_CESSATION_OF_OPERATION },
    { "certificateHold", REASON_HOLD },
    { "privilegeWithdrawn", REASON_PRIVILEGE_WITHDRAWN },
    { NULL, 0 },
};

const struct name NAMES_REVOCATION_ORIGIN[] = {
    { "in doubt", REVOCATION_IN_DOUBT },
    { "failed", REVOCATION_FAILED },
    { "operator", REVOCATION_OPERATOR },
    { NULL, 0 },
};

_Static_assert(REASON_CESSATION_OF_OPERATION == 5 && REASON_HOLD == 6 && REVOCATION_IN_DOUBT == 0 &&
                   REVOCATION_FAILED == 1 && CERTIFICATE_IN_DOUBT == 0 && CERTIFICATE_VOID == 4 &&
                   VERDICT_IN_DOUBT == 3,
               "numbers that stand in the SQL, here and in revocation_schema.h");

/* ---- the operator ---- */

struct target {
    struct bytes serial;
    bool revoked, external;
    uint8_t reason, origin;
};

struct targets {
    struct target *item;
    size_t count, room;
};

static enum sks_status add_target(struct arena *arena, struct targets *targets, sqlite3_stmt *row,
                                  struct sks_error *err)
{
    struct target *more;

    if (targets->count == targets->room) {
        targets->room = targets->room == 0 ? 8 : 2 * targets->room;
        more = arena_alloc(arena, targets->room, sizeof *more);
        if (more == NULL)
            return sks_fail(err, SKS_ERROR_STORAGE, "no memory for the certificates");
        if (targets->count > 0)
            memcpy(more, targets->item, targets->count * sizeof *more);
        targets->item = more;
    }
    targets->item[targets->count] = (struct target){
        .serial = arena_copy(arena, database_bytes(row, 0)),
        .external = sqlite3_column_int(row, 1) != 0,
        .revoked = sqlite3_column_type(row, 2) != SQLITE_NULL,
        .reason = (uint8_t)sqlite3_column_int(row, 2),
        .origin = (uint8_t)sqlite3_column_int(row, 3),
    };
    return targets->item[targets->count++].serial.ptr == NULL
               ? sks_fail(err, SKS_ERROR_STORAGE, "no memory for the certificates")
               : SKS_OK;
}

#define TARGETS                                                                                    \
    "SELECT c.serial, c.external, r.reason, r.origin FROM certificate c"                           \
    " LEFT JOIN revocation r ON r.serial = c.serial"

static enum sks_status find_targets(struct database *db, const struct revocation_wish *wish,
                                    struct arena *arena, struct targets *targets,
                                    struct sks_error *err)
{
    sqlite3_stmt *row =
        wish->session != NULL
            ? database_query(db,
                             TARGETS " WHERE c.session = (SELECT number FROM session WHERE id = ?)",
                             "t", wish->session)
            : database_query(db, TARGETS " WHERE c.serial = ?", "b", wish->serial);
    int step;
    enum sks_status rc = SKS_OK;

    while ((step = database_step(row, err)) > 0)
        TRY(add_target(arena, targets, row, err));
    REQUIRE(step == 0, err, SKS_ERROR_STORAGE, "the certificates cannot be read");
    REQUIRE(targets->count > 0, err, SKS_ERROR_NO_KEY,
            wish->session != NULL ? "there is no certificate of such a session"
                                  : "there is no certificate with this serial number");
out:
    database_done(row);
    return rc;
}

static enum sks_status refuse(const struct target *target, const char *why, struct sks_error *err)
{
    struct buf hex = { 0 };

    hex_encode(&hex, target->serial);
    (void)sks_fail(err, SKS_ERROR_NOT_ALLOWED, "certificate %.*s: %s", (int)hex.len,
                   (const char *)hex.ptr, why);
    buf_free(&hex);
    return SKS_ERROR_NOT_ALLOWED;
}

static enum sks_status release(struct database *db, const struct target *target, bool *changed,
                               struct sks_error *err)
{
    enum sks_status rc;

    if (!target->revoked)
        return SKS_OK;
    if (target->reason != REASON_HOLD)
        return refuse(target, "is revoked, which cannot be taken back", err);
    if (target->origin != REVOCATION_OPERATOR)
        return refuse(target,
                      "is on hold because its session is in doubt: only a proof settles that, or"
                      " revocation",
                      err);
    TRY(database_run(db, err, "DELETE FROM revocation WHERE serial = ?", "b", target->serial));
    /* Under the operator's hold there may have been one for doubt. */
    TRY(database_run(db, err,
                     "INSERT INTO revocation(serial, at, reason, origin, expires, external)"
                     " SELECT c.serial, s.ended, 6, 0, c.expires, c.external FROM certificate c"
                     " JOIN session s ON s.number = c.session"
                     " WHERE c.serial = ? AND c.state = 0 AND s.verdict = 3",
                     "b", target->serial));
    *changed = true;
out:
    return rc;
}

static enum sks_status revoke(struct database *db, const struct target *target,
                              enum revocation_reason reason, bool *changed, struct sks_error *err)
{
    bool final = target->revoked && target->reason != REASON_HOLD;

    if (final && reason == REASON_HOLD)
        return refuse(target, "is revoked, which cannot be turned into a hold", err);
    *changed = !final && !(target->revoked && target->origin == REVOCATION_OPERATOR &&
                           target->reason == reason);
    return !*changed ? SKS_OK
                     : database_run(db, err,
                                    "INSERT OR REPLACE INTO revocation(serial, at, reason, origin,"
                                    " expires, external)"
                                    " SELECT serial, ?, ?, ?, expires, external FROM certificate"
                                    " WHERE serial = ?",
                                    "iuub", clock_now(), (uint32_t)reason,
                                    (uint32_t)REVOCATION_OPERATOR, target->serial);
}

static enum sks_status apply_all(struct database *db, const struct revocation_wish *wish,
                                 struct arena *arena, size_t *changed, size_t *external,
                                 struct sks_error *err)
{
    struct targets targets = { 0 };
    enum sks_status rc;

    TRY(find_targets(db, wish, arena, &targets, err));
    for (size_t i = 0; i < targets.count; i++) {
        bool now = false;

        TRY(wish->release ? release(db, &targets.item[i], &now, err)
                          : revoke(db, &targets.item[i], wish->reason, &now, err));
        *changed += now;
        *external += targets.item[i].external;
    }
out:
    return rc;
}

/* All of a session in doubt is revoked: nothing of it can count any more. */
static enum sks_status end_doubt(struct session_store *store, const char *id, struct arena *arena,
                                 struct sks_error *err)
{
    const struct check check = { "revocation", "by the operator", true };
    const struct change change = { .check = &check, .checks = 1 };
    struct session session;
    bool found, won;
    enum sks_status rc;

    TRY(session_store_find_by_id(store, id, arena, &session, &found, err));
    if (!found || session.verdict != VERDICT_IN_DOUBT)
        goto out;
    session.verdict = VERDICT_FAILED;
    session.cause = "revoked by the operator";
    TRY(session_store_save(store, &session, &change, &won, err));
    REQUIRE(won, err, SKS_ERROR_NOT_ALLOWED,
            "session %s changed meanwhile; its certificates are revoked", id);
out:
    return rc;
}

enum sks_status revocation_apply(struct session_store *store, const struct revocation_wish *wish,
                                 size_t *changed, size_t *external, struct sks_error *err)
{
    struct arena arena = { 0 };
    enum sks_status rc;

    *changed = *external = 0;
    TRY(session_store_expire(store, clock_now(), err));
    TRY(database_begin(store->db, err));
    rc = apply_all(store->db, wish, &arena, changed, external, err);
    rc = database_end(store->db, rc, err);
    TRY(rc);
    if (wish->session != NULL && !wish->release && wish->reason != REASON_HOLD)
        TRY(end_doubt(store, wish->session, &arena, err));
out:
    arena_free(&arena);
    return rc;
}

/* ---- for the CRL ---- */

enum sks_status revocation_revision(struct session_store *store, int64_t *revision,
                                    struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = database_query(store->db, "SELECT revision FROM crl", "");
    step = database_step(row, err);
    if (step > 0)
        *revision = sqlite3_column_int64(row, 0);
    database_done(row);
    if (database_unlock_read(store->db, err) != SKS_OK)
        return SKS_ERROR_STORAGE;
    return step > 0 ? SKS_OK : sks_fail(err, SKS_ERROR_STORAGE, "the CRL's number is missing");
}

/* At least the time: so it grows even behind a database that was restored from a backup. */
static enum sks_status draw_number(struct database *db, int64_t *number, int64_t *revision,
                                   struct sks_error *err)
{
    sqlite3_stmt *row =
        database_query(db, "UPDATE crl SET number = max(number + 1, ?) RETURNING number, revision",
                       "i", clock_now());
    int step = database_step(row, err);

    if (step > 0) {
        *number = sqlite3_column_int64(row, 0);
        *revision = sqlite3_column_int64(row, 1);
    }
    database_done(row);
    return step > 0 ? SKS_OK : sks_fail(err, SKS_ERROR_STORAGE, "the CRL's number is missing");
}

static enum sks_status read_entries(struct database *db, int64_t since,
                                    void (*each)(void *ctx, const struct crl_entry *entry),
                                    void *ctx, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db, "SELECT serial, at, reason FROM revocation WHERE external = 0 AND expires >= ?", "i",
        since);
    int step;

    while ((step = database_step(row, err)) > 0) {
        const struct crl_entry entry = { database_bytes(row, 0), sqlite3_column_int64(row, 1),
                                         (uint8_t)sqlite3_column_int(row, 2) };

        each(ctx, &entry);
    }
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status revocation_entries(struct session_store *store, int64_t since,
                                   void (*each)(void *ctx, const struct crl_entry *entry),
                                   void *ctx, int64_t *number, int64_t *revision,
                                   struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_begin(store->db, err));
    rc = draw_number(store->db, number, revision, err);
    if (rc == SKS_OK)
        rc = read_entries(store->db, since, each, ctx, err);
    rc = database_end(store->db, rc, err);
out:
    return rc;
}

/* ---- export ---- */

#define EXPORT                                                                                     \
    "SELECT c.serial, c.key_id, c.der, c.fingerprint, c.device, s.id, c.state, c.expires,"         \
    " c.external, s.profile, r.at, r.reason, r.origin FROM certificate c"                          \
    " JOIN session s ON s.number = c.session LEFT JOIN revocation r ON r.serial = c.serial"

static void read_exported(sqlite3_stmt *row, struct exported_certificate *c)
{
    struct bytes fingerprint = database_bytes(row, 3);

    *c = (struct exported_certificate){
        .issued = { .serial = database_bytes(row, 0),
                    .key_id = database_bytes(row, 1),
                    .der = database_bytes(row, 2),
                    .device = database_bytes(row, 4),
                    .session_id = database_text(row, 5),
                    .state = (enum certificate_state)sqlite3_column_int(row, 6),
                    .expires = sqlite3_column_int64(row, 7),
                    .external = sqlite3_column_int(row, 8) != 0 },
        .profile = database_text(row, 9),
        .revoked = sqlite3_column_type(row, 10) != SQLITE_NULL,
        .at = sqlite3_column_int64(row, 10),
        .reason = (uint8_t)sqlite3_column_int(row, 11),
        .origin = (uint8_t)sqlite3_column_int(row, 12),
    };
    if (fingerprint.len == sizeof c->issued.fingerprint)
        memcpy(c->issued.fingerprint, fingerprint.ptr, fingerprint.len);
}

enum sks_status revocation_export(struct session_store *store, const char *session,
                                  void (*each)(void *ctx, const struct exported_certificate *c),
                                  void *ctx, struct sks_error *err)
{
    struct exported_certificate certificate;
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = session == NULL
              ? database_query(store->db, EXPORT " ORDER BY c.session, c.rowid", "")
              : database_query(store->db, EXPORT " WHERE s.id = ? ORDER BY c.rowid", "t", session);
    while ((step = database_step(row, err)) > 0) {
        read_exported(row, &certificate);
        each(ctx, &certificate);
    }
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}
