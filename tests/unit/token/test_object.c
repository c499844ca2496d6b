/* Objects and their rows: whoever refers to a PIN or a policy gets that one, or nothing. */
#include "tests/unit/support/token/store_fixture.h"
#include "token/object.h"

#include <criterion/criterion.h>

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

TestSuite(object, .init = open_fixture, .fini = close_fixture);

static void apply(struct changes *changes)
{
    struct sks_error err = { 0 };

    cr_assert(store_apply(fixture.store, changes, &err) == SKS_OK, "%s", err.text);
    changes_free(changes);
}

Test(object, another_pin_under_the_same_handle_is_refused)
{
    struct secret pin = {
        .kind = STORE_PIN, .handle = 1, .closed = true, .value = bytes_of("7391")
    };
    struct reference meant = { .handle = 1 };
    struct changes changes = { 0 };
    struct sks_error err = { 0 };
    bool found = false;

    cr_assert(draw_birth(&pin.birth) == SKS_OK);
    meant.birth = pin.birth;
    secret_put(&changes, fixture.store, &pin);
    apply(&changes);
    cr_assert(secret_load(fixture.store, STORE_PIN, meant, &arena, &pin, &found, &err) == SKS_OK);
    cr_assert(found);
    pin.value = bytes_of("0000"); /* a row of somebody else's that had this handle */
    cr_assert(draw_birth(&pin.birth) == SKS_OK);
    secret_put(&changes, fixture.store, &pin);
    apply(&changes);
    cr_assert(secret_load(fixture.store, STORE_PIN, meant, &arena, &pin, &found, &err) ==
              SKS_ERROR_INTERNAL);
    cr_assert(!found);
}

Test(object, another_policy_under_the_same_handle_is_refused)
{
    struct pin_policy_object policy = { .handle = 1, .closed = true };
    struct reference meant = { .handle = 1, .birth = 42 };
    struct changes changes = { 0 };
    bool found = false;

    policy.birth = 43;
    pin_policy_put(&changes, fixture.store, &policy);
    apply(&changes);
    cr_assert(pin_policy_load(fixture.store, meant, &arena, &policy, &found, NULL) ==
              SKS_ERROR_INTERNAL);
    cr_assert(!found);
    meant.birth = 43;
    cr_assert(pin_policy_load(fixture.store, meant, &arena, &policy, &found, NULL) == SKS_OK);
    cr_assert(found);
}

Test(object, what_nobody_refers_to_is_collected)
{
    struct key key = { .handle = 5, .owner = 2, .closed = true, .pin = { 1, 9 } };
    struct secret pin = { .kind = STORE_PIN, .handle = 1, .birth = 9, .policy = 3 };
    struct changes changes = { 0 };
    struct store_row row;

    key_put(&changes, fixture.store, &key);
    secret_put(&changes, fixture.store, &pin);
    changes_collect(&changes, STORE_PIN, 1, STORE_KEY);
    apply(&changes);
    cr_assert(store_get(fixture.store, STORE_PIN, 1, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 1, "the key lives by it");
    changes_delete(&changes, STORE_KEY, 5);
    changes_collect(&changes, STORE_PIN, 1, STORE_KEY);
    apply(&changes);
    cr_assert(store_get(fixture.store, STORE_PIN, 1, &arena, &row, NULL) == SKS_OK);
    cr_assert_eq(row.handle, 0);
}
