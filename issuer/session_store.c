#include "issuer/session_store.h"
#include "issuer/certificate_store.h"
#include "issuer/enrolment.h"
#include "issuer/invitation.h"
#include "issuer/metrics.h"
#include "issuer/open_sessions.h"
#include "issuer/store_schema.h"
#include "keygen2/base/clock.h"

#include <openssl/crypto.h>
#include <string.h>

enum { OPEN_SESSIONS_MAX = 10000, USUAL_STATE = 2048, USUAL_CHECKS = 1024 };

/* Fewer checkpoints write fewer pages: those of indexes change with each session. The log has some
 * 16 MiB then, 32 in databases with pages of 4 KB. */
enum { LOG_PAGES = 8000 };

/* The inner pages of indexes, which each look-up reads. Not more: a commit in which a page was
 * split walks over all that is kept, as SQLite parks a page at a number behind the end of the file.
 */
enum { CACHE_MIB = 4 };

enum sks_status session_store_open(struct session_store *store, const char *path,
                                   struct sks_error *err)
{
    enum sks_status rc;

    store->open = open_sessions_new(OPEN_SESSIONS_MAX);
    REQUIRE(store->open != NULL, err, SKS_ERROR_STORAGE, "no memory for sessions");
    /* Not exclusive: `sks-issuer sessions` reads while `serve` writes. */
    TRY(database_open(path, &STORE_SCHEMA, false, store, &store->db, err));
    TRY(database_cache(store->db, CACHE_MIB, err));
    TRY(database_overwrite(store->db, err)); /* session keys that are forgotten */
    TRY(database_share_syncs(store->db, LOG_PAGES, err));
out:
    return rc;
}

void session_store_close(struct session_store *store)
{
    database_close(store->db);
    open_sessions_free(store->open);
    OPENSSL_cleanse(store, sizeof *store);
}

/* ---- reading a session ---- */

#define COLUMNS                                                                                    \
    "number, id, cookie, version, profile, issuer_uri, tls, started, expires, ended, phase, "      \
    "verdict,"                                                                                     \
    " cause, last_message"
enum column {
    NUMBER,
    ID,
    COOKIE,
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
        .cookie_hash = database_bytes(row, COOKIE),
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
    session->cookie_hash = arena_copy(arena, session->cookie_hash);
    return session->id == NULL || session->profile == NULL || session->issuer_uri == NULL ||
                   session->cause == NULL || session->last_message.ptr == NULL ||
                   session->cookie_hash.ptr == NULL
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
    TRY(session_get_state(copy, arena, session));
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
    *found = open_sessions_find(store->open, cookie_hash, arena, session);
    if (*found && session->expires >= clock_now())
        return SKS_OK;
    if (*found) /* the database will say what became of it */
        open_sessions_drop(store->open, cookie_hash);
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

/* ---- writing ---- */

/* OR FAIL where a trigger runs: else SQLite keeps a copy of each page, to undo the one statement if
 * it fails half way. Here the transaction is undone then. No trigger that runs has a conflict
 * clause, which this would override: no session comes to be in doubt by these statements. */

static enum sks_status seal_state(const struct session_store *store, const struct session *session,
                                  struct buf *clear, struct buf *sealed)
{
    enum sks_status rc;

    (void)buf_reserve(clear, USUAL_STATE);
    put_session_state(clear, &session->state);
    TRY(clear->status);
    TRY(seal(store->seal_key, bytes_of(session->id), buf_bytes(clear), sealed));
out:
    return rc;
}

/* What goes on in a session before its finalization is asked for may be lost with the power. */
static bool is_early(const struct session *session)
{
    return session->verdict == VERDICT_OPEN &&
           (session->phase == PHASE_INVOCATION || session->phase == PHASE_INITIALIZATION ||
            session->phase == PHASE_DISCOVERY || session->phase == PHASE_KEY_CREATION);
}

/* What one request writes of its session. */
struct writing {
    struct session_store *store;
    struct session *session;
    const struct change *change;
    struct bytes sealed; /* the state; empty: it stays */
    bool won;            /* out */
    size_t confirmed;    /* out: other sessions, by this one's proof */
};

static enum sks_status write(struct writing *w, database_work *work, struct sks_error *err)
{
    return is_early(w->session) ? database_write_unsynced(w->store->db, work, w, err)
                                : database_write(w->store->db, work, w, err);
}

/* In memory are those whose next change is ours: while it waits for the operator, who has a process
 * of his own, a session is not. */
static void remember(struct session_store *store, const struct session *session, struct bytes state)
{
    if (session->verdict == VERDICT_OPEN && state.len > 0 &&
        (is_early(session) || session->phase == PHASE_FINALIZATION))
        open_sessions_keep(store->open, session, state);
    else
        open_sessions_drop(store->open, session->cookie_hash);
}

static enum sks_status add_exchange(struct session_store *store, const struct session *session,
                                    const struct change *change, struct sks_error *err)
{
    struct buf checks = { 0 };
    enum sks_status rc;

    REQUIRE(session->version < CHANGES_MAX, err, SKS_ERROR_STORAGE, "too many messages");
    (void)buf_reserve(&checks, USUAL_CHECKS);
    put_checks(&checks, change->check, change->checks);
    TRY(sks_explain(err, checks.status));
    TRY(database_run(store->db, err,
                     "INSERT INTO exchange(place, at, message, answer, checks)"
                     " VALUES(?, ?, ?, ?, CAST(? AS TEXT))",
                     "iinnb", session->number * CHANGES_MAX + session->version, clock_now(),
                     change->message, change->answer, buf_bytes(&checks)));
out:
    buf_free(&checks);
    return rc;
}

static enum sks_status insert_session(struct session_store *store, struct session *session,
                                      struct bytes sealed, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_run(
        store->db, err,
        "INSERT OR FAIL INTO session(id, cookie, version, profile, issuer_uri, tls, started,"
        " expires, ended, phase, verdict, cause, last_message, state)"
        " VALUES(?, ?, 1, ?, ?, ?, ?, ?, 0, ?, ?, '', x'', ?) ON CONFLICT(cookie) DO NOTHING",
        "tbttuiiuub", session->id, session->cookie_hash, session->profile, session->issuer_uri,
        (uint32_t)session->tls, session->started, session->expires, (uint32_t)session->phase,
        (uint32_t)session->verdict, sealed));
    REQUIRE(database_changes(store->db) == 1, err, SKS_ERROR_NOT_ALLOWED,
            "its cookie has one already");
    session->number = database_last_row(store->db);
    if (session->invitation != 0)
        TRY(invitation_attach(store->db, session->number, session->invitation, err));
out:
    return rc;
}

static enum sks_status write_first(struct database *db, void *ctx, struct sks_error *err)
{
    struct writing *w = ctx;
    enum sks_status rc;

    (void)db;
    w->session->version = 0;
    TRY(insert_session(w->store, w->session, w->sealed, err));
    TRY(add_exchange(w->store, w->session, w->change, err));
    w->session->version = 1;
out:
    return rc;
}

enum sks_status session_store_add(struct session_store *store, struct session *session,
                                  struct bytes answer, struct sks_error *err)
{
    const struct change change = { .answer = answer };
    struct writing w = { .store = store, .session = session, .change = &change };
    struct buf clear = { 0 }, sealed = { 0 };
    enum sks_status rc;

    TRY(sks_explain(err, seal_state(store, session, &clear, &sealed)));
    w.sealed = buf_bytes(&sealed);
    TRY(write(&w, write_first, err));
    remember(store, session, buf_bytes(&clear));
    metrics_session_begun(store->metrics);
out:
    buf_free(&clear);
    buf_free(&sealed);
    return rc;
}

/* Three statements, so that only the end touches the index of the open ones. The id too must fit: a
 * purge may give the number of the newest session free. */
static enum sks_status update_row(struct session_store *store, const struct session *session,
                                  bool state, struct bytes sealed, struct sks_error *err)
{
    uint32_t phase = (uint32_t)session->phase;

    if (session->verdict != VERDICT_OPEN || session->ended != 0)
        return database_run(store->db, err,
                            "UPDATE OR FAIL session SET version = version + 1, phase = ?,"
                            " last_message = ?, verdict = ?, cause = ?, ended = ?"
                            " WHERE number = ? AND version = ? AND id = ?",
                            "ubutiiit", phase, session->last_message, (uint32_t)session->verdict,
                            session->cause, session->ended, session->number, session->version,
                            session->id);
    if (state)
        return database_run(store->db, err,
                            "UPDATE session SET version = version + 1, phase = ?, last_message = ?,"
                            " state = ? WHERE number = ? AND version = ? AND id = ?",
                            "ubbiit", phase, session->last_message, sealed, session->number,
                            session->version, session->id);
    return database_run(store->db, err,
                        "UPDATE session SET version = version + 1, phase = ?, last_message = ?"
                        " WHERE number = ? AND version = ? AND id = ?",
                        "ubiit", phase, session->last_message, session->number, session->version,
                        session->id);
}

static enum sks_status write_next(struct database *db, void *ctx, struct sks_error *err)
{
    struct writing *w = ctx;
    const struct session *session = w->session;
    enum sks_status rc;

    w->confirmed = 0;
    TRY(update_row(w->store, session, w->change->state, w->sealed, err));
    w->won = database_changes(db) == 1;
    if (!w->won)
        goto out;
    if (w->change->state && session->phase == PHASE_FINALIZATION)
        TRY(certificates_add(db, session, err));
    if (session->verdict == VERDICT_SUCCEEDED)
        TRY(certificates_confirm(db, session->number, &w->confirmed, err));
    else if (session->verdict == VERDICT_FAILED)
        TRY(certificates_void(db, session->number, err));
    if (w->change->enrolment != NULL)
        TRY(enrolment_keep(db, session->number, w->change->enrolment, err));
    TRY(add_exchange(w->store, session, w->change, err));
out:
    return rc;
}

static void tell_metrics(struct metrics *metrics, const struct session *session, size_t confirmed)
{
    metrics_session_ended(metrics, session->verdict, session->cause);
    for (; confirmed > 0; confirmed--)
        metrics_session_ended(metrics, VERDICT_SUCCEEDED, "");
}

enum sks_status session_store_save(struct session_store *store, struct session *session,
                                   const struct change *change, bool *won, struct sks_error *err)
{
    struct writing w = { .store = store, .session = session, .change = change };
    struct buf clear = { 0 }, sealed = { 0 };
    enum sks_status rc;

    *won = false;
    if (change->state)
        TRY(sks_explain(err, seal_state(store, session, &clear, &sealed)));
    w.sealed = buf_bytes(&sealed);
    rc = write(&w, write_next, err);
    *won = rc == SKS_OK && w.won;
    if (*won) {
        session->version++;
        remember(store, session, buf_bytes(&clear));
        tell_metrics(store->metrics, session, w.confirmed);
    } else {
        open_sessions_drop(store->open, session->cookie_hash); /* it is not what we think it is */
    }
out:
    buf_free(&clear);
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
                     " WHERE number = ? AND version = ? AND id = ?",
                     "biit", sealed, session->number, session->version, session->id));
    *won = database_changes(store->db) == 1;
    if (*won)
        TRY(add_exchange(store, session, change, err));
out:
    return rc;
}

enum sks_status session_store_forget(struct session_store *store, struct session *session,
                                     const struct check *check, bool *won, struct sks_error *err)
{
    const struct change change = { .check = check, .checks = 1 };
    struct buf clear = { 0 }, sealed = { 0 };
    enum sks_status rc;

    *won = false;
    session->state.session_key = session->state.ephemeral_key = (struct bytes){ 0 };
    TRY(sks_explain(err, seal_state(store, session, &clear, &sealed)));
    TRY(database_begin(store->db, err));
    rc = replace_state(store, session, &change, buf_bytes(&sealed), won, err);
    if (rc == SKS_OK && *won)
        rc = database_commit(store->db, err);
    else
        database_rollback(store->db);
    session->version += rc == SKS_OK && *won;
out:
    buf_free(&clear);
    buf_free(&sealed);
    return rc;
}
