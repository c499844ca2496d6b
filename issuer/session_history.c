/* What was said and checked in a session, read back from the database. */
#include "issuer/session_store.h"

#define OF_SESSION " WHERE place >= ? AND place < ?"

static int64_t first_place(const struct session *session)
{
    return session->number * PLACES;
}

static int64_t end_place(const struct session *session)
{
    return first_place(session) + PLACES;
}

enum sks_status session_store_last_answer(struct session_store *store,
                                          const struct session *session, struct arena *arena,
                                          struct bytes *answer, struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    *answer = (struct bytes){ 0 };
    database_lock(store->db);
    row = database_query(store->db,
                         "SELECT body FROM message" OF_SESSION
                         " AND incoming = 0 ORDER BY place DESC LIMIT 1",
                         "ii", first_place(session), end_place(session));
    step = database_step(row, err);
    if (step > 0)
        *answer = arena_copy(arena, database_bytes(row, 0));
    database_done(row);
    if (database_unlock_read(store->db, err) != SKS_OK)
        return SKS_ERROR_STORAGE;
    if (step == 0 || (step > 0 && answer->ptr == NULL))
        return sks_fail(err, SKS_ERROR_STORAGE, "the stored answer cannot be read");
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status count_rows(struct session_store *store, const char *sql,
                                  const struct session *session, size_t *count,
                                  struct sks_error *err)
{
    sqlite3_stmt *row =
        database_query(store->db, sql, "ii", first_place(session), end_place(session));
    int step = database_step(row, err);

    *count = step > 0 ? (size_t)sqlite3_column_int64(row, 0) : 0;
    database_done(row);
    return step > 0 ? SKS_OK : SKS_ERROR_STORAGE;
}

static enum sks_status read_messages(struct session_store *store, const struct session *session,
                                     struct arena *arena, struct stored_message **list,
                                     size_t *count, struct sks_error *err)
{
    sqlite3_stmt *row = NULL;
    enum sks_status rc;

    TRY(count_rows(store, "SELECT count(*) FROM message" OF_SESSION, session, count, err));
    *list = arena_alloc(arena, *count, sizeof **list);
    REQUIRE(*list != NULL, err, SKS_ERROR_STORAGE, "no memory for the messages");
    row = database_query(store->db,
                         "SELECT incoming, at, body FROM message" OF_SESSION " ORDER BY place",
                         "ii", first_place(session), end_place(session));
    for (size_t i = 0; i < *count; i++) {
        REQUIRE(database_step(row, err) > 0, err, SKS_ERROR_STORAGE, "a message is missing");
        (*list)[i].incoming = sqlite3_column_int(row, 0) != 0;
        (*list)[i].at = sqlite3_column_int64(row, 1);
        (*list)[i].body = arena_copy(arena, database_bytes(row, 2));
        REQUIRE((*list)[i].body.ptr != NULL, err, SKS_ERROR_STORAGE, "no memory for the messages");
    }
out:
    database_done(row);
    return rc;
}

enum sks_status session_store_messages(struct session_store *store, const struct session *session,
                                       struct arena *arena, struct stored_message **list,
                                       size_t *count, struct sks_error *err)
{
    enum sks_status rc;

    database_lock(store->db);
    rc = read_messages(store, session, arena, list, count, err);
    database_unlock(store->db);
    return rc;
}

static enum sks_status read_checks(struct session_store *store, const struct session *session,
                                   struct arena *arena, struct check **list, size_t *count,
                                   struct sks_error *err)
{
    sqlite3_stmt *row = NULL;
    enum sks_status rc;

    TRY(count_rows(store, "SELECT count(*) FROM verification" OF_SESSION, session, count, err));
    *list = arena_alloc(arena, *count, sizeof **list);
    REQUIRE(*list != NULL, err, SKS_ERROR_STORAGE, "no memory for the checks");
    row = database_query(
        store->db, "SELECT name, passed, detail FROM verification" OF_SESSION " ORDER BY place",
        "ii", first_place(session), end_place(session));
    for (size_t i = 0; i < *count; i++) {
        REQUIRE(database_step(row, err) > 0, err, SKS_ERROR_STORAGE, "a check is missing");
        (*list)[i].name = arena_text(arena, bytes_of(database_text(row, 0)));
        (*list)[i].passed = sqlite3_column_int(row, 1) != 0;
        (*list)[i].detail = arena_text(arena, bytes_of(database_text(row, 2)));
        REQUIRE((*list)[i].name != NULL && (*list)[i].detail != NULL, err, SKS_ERROR_STORAGE,
                "no memory for the checks");
    }
out:
    database_done(row);
    return rc;
}

enum sks_status session_store_checks(struct session_store *store, const struct session *session,
                                     struct arena *arena, struct check **list, size_t *count,
                                     struct sks_error *err)
{
    enum sks_status rc;

    database_lock(store->db);
    rc = read_checks(store, session, arena, list, count, err);
    database_unlock(store->db);
    return rc;
}
