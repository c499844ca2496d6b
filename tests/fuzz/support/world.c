#include "tests/fuzz/support/world.h"
#include "tests/fuzz/support/fast_sqlite.h"
#include "tests/plain/support/enrol.h"
#include "token/api/dialect.h"
#include "token/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct token *token;
static sqlite3 *database; /* the token's own connection */
static struct world saved;
static struct arena saved_arena; /* what the saved world points to */
static int saved_changes;
static bool traced;
static uint32_t last_handle[STORE_KINDS]; /* over all runs: handles never come again */

/* A PUK without retryLimit makes each try wait, which finds nothing here. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time, (void)left;
    return 0;
}

/* ---- the rows ---- */

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    must(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
             SQLITE_OK,
         sql);
    return statement;
}

static void run(const char *sql)
{
    must(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

/* The number that a statement with at most one parameter gives. */
static int ask(sqlite3_stmt **statement, const char *sql, uint32_t parameter)
{
    int number;

    if (*statement == NULL)
        *statement = prepare(sql);
    (void)sqlite3_bind_int64(*statement, 1, parameter);
    must(sqlite3_step(*statement) == SQLITE_ROW, sql);
    number = sqlite3_column_int(*statement, 0);
    (void)sqlite3_reset(*statement);
    return number;
}

void world_open(struct world *w)
{
    *w = (struct world){ 0 };
    fast_sqlite();
    token = new_token();
    database = fast_sqlite_database();
    run("PRAGMA temp_store = MEMORY");
}

/* What is written is noted, so that only that must be put back. */
static const char NOTE_CHANGES[] =
    "CREATE TEMP TABLE saved (kind, handle, owner, refers, closed, name, tag, body,"
    "  PRIMARY KEY (kind, handle)) WITHOUT ROWID;"
    "INSERT INTO saved SELECT * FROM object;"
    "CREATE TEMP TABLE changed (kind, handle);"
    "CREATE TEMP TRIGGER on_insert AFTER INSERT ON object BEGIN"
    "  INSERT INTO changed VALUES (new.kind, new.handle); END;"
    "CREATE TEMP TRIGGER on_update AFTER UPDATE ON object BEGIN"
    "  INSERT INTO changed VALUES (new.kind, new.handle); END;"
    "CREATE TEMP TRIGGER on_delete AFTER DELETE ON object BEGIN"
    "  INSERT INTO changed VALUES (old.kind, old.handle); END;";

static const char *const PUT_BACK[] = {
    "BEGIN",
    "DELETE FROM object WHERE (kind, handle) IN (SELECT * FROM changed)",
    "INSERT INTO object SELECT * FROM saved WHERE (kind, handle) IN (SELECT * FROM changed)",
    "DELETE FROM changed",
    "COMMIT",
};

void world_save(struct world *w)
{
    saved = *w;
    saved_arena = w->arena;
    w->arena = saved.arena = (struct arena){ 0 };
    run(NOTE_CHANGES);
    traced = getenv("FUZZ_TRACE") != NULL;
    saved_changes = sqlite3_total_changes(database);
}

void world_restore(struct world *w)
{
    static sqlite3_stmt *statement[NITEMS(PUT_BACK)];

    arena_free(&w->arena);
    *w = saved;
    /* It remembers tries, and memory that one run leaves looks leaked. */
    authorization_abandon(token->authorization);
    token->authorization = authorization_new(token->store, token->vault, 0);
    must(token->authorization != NULL, "memory");
    live_keys_drop_all(token->live_keys);
    if (sqlite3_total_changes(database) == saved_changes)
        return;
    for (size_t i = 0; i < NITEMS(PUT_BACK); i++) {
        if (statement[i] == NULL)
            statement[i] = prepare(PUT_BACK[i]);
        must(sqlite3_step(statement[i]) == SQLITE_DONE, PUT_BACK[i]);
        (void)sqlite3_reset(statement[i]);
    }
    saved_changes = sqlite3_total_changes(database);
}

void world_check_garbage(void)
{
    static sqlite3_stmt *statement;
    static const char SQL[] =
        "SELECT count(*) FROM object AS o LEFT JOIN object AS s ON s.kind = 2 AND s.handle ="
        " o.owner WHERE (o.owner > 0 AND (s.handle IS NULL OR (s.closed AND NOT o.closed)))"
        " OR (o.kind = 3 AND o.closed AND NOT EXISTS"
        "  (SELECT 1 FROM object AS u WHERE u.kind = 4 AND u.refers = o.handle AND u.refers > 0))"
        " OR (o.kind = 4 AND o.closed AND NOT EXISTS"
        "  (SELECT 1 FROM object AS u WHERE u.kind = 5 AND u.refers = o.handle AND u.refers > 0))"
        " OR (o.kind = 5 AND o.closed AND NOT EXISTS"
        "  (SELECT 1 FROM object AS u WHERE u.kind = 6 AND u.refers = o.handle AND u.refers > 0))";

    _Static_assert(STORE_SESSION == 2 && STORE_PUK == 3 && STORE_PIN_POLICY == 4 &&
                       STORE_PIN == 5 && STORE_KEY == 6,
                   "the kinds in the statement");
    must(ask(&statement, SQL, 0) == 0, "rows that nobody owns");
}

void world_check(struct world *w)
{
    static sqlite3_stmt *rows;
    size_t sessions = 0, keys = 0;

    if (rows == NULL)
        rows = prepare("SELECT kind, handle, owner, closed FROM object WHERE kind IN (2, 6)");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        uint32_t handle = (uint32_t)sqlite3_column_int64(rows, 1);
        bool closed = sqlite3_column_int(rows, 3) != 0;

        if (sqlite3_column_int(rows, 0) == STORE_SESSION) {
            must(world_session(w, handle, !closed) != NULL, "a session that should not be");
            sessions++;
        } else {
            const struct known_key *key = world_key(w, handle, closed);

            must(key != NULL, "a key that should not be");
            must(key->session == (uint32_t)sqlite3_column_int64(rows, 2), "a key of another owner");
            keys++;
        }
    }
    (void)sqlite3_reset(rows);
    must(sessions == w->sessions, "a session is lost");
    must(keys == w->keys, "a key is lost");
}

/* ---- calls ---- */

/* How a method finds what it is about, and what its failure does. SKS V1.07, 7 and 8. */
static const struct rule {
    enum method_id id;
    enum { BY_NOTHING, BY_SESSION, BY_OPEN_KEY, BY_KEY } by;
    bool tears_down;
} RULES[] = {
    { CLOSE_PROVISIONING_SESSION, BY_SESSION, true },
    { ABORT_PROVISIONING_SESSION, BY_SESSION, false },
    { CREATE_PUK_POLICY, BY_SESSION, true },
    { CREATE_PIN_POLICY, BY_SESSION, true },
    { CREATE_KEY_ENTRY, BY_SESSION, true },
    { GET_KEY_HANDLE, BY_SESSION, false },
    { SET_CERTIFICATE_PATH, BY_OPEN_KEY, true },
    { IMPORT_SYMMETRIC_KEY, BY_OPEN_KEY, true },
    { IMPORT_PRIVATE_KEY, BY_OPEN_KEY, true },
    { ADD_EXTENSION, BY_OPEN_KEY, true },
    { POST_DELETE_KEY, BY_SESSION, true },
    { POST_UNLOCK_KEY, BY_SESSION, true },
    { POST_UPDATE_KEY, BY_OPEN_KEY, true },
    { POST_CLONE_KEY_PROTECTION, BY_OPEN_KEY, true },
    { GET_KEY_ATTRIBUTES, BY_KEY, false },
    { GET_KEY_PROTECTION_INFO, BY_KEY, false },
    { GET_EXTENSION, BY_KEY, false },
    { SET_PROPERTY, BY_KEY, false },
    { DELETE_KEY, BY_KEY, false },
    { EXPORT_KEY, BY_KEY, false },
    { UNLOCK_KEY, BY_KEY, false },
    { CHANGE_PIN, BY_KEY, false },
    { SET_PIN, BY_KEY, false },
    { SIGN_HASHED_DATA, BY_KEY, false },
    { ASYMMETRIC_KEY_DECRYPT, BY_KEY, false },
    { KEY_AGREEMENT, BY_KEY, false },
    { PERFORM_HMAC, BY_KEY, false },
    { SYMMETRIC_KEY_ENCRYPT, BY_KEY, false },
};

static const struct rule *rule_of(enum method_id id)
{
    static const struct rule other;

    for (size_t i = 0; i < NITEMS(RULES); i++)
        if (RULES[i].id == id)
            return &RULES[i];
    return &other;
}

/* FUZZ_TRACE=1 shows what an input does. */
static void trace(const struct sks_method *method, const union sks_in *in, enum sks_status rc,
                  const struct sks_error *err)
{
    if (traced)
        (void)fprintf(stderr, "%-30s %4u  %d %s\n", method->name,
                      strcmp(method->name, "createProvisioningSession") == 0 ? 0 : in->handle, rc,
                      err->text);
}

/* Sends and receives. *decodes: whether the request can be read at all. */
static enum sks_status exchange(struct world *w, enum method_id id, const union sks_in *in,
                                union sks_out *out, bool *decodes)
{
    const struct sks_dialect *dialect =
        id == CREATE_SESSION_2010 ? &SKS_DIALECT_2010 : &SKS_DIALECT_107;
    const struct sks_method *method = sks_method((uint8_t)id), *decoded;
    struct buf request = { 0 }, response = { 0 };
    struct sks_error err = { 0 };
    union sks_in again;
    enum sks_status rc;

    sks_encode_request(&request, method, in);
    must(request.status == SKS_OK, "the request");
    token_process_as(token, dialect, buf_bytes(&request), &response);
    rc = sks_decode_response(arena_copy(&w->arena, buf_bytes(&response)), method, out, &w->arena,
                             &err);
    if (rc != SKS_OK)
        rc = dialect_status(dialect, method, (uint8_t)rc);
    trace(method, in, rc, &err);
    must(rc <= SKS_ERROR_OPTION, err.text[0] == '\0' ? method->name : err.text);
    must((rc == SKS_OK) == (err.text[0] == '\0'), "a failure says why");
    must(rc != SKS_ERROR_STORAGE || id == SET_PROPERTY, "there is room");
    *decodes = rc != SKS_ERROR_OPTION ||
               sks_decode_request(buf_bytes(&request), &decoded, &again, &w->arena, NULL) == SKS_OK;
    buf_free(&request);
    buf_free(&response);
    return rc;
}

/* After a teardown or an abort nothing of the session is left. */
static void must_be_gone(struct world *w, uint32_t session)
{
    static sqlite3_stmt *statement;
    union sks_in in = { .get_key_handle = { session, bytes_of("x") } };
    union sks_out out;
    bool decodes;

    must(exchange(w, GET_KEY_HANDLE, &in, &out, &decodes) == SKS_ERROR_NO_SESSION,
         "the session is gone");
    for (size_t i = 0; i < w->keys; i++) {
        if (w->key[i].session != session || w->key[i].closed)
            continue;
        in = (union sks_in){ .import_key = { .key_handle = w->key[i].handle } };
        must(exchange(w, IMPORT_SYMMETRIC_KEY, &in, &out, &decodes) == SKS_ERROR_NO_KEY,
             "its key is gone");
    }
    must(ask(&statement, "SELECT count(*) FROM object WHERE owner = ?", session) == 0,
         "its rows are gone");
    world_forget_session(w, session);
}

static void must_be_new(enum store_kind kind, uint32_t handle)
{
    must(handle > last_handle[kind], "a handle comes once");
    last_handle[kind] = handle;
}

static void check_new_handle(enum method_id id, const union sks_out *out)
{
    switch (id) {
    case CREATE_PROVISIONING_SESSION:
        must_be_new(STORE_SESSION, out->create_session.provisioning_handle);
        break;
    case CREATE_SESSION_2010:
        must_be_new(STORE_SESSION, out->create_session_2010.provisioning_id);
        break;
    case CREATE_PUK_POLICY:
        must_be_new(STORE_PUK, out->handle.handle);
        break;
    case CREATE_PIN_POLICY:
        must_be_new(STORE_PIN_POLICY, out->handle.handle);
        break;
    case CREATE_KEY_ENTRY:
        must_be_new(STORE_KEY, out->create_key_entry.key_handle);
        break;
    default:
        break;
    }
}

/* The open session that a call is about; 0 if there is none. */
static uint32_t concerned(struct world *w, const struct rule *rule, uint32_t handle)
{
    const struct known_key *key;

    if (rule->by == BY_SESSION)
        return world_session(w, handle, true) == NULL ? 0 : handle;
    key = rule->by == BY_OPEN_KEY ? world_key(w, handle, false) : NULL;
    return key == NULL ? 0 : key->session;
}

enum sks_status world_call(struct world *w, enum method_id id, const union sks_in *in,
                           union sks_out *out)
{
    const struct rule *rule = rule_of(id);
    uint32_t session = concerned(w, rule, in->handle);
    bool key_there = world_key(w, in->handle, true) != NULL, decodes;
    enum sks_status rc = exchange(w, id, in, out, &decodes);

    if (!decodes)
        return rc;
    if (rule->by == BY_SESSION)
        must((rc == SKS_ERROR_NO_SESSION) == (session == 0), "status 6: there is no such session");
    else if (rule->by == BY_OPEN_KEY)
        must(session != 0 || rc == SKS_ERROR_NO_KEY, "status 7: there is no such key");
    else if (rule->by == BY_KEY)
        must((rc == SKS_ERROR_NO_KEY) == !key_there, "status 7: there is no such key");
    if (session != 0 && (rc == SKS_OK ? id == ABORT_PROVISIONING_SESSION : rule->tears_down))
        must_be_gone(w, session);
    if (rc == SKS_OK)
        check_new_handle(id, out);
    return rc;
}

void world_enumerate(struct world *w, uint32_t after)
{
    union sks_in in = { .handle = after };
    union sks_out out;
    size_t count = 0, closed = 0;

    for (size_t i = 0; i < w->keys; i++)
        closed += w->key[i].closed && w->key[i].handle > after;
    for (;;) {
        const struct known_key *key;

        must(world_call(w, ENUMERATE_KEYS, &in, &out) == SKS_OK, "enumerateKeys");
        if (out.enumerate_keys.key_handle == 0)
            break;
        must(out.enumerate_keys.key_handle > in.handle, "in ascending order");
        in.handle = out.enumerate_keys.key_handle;
        key = world_key(w, in.handle, true);
        must(key != NULL && key->session == out.enumerate_keys.provisioning_handle,
             "a key as it should be");
        count++;
    }
    must(count == closed, "all closed keys are enumerated");
}
