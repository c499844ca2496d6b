#include "issuer/certificate_store.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"

#include <string.h>

enum { DEPTH_MAX = 16 /* sessions in doubt, each with keys of the one before as its targets */ };

const struct name NAMES_CERTIFICATE_STATE[] = {
    { "in doubt", CERTIFICATE_IN_DOUBT }, { "live", CERTIFICATE_LIVE },
    { "replaced", CERTIFICATE_REPLACED }, { "deleted", CERTIFICATE_DELETED },
    { "void", CERTIFICATE_VOID },         { NULL, 0 },
};

_Static_assert(CERTIFICATE_IN_DOUBT == 0 && CERTIFICATE_LIVE == 1 && CERTIFICATE_VOID == 4,
               "numbers that stand in the SQL");

enum sks_status put_device_name(struct buf *out, const struct session_state *state)
{
    uint8_t hash[32];

    if (state->terms.privacy_enabled || state->device_path.count == 0)
        return SKS_OK;
    if (certificate_fingerprint(state->device_path.item[0], hash) != SKS_OK)
        return SKS_ERROR_CRYPTO;
    put_raw(out, bytes_at(hash, sizeof hash));
    return out->status;
}

/* ---- what a session has issued ---- */

enum sks_status certificate_insert(struct database *db, const struct session *session,
                                   const struct issued_certificate *certificate,
                                   struct sks_error *err)
{
    uint8_t fingerprint[32];
    struct buf device = { 0 };
    enum sks_status rc;

    TRY(sks_explain(err, certificate_fingerprint(certificate->der, fingerprint)));
    TRY(sks_explain(err, put_device_name(&device, &session->state)));
    TRY(database_run(db, err,
                     "INSERT INTO certificate(serial, session, key_id, der, fingerprint, device,"
                     " owner, kmk, state, expires, external, unlockable)"
                     " VALUES(?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "bibbbbiuuiuu", certificate->serial, session->number, certificate->key_id,
                     certificate->der, bytes_at(fingerprint, sizeof fingerprint),
                     buf_bytes(&device), session->number, (uint32_t)session->state.kmk_generation,
                     (uint32_t)certificate->state, certificate->expires,
                     (uint32_t)certificate->external, (uint32_t)certificate->unlockable));
out:
    buf_free(&device);
    return rc;
}

static enum sks_status add_operations(struct database *db, const struct session *session,
                                      struct sks_error *err)
{
    const struct session_state *state = &session->state;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < state->operations; i++)
        TRY(database_run(db, err,
                         "INSERT INTO post_operation(session, position, operation, target, kmk)"
                         " VALUES(?, ?, ?, ?, ?)",
                         "iuubu", session->number, (uint32_t)i,
                         (uint32_t)state->operation[i].operation, state->operation[i].target,
                         (uint32_t)state->kmk_generation));
out:
    return rc;
}

enum sks_status certificates_add(struct database *db, const struct session *session,
                                 struct sks_error *err)
{
    const struct credential *credential = session->state.credential;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < session->state.credentials; i++) {
        const struct issued_certificate certificate = {
            .serial = credential[i].serial,
            .key_id = credential[i].id,
            .der = credential[i].certificate,
            .state = CERTIFICATE_IN_DOUBT,
            .expires = credential[i].expires,
            .external = credential[i].external,
            .unlockable = credential[i].unlockable,
        };

        if (certificate.der.len > 0)
            TRY(certificate_insert(db, session, &certificate, err));
    }
    TRY(add_operations(db, session, err));
out:
    return rc;
}

/* ---- what became of it ---- */

static enum sks_status confirm(struct database *db, int64_t session, unsigned depth,
                               size_t *confirmed, struct sks_error *err);

struct done_operation {
    uint32_t operation, target_state, generation;
    int64_t target_session;
    uint8_t target[32];
};

_Static_assert(VERDICT_OPEN == 0 && VERDICT_SUCCEEDED == 1 && VERDICT_IN_DOUBT == 3 &&
                   PHASE_FINALIZATION == 3 && CHANGES_MAX == 65536,
               "numbers that stand in the SQL");

/* A session whose own proof is missing is settled by that of another. Its phase stays: its own is
 * still taken. */
static enum sks_status settle(struct database *db, int64_t session, int64_t by, size_t *confirmed,
                              struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;
    enum sks_status rc;

    TRY(database_run(db, err,
                     "INSERT INTO exchange(place, at, checks)"
                     " SELECT s.number * 65536 + s.version, ?, json_array(json_array(?, 1,"
                     " 'by session ' || b.id)) FROM session s JOIN session b ON b.number = ?"
                     " WHERE s.number = ? AND s.verdict IN (0, 3) AND s.phase = 3"
                     " AND s.version < 65536",
                     "itii", clock_now(), EVIDENCE_CHECK_CONFIRMATION, by, session));
    row = database_query(db,
                         "UPDATE session SET version = version + 1, verdict = 1, cause = '',"
                         " ended = ? WHERE number = ? AND verdict IN (0, 3) AND phase = 3"
                         " AND version < 65536 RETURNING id, profile",
                         "ii", clock_now(), session);
    while ((step = database_step(row, err)) > 0) {
        log_info("session %s profile %s: confirmed by a later session, succeeded",
                 database_text(row, 0), database_text(row, 1));
        ++*confirmed;
    }
    rc = step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
out:
    return rc;
}

/* SKS V1.07, closeProvisioningSession: all keys of a session that was touched move to the one that
 * is closed. */
static enum sks_status apply(struct database *db, int64_t session, unsigned depth,
                             const struct done_operation *done, size_t *confirmed,
                             struct sks_error *err)
{
    const struct bytes target = bytes_at(done->target, sizeof done->target);
    uint32_t state = done->operation == POST_UPDATE   ? CERTIFICATE_REPLACED
                     : done->operation == POST_DELETE ? CERTIFICATE_DELETED
                                                      : CERTIFICATE_LIVE;
    enum sks_status rc = SKS_OK;

    if (done->target_state == CERTIFICATE_IN_DOUBT && depth < DEPTH_MAX) {
        TRY(confirm(db, done->target_session, depth + 1, confirmed, err));
        TRY(settle(db, done->target_session, session, confirmed, err));
    }
    /* By way of the target, whose owner may have changed by that. */
    TRY(database_run(db, err,
                     "UPDATE certificate SET owner = ?, kmk = ? WHERE owner ="
                     " (SELECT owner FROM certificate WHERE fingerprint = ?)",
                     "iub", session, done->generation, target));
    /* A clone whose own target is replaced in the same session leaves it replaced. */
    TRY(database_run(db, err,
                     "UPDATE certificate SET state = ? WHERE fingerprint = ? AND state IN (0, 1)",
                     "ub", state, target));
out:
    return rc;
}

static enum sks_status next_operation(struct database *db, int64_t session, int64_t position,
                                      struct done_operation *done, bool *found,
                                      struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        db,
        "SELECT p.operation, c.state, c.session, p.kmk, c.fingerprint FROM post_operation p"
        " JOIN certificate c ON c.fingerprint = p.target WHERE p.session = ? AND p.position = ?",
        "ii", session, position);
    int step = database_step(row, err);
    struct bytes fingerprint;

    *found = step > 0;
    if (*found) {
        done->operation = (uint32_t)sqlite3_column_int(row, 0);
        done->target_state = (uint32_t)sqlite3_column_int(row, 1);
        done->target_session = sqlite3_column_int64(row, 2);
        done->generation = (uint32_t)sqlite3_column_int(row, 3);
        fingerprint = database_bytes(row, 4);
        if (fingerprint.len == sizeof done->target)
            memcpy(done->target, fingerprint.ptr, sizeof done->target);
    }
    database_done(row);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status confirm(struct database *db, int64_t session, unsigned depth,
                               size_t *confirmed, struct sks_error *err)
{
    struct done_operation done;
    bool found = true;
    enum sks_status rc;

    TRY(database_run(db, err, "UPDATE certificate SET state = 1 WHERE session = ? AND state = 0",
                     "i", session));
    for (int64_t position = 0; found; position++) {
        TRY(next_operation(db, session, position, &done, &found, err));
        if (found)
            TRY(apply(db, session, depth, &done, confirmed, err));
    }
out:
    return rc;
}

enum sks_status certificates_confirm(struct database *db, int64_t session, size_t *confirmed,
                                     struct sks_error *err)
{
    *confirmed = 0;
    return confirm(db, session, 0, confirmed, err);
}

enum sks_status certificates_void(struct database *db, int64_t session, struct sks_error *err)
{
    return database_run(db, err, "UPDATE certificate SET state = 4 WHERE session = ? AND state = 0",
                        "i", session);
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
    "SELECT c.serial, c.key_id, c.der, c.fingerprint, c.device, s.id, o.id, c.kmk, c.state"        \
    " FROM certificate c JOIN session s ON s.number = c.session"                                   \
    " JOIN session o ON o.number = c.owner"

static void read_row(sqlite3_stmt *row, struct issued_certificate *certificate)
{
    struct bytes fingerprint = database_bytes(row, 3);

    *certificate = (struct issued_certificate){
        .serial = database_bytes(row, 0),
        .key_id = database_bytes(row, 1),
        .der = database_bytes(row, 2),
        .device = database_bytes(row, 4),
        .session_id = database_text(row, 5),
        .owner_id = database_text(row, 6),
        .generation = (unsigned)sqlite3_column_int(row, 7),
        .state = (enum certificate_state)sqlite3_column_int(row, 8),
    };
    if (fingerprint.len == sizeof certificate->fingerprint)
        memcpy(certificate->fingerprint, fingerprint.ptr, fingerprint.len);
}

static struct issued_certificate *copy_row(sqlite3_stmt *row, struct arena *arena)
{
    struct issued_certificate *copy = arena_alloc(arena, 1, sizeof *copy);

    if (copy == NULL)
        return NULL;
    read_row(row, copy);
    copy->serial = arena_copy(arena, copy->serial);
    copy->key_id = arena_copy(arena, copy->key_id);
    copy->der = arena_copy(arena, copy->der);
    copy->device = arena_copy(arena, copy->device);
    copy->session_id = arena_text(arena, bytes_of(copy->session_id));
    copy->owner_id = arena_text(arena, bytes_of(copy->owner_id));
    return copy->serial.ptr == NULL || copy->key_id.ptr == NULL || copy->der.ptr == NULL ||
                   copy->device.ptr == NULL || copy->session_id == NULL || copy->owner_id == NULL
               ? NULL
               : copy;
}

enum sks_status certificate_find(struct session_store *store, const uint8_t fingerprint[32],
                                 struct arena *arena, struct issued_certificate **certificate,
                                 struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    *certificate = NULL;
    database_lock(store->db);
    row = database_query(store->db, COLUMNS " WHERE c.fingerprint = ?", "b",
                         bytes_at(fingerprint, 32));
    step = database_step(row, err);
    if (step > 0)
        *certificate = copy_row(row, arena);
    database_done(row);
    if (database_unlock_read(store->db, err) != SKS_OK)
        return SKS_ERROR_STORAGE;
    if (step > 0 && *certificate == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for a certificate");
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status certificate_serial_is_known(struct session_store *store, struct bytes serial,
                                            bool *known, struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = database_query(store->db, "SELECT 1 FROM certificate WHERE serial = ?", "b", serial);
    step = database_step(row, err);
    database_done(row);
    database_unlock(store->db);
    *known = step > 0;
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status certificates_oldest_generation(struct session_store *store, struct bytes device,
                                               unsigned *generation, struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    *generation = 0;
    database_lock(store->db);
    row = database_query(
        store->db,
        "SELECT min(kmk) FROM ("
        " SELECT * FROM (SELECT kmk FROM certificate WHERE device = ?1 AND state = 0 AND kmk > 0"
        " ORDER BY kmk LIMIT 1) UNION ALL"
        " SELECT * FROM (SELECT kmk FROM certificate WHERE device = ?1 AND state = 1 AND kmk > 0"
        " ORDER BY kmk LIMIT 1))",
        "b", device);
    step = database_step(row, err);
    if (step > 0)
        *generation = (unsigned)sqlite3_column_int(row, 0);
    database_done(row);
    if (database_unlock_read(store->db, err) != SKS_OK)
        return SKS_ERROR_STORAGE;
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static bool read_in_doubt(sqlite3_stmt *row, struct arena *arena, struct certificate_in_doubt *to)
{
    *to = (struct certificate_in_doubt){
        .der = arena_copy(arena, database_bytes(row, 0)),
        .generation = (unsigned)sqlite3_column_int(row, 1),
        .unlockable = sqlite3_column_int(row, 2) != 0,
    };
    return to->der.ptr != NULL;
}

enum sks_status certificates_in_doubt(struct session_store *store, struct bytes device,
                                      struct arena *arena, struct certificate_in_doubt *list,
                                      size_t max, size_t *count, struct sks_error *err)
{
    sqlite3_stmt *row;
    bool kept = true;
    int step = 0;

    *count = 0;
    database_lock(store->db);
    /* In the order of its index, and without a join: each session asks this. */
    row =
        database_query(store->db,
                       "SELECT der, kmk, unlockable FROM certificate"
                       " WHERE device = ? AND state = 0 AND kmk > 0"
                       " AND (SELECT verdict FROM session WHERE number = certificate.session) = 3",
                       "b", device);
    while (kept && *count < max && (step = database_step(row, err)) > 0)
        kept = read_in_doubt(row, arena, &list[(*count)++]);
    database_done(row);
    database_unlock(store->db); /* what is not durable yet only changes what is looked for */
    if (!kept)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for the certificates in doubt");
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status certificates_each(struct session_store *store, struct bytes device,
                                  void (*each)(void *ctx,
                                               const struct issued_certificate *certificate),
                                  void *ctx, struct sks_error *err)
{
    struct issued_certificate certificate;
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = device.ptr == NULL
              ? database_query(store->db, COLUMNS " ORDER BY c.session, c.rowid", "")
              : database_query(store->db, COLUMNS " WHERE c.device = ? ORDER BY c.session, c.rowid",
                               "b", device);
    while ((step = database_step(row, err)) > 0) {
        read_row(row, &certificate);
        each(ctx, &certificate);
    }
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}
