/* The token's store: rows found by each way, all or nothing, sealed, handles never used again. */
#include "tests/unit/support/token/store_fixture.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

static struct store_fixture fixture;
static struct arena arena;

static void open_fixture(void)
{
    store_fixture_open(&fixture);
}

static void close_fixture(void)
{
    arena_free(&arena);
    store_fixture_close(&fixture);
}

TestSuite(store, .init = open_fixture, .fini = close_fixture);

static void put(const struct store_row *row)
{
    struct changes changes = { 0 };
    struct sks_error err = { 0 };

    changes_put(&changes, fixture.store, row);
    cr_assert(store_apply(fixture.store, &changes, &err) == SKS_OK, "%s", err.text);
    changes_free(&changes);
}

static struct store_row get(enum store_kind kind, uint32_t handle)
{
    struct store_row row;
    struct sks_error err = { 0 };

    cr_assert(store_get(fixture.store, kind, handle, &arena, &row, &err) == SKS_OK, "%s", err.text);
    return row;
}

Test(store, a_row_comes_back_by_every_way)
{
    const struct store_row key = { .kind = STORE_KEY,
                                   .handle = 7,
                                   .owner = 3,
                                   .name = bytes_of("Key.1"),
                                   .tag = bytes_of("fingerprint"),
                                   .body = bytes_of("secret") };
    struct store_row row;

    put(&key);
    store_fixture_reopen(&fixture);
    cr_assert(bytes_equal(get(STORE_KEY, 7).body, key.body));
    cr_assert_eq(get(STORE_KEY, 8).handle, 0);
    cr_assert_eq(get(STORE_PIN, 7).handle, 0);
    cr_assert(store_next(fixture.store, STORE_KEY, false, 6, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    cr_assert(store_next(fixture.store, STORE_KEY, false, 7, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 0);
    cr_assert(store_next(fixture.store, STORE_KEY, true, 0, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 0, "it is not closed");
    cr_assert(store_next_owned(fixture.store, STORE_KEY, 3, 0, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    cr_assert(store_by_name(fixture.store, 3, key.name, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    cr_assert(store_by_name(fixture.store, 4, key.name, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 0);
    cr_assert(store_next_tagged(fixture.store, key.tag, 0, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
}

Test(store, numbers_alone_come_without_an_arena)
{
    const struct store_row key = { .kind = STORE_KEY,
                                   .handle = 7,
                                   .owner = 3,
                                   .refers = 2,
                                   .closed = true,
                                   .name = bytes_of("Key.1"),
                                   .tag = bytes_of("fingerprint"),
                                   .body = bytes_of("secret") };
    struct store_row row;

    put(&key);
    cr_assert(store_get(fixture.store, STORE_KEY, 7, NULL, &row, NULL) == SKS_OK);
    cr_assert(row.kind == STORE_KEY && row.handle == 7 && row.owner == 3 && row.refers == 2 &&
              row.closed);
    cr_assert(row.name.ptr == NULL && row.tag.ptr == NULL && row.body.ptr == NULL);
    cr_assert(store_next_tagged(fixture.store, key.tag, 6, NULL, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    cr_assert(store_next_tagged(fixture.store, key.tag, 7, NULL, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 0);
}

static enum sks_status put_content(const struct store_row *row)
{
    struct changes changes = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    changes_put_content(&changes, fixture.store, row);
    rc = store_apply(fixture.store, &changes, &err);
    changes_free(&changes);
    return rc;
}

Test(store, a_body_and_a_tag_are_replaced_alone)
{
    struct store_row key = { .kind = STORE_KEY,
                             .handle = 7,
                             .owner = 3,
                             .name = bytes_of("Key.1"),
                             .body = bytes_of("old") };
    struct store_row row;

    put(&key);
    key.body = bytes_of("new");
    key.tag = bytes_of("fingerprint");
    cr_assert(put_content(&key) == SKS_OK);
    cr_assert(bytes_equal(get(STORE_KEY, 7).body, bytes_of("new")));
    cr_assert(store_next_tagged(fixture.store, key.tag, 0, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    cr_assert(store_by_name(fixture.store, 3, key.name, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 7);
    key.handle = 8;
    cr_assert(put_content(&key) == SKS_ERROR_INTERNAL, "there is no such row");
    key.handle = 7;
    key.closed = true; /* not what is stored: it must not unseal */
    cr_assert(put_content(&key) == SKS_OK);
    cr_assert(store_get(fixture.store, STORE_KEY, 7, &arena, &row, NULL) == SKS_ERROR_INTERNAL);
}

Test(store, a_change_set_is_all_or_nothing)
{
    const struct store_row first = {
        .kind = STORE_KEY, .handle = 1, .owner = 1, .name = bytes_of("Key.1"), .body = bytes_of("a")
    };
    struct store_row twin = first;
    struct changes changes = { 0 };
    struct sks_error err = { 0 };

    twin.handle = 2; /* the same name in the same owner: the database refuses */
    changes_put(&changes, fixture.store, &first);
    changes_put(&changes, fixture.store, &twin);
    cr_assert(store_apply(fixture.store, &changes, &err) != SKS_OK);
    changes_free(&changes);
    cr_assert_eq(get(STORE_KEY, 1).handle, 0, "nothing of it is there");
    put(&first);
    cr_assert_eq(get(STORE_KEY, 1).handle, 1, "and the store goes on");
}

Test(store, deleting_an_owner_takes_all_it_owns)
{
    struct changes changes = { 0 };

    put(&(struct store_row){
        .kind = STORE_SESSION, .handle = 5, .owner = 5, .body = bytes_of("s") });
    put(&(struct store_row){ .kind = STORE_KEY, .handle = 9, .owner = 5, .body = bytes_of("k") });
    put(&(struct store_row){ .kind = STORE_KEY, .handle = 10, .owner = 6, .body = bytes_of("k") });
    changes_delete_owned(&changes, 5);
    cr_assert(store_apply(fixture.store, &changes, NULL) == SKS_OK);
    changes_free(&changes);
    cr_assert_eq(get(STORE_SESSION, 5).handle, 0);
    cr_assert_eq(get(STORE_KEY, 9).handle, 0);
    cr_assert_eq(get(STORE_KEY, 10).handle, 10);
}

Test(store, handles_are_never_used_again)
{
    uint32_t first = store_new_handle(fixture.store, STORE_SESSION);
    struct changes changes = { 0 };

    cr_assert_eq(first, 1);
    put(&(struct store_row){
        .kind = STORE_SESSION, .handle = first, .owner = first, .body = bytes_of("s") });
    changes_delete_owned(&changes, first);
    cr_assert(store_apply(fixture.store, &changes, NULL) == SKS_OK);
    changes_free(&changes);
    store_fixture_reopen(&fixture);
    cr_assert_eq(store_new_handle(fixture.store, STORE_SESSION), 2);
    cr_assert_eq(store_new_handle(fixture.store, STORE_KEY), 1, "each kind counts for itself");
}

/* Runs SQL on the closed database, as somebody with the disk in hand could. */
static void tamper(const char *sql)
{
    sqlite3 *db;
    char *text = NULL;

    store_close(fixture.store);
    cr_assert_eq(sqlite3_open(fixture.database, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &text), SQLITE_OK, "%s", text);
    cr_assert_eq(sqlite3_changes(db) > 0, 1);
    (void)sqlite3_close(db);
    cr_assert(store_open(fixture.database, fixture.vault, &fixture.store, NULL) == SKS_OK);
}

Test(store, no_column_can_be_altered)
{
    static const char *const SQL[] = {
        "UPDATE object SET handle = 8 WHERE handle = 7",
        "UPDATE object SET owner = 4",
        "UPDATE object SET refers = 4",
        "UPDATE object SET closed = 1",
        "UPDATE object SET name = 'Key.2'",
        "UPDATE object SET tag = 'other'",
        "UPDATE object SET kind = 5",
        "UPDATE object SET body = substr(body, 1, length(body) - 1)",
        "UPDATE object SET body = body || x'00'",
        "UPDATE object SET body = x''",
        /* two rows swapped */
        ("INSERT INTO object SELECT kind, 9, owner, refers, closed, 'x', tag, body FROM object;"
         "DELETE FROM object WHERE handle = 7"),
    };

    for (size_t i = 0; i < NITEMS(SQL); i++) {
        struct changes changes = { 0 };
        struct store_row row;
        struct sks_error err = { 0 };
        unsigned refused = 0;

        put(&(struct store_row){ .kind = STORE_KEY,
                                 .handle = 7,
                                 .owner = 3,
                                 .name = bytes_of("Key.1"),
                                 .tag = bytes_of("t"),
                                 .body = bytes_of("secret") });
        tamper(SQL[i]);
        for (uint32_t kind = STORE_PIN; kind <= STORE_KEY; kind++)
            for (uint32_t handle = 7; handle <= 9; handle++)
                refused += store_get(fixture.store, (enum store_kind)kind, handle, &arena, &row,
                                     &err) == SKS_ERROR_INTERNAL;
        cr_expect_eq(refused, 1, "%s", SQL[i]);
        changes_delete_owned(&changes, 3);
        changes_delete_owned(&changes, 4);
        cr_assert(store_apply(fixture.store, &changes, NULL) == SKS_OK);
        changes_free(&changes);
    }
}

Test(store, secrets_are_not_in_the_file)
{
    const char secret[] = "a secret that must not be on the disk";
    FILE *file;
    size_t match = 0;
    int c;

    put(&(struct store_row){
        .kind = STORE_PIN, .handle = 1, .owner = 1, .body = bytes_of(secret) });
    store_fixture_reopen(&fixture);
    file = fopen(fixture.database, "rb");
    cr_assert_not_null(file);
    while ((c = fgetc(file)) != EOF && match < sizeof secret - 1)
        match = c == secret[match] ? match + 1 : c == secret[0];
    (void)fclose(file);
    cr_assert_lt(match, sizeof secret - 1);
}

Test(store, another_master_key_opens_nothing)
{
    struct store_row row;
    struct vault *other;
    struct store *store;

    put(&(struct store_row){ .kind = STORE_PIN, .handle = 1, .owner = 1, .body = bytes_of("x") });
    store_close(fixture.store);
    (void)setenv(MASTER_KEY_VARIABLE,
                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1);
    cr_assert(vault_open(fixture.key_file, &other, NULL) == SKS_OK);
    (void)unsetenv(MASTER_KEY_VARIABLE);
    cr_assert(store_open(fixture.database, other, &store, NULL) == SKS_OK);
    cr_assert(store_get(store, STORE_PIN, 1, &arena, &row, NULL) == SKS_ERROR_INTERNAL);
    store_close(store);
    vault_close(other);
    cr_assert(store_open(fixture.database, fixture.vault, &fixture.store, NULL) == SKS_OK);
}

Test(store, a_readable_master_key_is_refused)
{
    struct vault *vault;
    struct sks_error err = { 0 };

    cr_assert_eq(chmod(fixture.key_file, 0644), 0);
    cr_assert(vault_open(fixture.key_file, &vault, &err) != SKS_OK);
    cr_assert_null(vault);
    cr_assert(err.text[0] != '\0');
}
