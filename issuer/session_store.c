#include "issuer/session_store.h"
#include "issuer/certificate_store.h"
#include "issuer/store_schema.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <openssl/crypto.h>
#include <string.h>

_Static_assert(VERDICT_OPEN == 0 && VERDICT_FAILED == 2 && VERDICT_IN_DOUBT == 3 &&
                   PHASE_FINALIZATION == 3,
               "numbers that stand in the SQL");

enum sks_status session_store_open(struct session_store *store, const char *path,
                                   struct sks_error *err)
{
    /* Not exclusive: `sks-issuer sessions` reads while `serve` writes. */
    enum sks_status rc;

    TRY(database_open(path, &STORE_SCHEMA, false, store, &store->db, err));
    TRY(database_overwrite(store->db, err)); /* session keys that are forgotten */
    database_share_commits(store->db);
out:
    return rc;
}

void session_store_close(struct session_store *store)
{
    database_close(store->db);
    OPENSSL_cleanse(store, sizeof *store);
}

/* ---- reading a session ---- */

#define COLUMNS                                                                                    \
    "number, id, version, profile, issuer_uri, tls, started, expires, ended, phase, verdict,"      \
    " cause, last_message"
enum column {
    NUMBER,
    ID,
    VERSION,
    PROFILE,
    ISSUER_URI,
    TLS,
    STARTED,
    EXPIRES,
    ENDED,
    PHASE,
    VERDICT,
    CAUSE,
    LAST_MESSAGE,
    STATE,
};

static void read_row(sqlite3_stmt *row, struct session *session)
{
    *session = (struct session){
        .number = sqlite3_column_int64(row, NUMBER),
        .version = sqlite3_column_int64(row, VERSION),
        .id = database_text(row, ID),
        .profile = database_text(row, PROFILE),
        .issuer_uri = database_text(row, ISSUER_URI),
        .tls = sqlite3_column_int(row, TLS) != 0,
        .started = sqlite3_column_int64(row, STARTED),
        .expires = sqlite3_column_int64(row, EXPIRES),
        .ended = sqlite3_column_int64(row, ENDED),
        .phase = (enum phase)sqlite3_column_int(row, PHASE),
        .verdict = (enum verdict)sqlite3_column_int(row, VERDICT),
        .cause = database_text(row, CAUSE),
        .last_message = database_bytes(row, LAST_MESSAGE),
    };
}

static enum sks_status copy_texts(struct session *session, struct arena *arena)
{
    session->id = arena_text(arena, bytes_of(session->id));
    session->profile = arena_text(arena, bytes_of(session->profile));
    session->issuer_uri = arena_text(arena, bytes_of(session->issuer_uri));
    session->cause = arena_text(arena, bytes_of(session->cause));
    session->last_message = arena_copy(arena, session->last_message);
    return session->id == NULL || session->profile == NULL || session->issuer_uri == NULL ||
                   session->cause == NULL || session->last_message.ptr == NULL
               ? SKS_ERROR_STORAGE
               : SKS_OK;
}

enum sks_status session_store_open_state(const struct session_store *store, struct bytes sealed,
                                         struct arena *arena, struct session *session,
                                         struct sks_error *err)
{
    struct buf clear = { 0 };
    struct bytes copy;
    enum sks_status rc;

    TRY(unseal(store->seal_key, bytes_of(session->id), sealed, &clear));
    copy = arena_copy(arena, buf_bytes(&clear));
    if (copy.ptr == NULL) {
        rc = SKS_ERROR_STORAGE;
        goto out;
    }
    TRY(get_session_state(copy, arena, &session->state));
    session->state.terms.server_session_id = bytes_of(session->id);
    session->state.terms.issuer_uri = bytes_of(session->issuer_uri);
out:
    buf_free(&clear);
    if (rc != SKS_OK)
        rc = sks_fail(err, rc, "session %s: its stored state cannot be read", session->id);
    return rc;
}

/* Takes the row, then gives the database free before it unseals. */
static enum sks_status find(struct session_store *store, sqlite3_stmt *row, struct arena *arena,
                            struct session *session, bool *found, struct sks_error *err)
{
    int step = database_step(row, err);
    struct bytes sealed = { 0 };
    enum sks_status rc = step < 0 ? SKS_ERROR_STORAGE : SKS_OK;

    *found = step > 0;
    if (*found) {
        read_row(row, session);
        rc = copy_texts(session, arena);
        sealed = arena_copy(arena, database_bytes(row, STATE));
    }
    database_done(row);
    if (database_unlock_read(store->db, err) != SKS_OK)
        rc = SKS_ERROR_STORAGE;
    if (rc == SKS_OK && *found)
        rc = session_store_open_state(store, sealed, arena, session, err);
    return sks_explain(err, rc);
}

enum sks_status session_store_find_by_cookie(struct session_store *store, struct bytes cookie_hash,
                                             struct arena *arena, struct session *session,
                                             bool *found, struct sks_error *err)
{
    database_lock(store->db);
    return find(store,
                database_query(store->db, "SELECT " COLUMNS ", state FROM session WHERE cookie = ?",
                               "b", cookie_hash),
                arena, session, found, err);
}

enum sks_status session_store_find_by_id(struct session_store *store, const char *id,
                                         struct arena *arena, struct session *session, bool *found,
                                         struct sks_error *err)
{
    database_lock(store->db);
    return find(
        store,
        database_query(store->db, "SELECT " COLUMNS ", state FROM session WHERE id = ?", "t", id),
        arena, session, found, err);
}

enum sks_status session_store_each(struct session_store *store,
                                   void (*each)(void *ctx, const struct session *session),
                                   void *ctx, struct sks_error *err)
{
    sqlite3_stmt *row;
    struct session session;
    int step;

    database_lock(store->db);
    row = database_query(store->db, "SELECT " COLUMNS " FROM session ORDER BY number", "");
    while ((step = database_step(row, err)) > 0) {
        read_row(row, &session);
        each(ctx, &session);
    }
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

/* ---- writing ---- */

static enum sks_status seal_state(const struct session_store *store, const struct session *session,
                                  struct buf *sealed)
{
    struct buf clear = { 0 };
    enum sks_status rc;

    put_session_state(&clear, &session->state);
    TRY(clear.status);
    rc = seal(store->seal_key, bytes_of(session->id), buf_bytes(&clear), sealed);
out:
    buf_free(&clear);
    return rc;
}

static int64_t place_of(const struct session *session, size_t position)
{
    return session->number * PLACES + session->version * PLACES_PER_CHANGE + (int64_t)position;
}

static enum sks_status add_message(struct session_store *store, const struct session *session,
                                   bool incoming, struct bytes body, struct sks_error *err)
{
    return database_run(store->db, err,
                        "INSERT INTO message(place, incoming, at, body) VALUES(?, ?, ?, ?)", "iuib",
                        place_of(session, incoming ? 0 : 1), (uint32_t)incoming, clock_now(), body);
}

static enum sks_status add_checks(struct session_store *store, const struct session *session,
                                  const struct change *change, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(change->checks <= PLACES_PER_CHANGE, err, SKS_ERROR_STORAGE, "too many checks");
    for (size_t i = 0; i < change->checks; i++)
        TRY(database_run(store->db, err,
                         "INSERT INTO verification(place, name, passed, detail) VALUES(?, ?, ?, ?)",
                         "itut", place_of(session, i), change->check[i].name,
                         (uint32_t)change->check[i].passed, change->check[i].detail));
out:
    return rc;
}

static enum sks_status insert_session(struct session_store *store, struct session *session,
                                      struct bytes cookie_hash, struct bytes sealed,
                                      struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(
        store->db, err,
        "INSERT INTO session(id, cookie, version, profile, issuer_uri, tls, started, expires,"
        " ended, phase, verdict, cause, last_message, state)"
        " VALUES(?, ?, 1, ?, ?, ?, ?, ?, 0, ?, ?, '', x'', ?)",
        "tbttuiiuub", session->id, cookie_hash, session->profile, session->issuer_uri,
        (uint32_t)session->tls, session->started, session->expires, (uint32_t)session->phase,
        (uint32_t)session->verdict, sealed));
    session->number = database_last_row(store->db);
out:
    return rc;
}

enum sks_status session_store_add(struct session_store *store, struct session *session,
                                  struct bytes cookie_hash, struct bytes answer,
                                  struct sks_error *err)
{
    struct buf sealed = { 0 };
    enum sks_status rc;

    TRY(sks_explain(err, seal_state(store, session, &sealed)));
    TRY(database_begin(store->db, err));
    session->version = 0;
    rc = insert_session(store, session, cookie_hash, buf_bytes(&sealed), err);
    if (rc == SKS_OK)
        rc = add_message(store, session, false, answer, err);
    session->version = 1;
    if (rc == SKS_OK)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
out:
    buf_free(&sealed);
    return rc;
}

static enum sks_status update_session(struct session_store *store, const struct session *session,
                                      const struct change *change, struct bytes sealed, bool *won,
                                      struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(store->db, err,
                     "UPDATE session SET version = version + 1, phase = ?, verdict = ?, cause = ?,"
                     " ended = ?, last_message = ?, state = CASE ? WHEN 1 THEN ? ELSE state END"
                     " WHERE number = ? AND version = ?",
                     "uutibubii", (uint32_t)session->phase, (uint32_t)session->verdict,
                     session->cause, session->ended, session->last_message, (uint32_t)change->state,
                     sealed, session->number, session->version));
    *won = database_changes(store->db) == 1;
    if (!*won)
        goto out;
    if (change->state && session->phase == PHASE_FINALIZATION)
        TRY(certificates_add(store->db, session, err));
    if (session->verdict == VERDICT_SUCCEEDED)
        TRY(certificates_confirm(store->db, session->number, err));
    else if (session->verdict == VERDICT_FAILED)
        TRY(certificates_void(store->db, session->number, err));
    if (change->message.ptr != NULL)
        TRY(add_message(store, session, true, change->message, err));
    if (change->answer.len > 0)
        TRY(add_message(store, session, false, change->answer, err));
    TRY(add_checks(store, session, change, err));
out:
    return rc;
}

enum sks_status session_store_save(struct session_store *store, struct session *session,
                                   const struct change *change, bool *won, struct sks_error *err)
{
    struct buf sealed = { 0 };
    enum sks_status rc;

    *won = false;
    if (change->state)
        TRY(sks_explain(err, seal_state(store, session, &sealed)));
    TRY(database_begin(store->db, err));
    rc = update_session(store, session, change, buf_bytes(&sealed), won, err);
    if (rc == SKS_OK && *won)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
    session->version += rc == SKS_OK && *won;
out:
    buf_free(&sealed);
    return rc;
}

static enum sks_status replace_state(struct session_store *store, const struct session *session,
                                     const struct change *change, struct bytes sealed, bool *won,
                                     struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(store->db, err,
                     "UPDATE session SET version = version + 1, state = ?"
                     " WHERE number = ? AND version = ?",
                     "bii", sealed, session->number, session->version));
    *won = database_changes(store->db) == 1;
    if (*won)
        TRY(add_checks(store, session, change, err));
out:
    return rc;
}

enum sks_status session_store_forget(struct session_store *store, struct session *session,
                                     const struct check *check, bool *won, struct sks_error *err)
{
    const struct change change = { .check = check, .checks = 1 };
    struct buf sealed = { 0 };
    enum sks_status rc;

    *won = false;
    session->state.session_key = session->state.ephemeral_key = (struct bytes){ 0 };
    TRY(sks_explain(err, seal_state(store, session, &sealed)));
    TRY(database_begin(store->db, err));
    rc = replace_state(store, session, &change, buf_bytes(&sealed), won, err);
    if (rc == SKS_OK && *won)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
    session->version += rc == SKS_OK && *won;
out:
    buf_free(&sealed);
    return rc;
}

/* Nearly always there is none: then nothing is written, and nobody waits for a writer. */
static int has_expired(struct session_store *store, int64_t now, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        store->db, "SELECT 1 FROM session WHERE verdict = 0 AND expires < ? LIMIT 1", "i", now);
    int step = database_step(row, err);

    database_done(row);
    return step;
}

static enum sks_status end_expired(struct session_store *store, int64_t now, struct sks_error *err)
{
    sqlite3_stmt *row = database_query(
        store->db,
        "UPDATE session SET version = version + 1, ended = expires,"
        " verdict = CASE phase WHEN 3 THEN 3 ELSE 2 END,"
        " cause = CASE phase WHEN 3 THEN 'life time over before the closing proof came'"
        " ELSE 'life time over' END"
        " WHERE verdict = 0 AND expires < ? RETURNING id, profile, verdict, cause",
        "i", now);
    int step;

    while ((step = database_step(row, err)) > 0)
        log_info("session %s profile %s: %s: %s", database_text(row, 0), database_text(row, 1),
                 name_of_value(NAMES_VERDICT, (uint8_t)sqlite3_column_int(row, 2)),
                 database_text(row, 3));
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

enum sks_status session_store_expire(struct session_store *store, int64_t now,
                                     struct sks_error *err)
{
    enum sks_status rc;
    int found;

    database_lock(store->db);
    found = has_expired(store, now, err);
    database_unlock(store->db);
    if (found <= 0)
        return found < 0 ? SKS_ERROR_STORAGE : SKS_OK;
    TRY(database_begin(store->db, err));
    rc = end_expired(store, now, err);
    if (rc == SKS_OK)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
out:
    return rc;
}
