/* Objects and their rows: whoever refers to a PIN or a policy gets that one, or nothing. */
#include "tests/unit/support/token/store_fixture.h"
#include "token/object.h"

#include <criterion/criterion.h>
#include <string.h>

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

/* ---- layouts of a key ---- */

static const struct reference PIN_OF_KEY = { 1, 9 };

/* A key's row, its body altered: another layout number, some bytes less at the end. */
static enum sks_status reload_key(uint8_t layout, size_t less, struct key *key)
{
    const struct key written = { .handle = 5,
                                 .owner = 2,
                                 .closed = true,
                                 .friendly_name = bytes_of("name"),
                                 .pin = PIN_OF_KEY,
                                 .key_backup = KEY_BACKUP_EXPORTED,
                                 .device_pin_protection = true };
    struct changes changes = { 0 };
    struct store_row row;
    uint8_t *body;
    bool found = false;

    key_put(&changes, fixture.store, &written);
    apply(&changes);
    cr_assert(store_get(fixture.store, STORE_KEY, 5, &arena, &row, NULL) == SKS_OK);
    body = arena_alloc(&arena, row.body.len, 1);
    cr_assert_not_null(body);
    memcpy(body, row.body.ptr, row.body.len);
    body[0] = layout;
    row.body = bytes_at(body, row.body.len - less);
    changes_put(&changes, fixture.store, &row);
    apply(&changes);
    return key_load(fixture.store, 5, &arena, key, &found, NULL);
}

Test(object, a_key_with_a_device_pin_keeps_it)
{
    struct key key;

    cr_assert(reload_key(2, 0, &key) == SKS_OK);
    cr_assert(key.device_pin_protection);
}

Test(object, a_key_of_the_first_layout_has_no_device_pin)
{
    struct key key;

    cr_assert(reload_key(1, 1, &key) == SKS_OK);
    cr_assert(!key.device_pin_protection);
    cr_assert_eq(key.pin.handle, PIN_OF_KEY.handle);
    cr_assert_eq(key.pin.birth, PIN_OF_KEY.birth);
    cr_assert_eq(key.key_backup, KEY_BACKUP_EXPORTED);
    cr_assert(bytes_equal(key.friendly_name, bytes_of("name")));
}

Test(object, a_key_that_is_not_as_its_layout_says_is_refused)
{
    static const struct {
        uint8_t layout;
        size_t less;
    } wrong[] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 2, 1 }, { 3, 0 }, { 3, 1 } };
    struct key key;

    for (size_t i = 0; i < NITEMS(wrong); i++)
        cr_expect(reload_key(wrong[i].layout, wrong[i].less, &key) == SKS_ERROR_INTERNAL);
}
