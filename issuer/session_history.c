/* What was said and checked in a session, read back from the database. */
#include "issuer/session_store.h"
#include "keygen2/message/keygen2.h"

#include <string.h>

#define OF_SESSION " FROM exchange WHERE place >= ? AND place < ?"

static int64_t first_place(const struct session *session)
{
    return session->number * CHANGES_MAX;
}

static int64_t end_place(const struct session *session)
{
    return first_place(session) + CHANGES_MAX;
}

/* ---- checks: JSON, so that any tool can read them in the database ---- */

void put_checks(struct buf *out, const struct check *check, size_t count)
{
    put_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        put_text(out, i == 0 ? "[" : ",[");
        json_put_text(out, bytes_of(check[i].name));
        put_text(out, check[i].passed ? ",1," : ",0,");
        json_put_text(out, bytes_of(check[i].detail));
        put_byte(out, ']');
    }
    put_byte(out, ']');
}

static bool get_check(json_t *value, struct arena *arena, struct check *check)
{
    const char *name, *detail;
    size_t name_len, detail_len;
    int passed;

    if (json_unpack(value, "[s%is%!]", &name, &name_len, &passed, &detail, &detail_len) != 0)
        return false;
    check->name = arena_text(arena, bytes_at(name, name_len));
    check->passed = passed != 0;
    check->detail = arena_text(arena, bytes_at(detail, detail_len));
    return check->name != NULL && check->detail != NULL;
}

/* ---- a growing list of what a session has ---- */

struct list {
    void *item;
    size_t count, room;
};

static void *add_item(struct list *list, struct arena *arena, size_t size)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        void *more = arena_alloc(arena, room, size);

        if (more == NULL)
            return NULL;
        if (list->count > 0)
            memcpy(more, list->item, list->count * size);
        list->item = more;
        list->room = room;
    }
    return (uint8_t *)list->item + size * list->count++;
}

static bool add_message(struct list *list, struct arena *arena, sqlite3_stmt *row, int column,
                        bool incoming)
{
    struct stored_message *message;

    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return true;
    message = add_item(list, arena, sizeof *message);
    if (message == NULL)
        return false;
    message->incoming = incoming;
    message->at = sqlite3_column_int64(row, 0);
    message->body = arena_copy(arena, database_bytes(row, column));
    return message->body.ptr != NULL;
}

static bool add_checks(struct list *list, struct arena *arena, sqlite3_stmt *row)
{
    struct bytes text = database_bytes(row, 0);
    json_t *array = json_loadb((const char *)text.ptr, text.len, 0, NULL), *value;
    bool good = json_is_array(array);
    size_t i;

    json_array_foreach(array, i, value)
    {
        struct check *check = good ? add_item(list, arena, sizeof *check) : NULL;

        good = check != NULL && get_check(value, arena, check);
    }
    json_decref(array);
    return good;
}

/* ---- reading ---- */

enum sks_status session_store_last_answer(struct session_store *store,
                                          const struct session *session, struct arena *arena,
                                          struct bytes *answer, struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    *answer = (struct bytes){ 0 };
    database_lock(store->db);
    row = database_query(
        store->db, "SELECT answer" OF_SESSION " AND answer IS NOT NULL ORDER BY place DESC LIMIT 1",
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

typedef bool row_adder(struct list *list, struct arena *arena, sqlite3_stmt *row);

/* Makes a list of what a session has. @param sql a literal, of OF_SESSION @param why it failed */
static enum sks_status read_list(struct session_store *store, const struct session *session,
                                 const char *sql, row_adder *add, struct arena *arena,
                                 struct list *list, const char *why, struct sks_error *err)
{
    sqlite3_stmt *row;
    bool good = true;
    int step;

    database_lock(store->db);
    row = database_query(store->db, sql, "ii", first_place(session), end_place(session));
    while (good && (step = database_step(row, err)) > 0)
        good = add(list, arena, row);
    database_done(row);
    database_unlock(store->db);
    if (!good)
        return sks_fail(err, SKS_ERROR_STORAGE, "%s", why);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}

static bool add_messages(struct list *list, struct arena *arena, sqlite3_stmt *row)
{
    return add_message(list, arena, row, 1, true) && add_message(list, arena, row, 2, false);
}

enum sks_status session_store_messages(struct session_store *store, const struct session *session,
                                       struct arena *arena, struct stored_message **messages,
                                       size_t *count, struct sks_error *err)
{
    struct list list = { 0 };
    enum sks_status rc =
        read_list(store, session, "SELECT at, message, answer" OF_SESSION " ORDER BY place",
                  add_messages, arena, &list, "no memory for the messages", err);

    *messages = list.item;
    *count = list.count;
    return rc;
}

enum sks_status session_store_checks(struct session_store *store, const struct session *session,
                                     struct arena *arena, struct check **checks, size_t *count,
                                     struct sks_error *err)
{
    struct list list = { 0 };
    enum sks_status rc =
        read_list(store, session, "SELECT checks" OF_SESSION " ORDER BY place", add_checks, arena,
                  &list, "the stored checks cannot be read", err);

    *checks = list.item;
    *count = list.count;
    return rc;
}

/* ---- one after the other ---- */

static bool add_exchange(struct list *list, struct arena *arena, sqlite3_stmt *row)
{
    struct stored_exchange *exchange = add_item(list, arena, sizeof *exchange);
    struct list checks = { 0 };

    if (exchange == NULL || !add_checks(&checks, arena, row))
        return false;
    *exchange = (struct stored_exchange){
        .at = sqlite3_column_int64(row, 1),
        .check = checks.item,
        .checks = checks.count,
    };
    if (sqlite3_column_type(row, 2) != SQLITE_NULL) {
        exchange->message_size = database_bytes(row, 2).len;
        exchange->message = keygen2_qualifier(database_bytes(row, 2));
    }
    if (sqlite3_column_type(row, 3) != SQLITE_NULL) {
        exchange->answer_size = database_bytes(row, 3).len;
        exchange->answer = keygen2_qualifier(database_bytes(row, 3));
    }
    return true;
}

enum sks_status session_store_exchanges(struct session_store *store, const struct session *session,
                                        struct arena *arena, struct stored_exchange **exchanges,
                                        size_t *count, struct sks_error *err)
{
    struct list list = { 0 };
    enum sks_status rc =
        read_list(store, session, "SELECT checks, at, message, answer" OF_SESSION " ORDER BY place",
                  add_exchange, arena, &list, "what was said and checked cannot be read", err);

    *exchanges = list.item;
    *count = list.count;
    return rc;
}

enum sks_status session_store_each_open(struct session_store *store,
                                        void (*each)(void *ctx, struct bytes cookie_hash,
                                                     int64_t expires),
                                        void *ctx, struct sks_error *err)
{
    sqlite3_stmt *row;
    int step;

    database_lock(store->db);
    row = database_query(store->db, "SELECT cookie, expires FROM session WHERE verdict = 0", "");
    while ((step = database_step(row, err)) > 0)
        each(ctx, database_bytes(row, 0), sqlite3_column_int64(row, 1));
    database_unlock(store->db);
    return step < 0 ? SKS_ERROR_STORAGE : SKS_OK;
}
