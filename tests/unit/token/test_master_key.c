/* The master key of a store: found, also in the middle of a change, and changed as a whole. */
#include "keygen2/base/files.h"
#include "tests/unit/support/token/store_fixture.h"
#include "token/authorization.h"
#include "token/master_key.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 3 };

static const struct reference PIN = { 1, 77 };
static struct store_fixture fixture;
static struct arena arena;
static struct sks_error err;
static char pending[128], other_key[128];

static void put_pin(uint16_t charged, const char *candidate)
{
    struct secret pin = { .kind = STORE_PIN,
                          .handle = PIN.handle,
                          .birth = PIN.birth,
                          .closed = true,
                          .value = bytes_of("4711"),
                          .tries.charged = charged,
                          .tries.has_candidate = candidate != NULL };
    struct changes changes = { 0 };
    struct buf tried = { 0 };

    if (candidate != NULL) {
        put_byte(&tried, STORE_PIN);
        put_uint(&tried, PIN.handle);
        put_text(&tried, candidate);
        cr_assert_eq(vault_mac(fixture.vault, buf_bytes(&tried), pin.tries.candidate), SKS_OK);
    }
    secret_put(&changes, fixture.store, &pin);
    cr_assert_eq(store_apply(fixture.store, &changes, &err), SKS_OK, "%s", err.text);
    changes_free(&changes);
    buf_free(&tried);
}

static void set_up(void)
{
    store_fixture_open(&fixture);
    (void)snprintf(pending, sizeof pending, "%s.pending", fixture.key_file);
    (void)snprintf(other_key, sizeof other_key, "%s/other.key", fixture.folder);
    put_pin(0, NULL);
}

static void tear_down(void)
{
    (void)unlink(pending);
    (void)unlink(other_key);
    arena_free(&arena);
    store_fixture_close(&fixture);
}

TestSuite(master_key, .init = set_up, .fini = tear_down);

static void close_store(void)
{
    store_close(fixture.store);
    vault_close(fixture.vault);
    fixture.store = NULL;
    fixture.vault = NULL;
}

static enum sks_status open_store(void)
{
    err = (struct sks_error){ 0 };
    return master_key_open(fixture.database, fixture.key_file, &fixture.vault, &fixture.store,
                           &err);
}

static enum sks_status change(const char *new_file)
{
    err = (struct sks_error){ 0 };
    return master_key_change(fixture.store, &fixture.vault, fixture.key_file, new_file, &err);
}

static void change_and_reopen(void)
{
    cr_assert_eq(change(NULL), SKS_OK, "%s", err.text);
    close_store();
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
}

static struct secret read_pin(void)
{
    struct secret pin = { 0 };
    bool found = false;

    cr_assert_eq(secret_load(fixture.store, STORE_PIN, PIN, &arena, &pin, &found, &err), SKS_OK,
                 "%s", err.text);
    cr_assert(found);
    return pin;
}

/* ---- a change ---- */

Test(master_key, rows_open_with_the_new_key_and_no_other)
{
    struct vault *old;

    cr_assert_eq(vault_copy_key(fixture.key_file, false, other_key, &err), SKS_OK, "%s", err.text);
    change_and_reopen();
    cr_assert(bytes_equal(read_pin().value, bytes_of("4711")));
    cr_assert(!file_exists(pending));
    cr_assert_eq(vault_open_file(other_key, &old, &err), SKS_OK, "%s", err.text);
    cr_assert(!vault_is_same(old, fixture.vault));
    store_use_vault(fixture.store, old);
    cr_assert(!store_fits(fixture.store));
    vault_close(old);
}

Test(master_key, tries_are_settled)
{
    static const struct {
        uint16_t charged;
        const char *candidate;
        uint16_t wrong;
    } cases[] = {
        { 0, NULL, 0 }, { 2, NULL, 2 }, { 2, "4711", 1 }, { 2, "0000", 2 }, { 1, "4711", 0 }
    };
    struct authorization *a;
    uint16_t count;

    for (size_t i = 0; i < NITEMS(cases); i++) {
        put_pin(cases[i].charged, cases[i].candidate);
        change_and_reopen();
        cr_expect_eq(read_pin().tries.charged, cases[i].wrong, "case %zu", i);
        cr_expect(!read_pin().tries.has_candidate);
        a = authorization_new(fixture.store, fixture.vault, 0);
        cr_assert_eq(authorization_count(a, STORE_PIN, PIN, &count, &err), SKS_OK);
        cr_expect_eq(count, cases[i].wrong);
        cr_assert_eq(authorization_try(a, STORE_PIN, PIN, LIMIT, bytes_of("4711"), &err), SKS_OK);
        authorization_free(a);
    }
}

Test(master_key, a_key_of_the_owner)
{
    struct vault *given;

    cr_assert_eq(vault_create(other_key, &err), SKS_OK);
    cr_assert_eq(change(other_key), SKS_OK, "%s", err.text);
    close_store();
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    cr_assert_eq(vault_open_file(other_key, &given, &err), SKS_OK);
    cr_assert(vault_is_same(given, fixture.vault), "installed, and left where it was");
    vault_close(given);
    cr_assert_eq(change(other_key), SKS_ERROR_OPTION);
    cr_assert(strstr(err.text, "is the one that the store has") != NULL, "%s", err.text);
}

Test(master_key, a_key_that_is_not_there_is_drawn)
{
    cr_assert_eq(change(other_key), SKS_OK, "%s", err.text);
    cr_assert(file_exists(other_key));
    close_store();
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    (void)read_pin();
}

Test(master_key, of_the_environment_is_not_replaced)
{
    struct buf key = { 0 };
    char text[65];

    cr_assert_eq(file_read(fixture.key_file, 100, &key, &err), SKS_OK);
    cr_assert_eq(bytes_to_text(bytes_at(key.ptr, 64), text, sizeof text), SKS_OK);
    (void)setenv(MASTER_KEY_VARIABLE, text, 1);
    close_store();
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    cr_assert_eq(change(NULL), SKS_ERROR_OPTION);
    cr_assert(strstr(err.text, "--new-master-key") != NULL, "%s", err.text);
    cr_assert_eq(change(other_key), SKS_OK, "%s", err.text);
    close_store();
    cr_assert_eq(open_store(), SKS_ERROR_EXTERNAL, "the old one is in the environment still");
    cr_assert(strstr(err.text, MASTER_KEY_VARIABLE) != NULL, "%s", err.text);
    (void)unsetenv(MASTER_KEY_VARIABLE);
    cr_assert_eq(open_store(), SKS_ERROR_EXTERNAL, "and in the file");
    cr_assert_eq(rename(other_key, fixture.key_file), 0);
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    buf_free(&key);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    char *text = NULL;

    close_store();
    cr_assert_eq(sqlite3_open(fixture.database, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &text), SQLITE_OK, "%s", text);
    cr_assert_gt(sqlite3_changes(db), 0);
    (void)sqlite3_close(db);
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
}

Test(master_key, damage_is_refused_and_nothing_changed)
{
    static const char *const SQL[] = {
        "INSERT INTO object SELECT kind, 2, owner, refers, closed, name, tag, body FROM object",
        "UPDATE object SET body = x'00' WHERE handle = 2",
        "UPDATE object SET handle = 'two' WHERE handle = 2",
    };

    for (size_t i = 0; i < NITEMS(SQL); i++) {
        run_sql(SQL[i]);
        cr_expect_eq(change(NULL), SKS_ERROR_INTERNAL, "%s", SQL[i]);
        cr_expect(err.text[0] != '\0');
        close_store();
        cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
        cr_expect(bytes_equal(read_pin().value, bytes_of("4711")));
    }
    run_sql("DELETE FROM object WHERE handle <> 1");
    change_and_reopen();
}

/* ---- cut off in the middle ---- */

static enum sks_status keep(void *ctx, struct store_row *row, struct arena *a, struct sks_error *e)
{
    (void)ctx, (void)row, (void)a, (void)e;
    return SKS_OK;
}

Test(master_key, a_change_before_the_transaction_means_nothing)
{
    cr_assert_eq(vault_create(pending, &err), SKS_OK);
    close_store();
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    (void)read_pin();
    cr_assert(file_exists(pending), "left alone: it might be somebody's only copy");
    change_and_reopen();
    cr_assert(!file_exists(pending));
}

Test(master_key, a_change_behind_the_transaction_is_finished)
{
    struct vault *new_vault;

    cr_assert_eq(vault_create(pending, &err), SKS_OK);
    cr_assert_eq(vault_open_file(pending, &new_vault, &err), SKS_OK);
    cr_assert_eq(store_reseal(fixture.store, new_vault, keep, NULL, &err), SKS_OK, "%s", err.text);
    close_store();
    vault_close(new_vault);
    cr_assert_eq(master_key_open_copy(fixture.database, fixture.key_file, &fixture.vault,
                                      &fixture.store, &err),
                 SKS_ERROR_EXTERNAL, "who may not finish it does not");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
        cr_assert(!file_exists(pending));
        (void)read_pin();
        close_store();
    }
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
}

Test(master_key, a_key_that_is_only_pending_is_installed)
{
    close_store();
    cr_assert_eq(rename(fixture.key_file, pending), 0);
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
    cr_assert(file_exists(fixture.key_file));
    (void)read_pin();
}

Test(master_key, another_key_opens_nothing)
{
    close_store();
    cr_assert_eq(rename(fixture.key_file, other_key), 0);
    cr_assert_eq(open_store(), SKS_ERROR_EXTERNAL);
    cr_assert_eq(vault_create(fixture.key_file, &err), SKS_OK);
    cr_assert_eq(vault_create(pending, &err), SKS_OK);
    cr_assert_eq(open_store(), SKS_ERROR_EXTERNAL);
    cr_assert(strstr(err.text, "another master key") != NULL, "%s", err.text);
    cr_assert_null(fixture.store);
    cr_assert_null(fixture.vault);
    cr_assert_eq(rename(other_key, fixture.key_file), 0);
    cr_assert_eq(open_store(), SKS_OK, "%s", err.text);
}
