#include "issuer/data_folder.h"
#include "keygen2/crypto/session.h"
#include "keygen2/crypto/signature.h"
#include "tests/unit/support/issuer/issuer_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct issuer_fixture fixture;
static struct key_management *keys;
static struct sks_error err;

static void set_up(void)
{
    issuer_fixture_open(&fixture);
    keys = &fixture.issuer.key_management;
}

static void tear_down(void)
{
    issuer_fixture_close(&fixture);
}

TestSuite(key_management, .init = set_up, .fini = tear_down);

static void roll_over(unsigned expected)
{
    unsigned generation = 0;

    cr_assert_eq(data_folder_roll_over(fixture.folder, &generation, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(generation, expected);
    cr_assert_eq(key_management_newest(keys), expected - 1, "not before it is loaded");
    cr_assert_eq(key_management_load(keys, fixture.folder, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(key_management_newest(keys), expected);
}

Test(key_management, generations)
{
    struct bytes first = key_management_public(keys, 1);

    roll_over(2);
    roll_over(3);
    cr_assert(bytes_equal(first, key_management_public(keys, 1)));
    cr_assert(key_management_private(keys, 0) == NULL && key_management_private(keys, 4) == NULL);
    issuer_fixture_reopen(&fixture);
    cr_assert_eq(key_management_newest(keys), 3);
}

static void assert_authorized(const struct updatable_key_management_key *older, struct bytes newer)
{
    struct buf data = { 0 };
    EVP_PKEY *key;

    put_roll_over(&data, newer);
    cr_assert_eq(public_key_load(older->public_key, &key), SKS_OK);
    cr_assert_eq(verify_sha256(key, buf_bytes(&data), older->authorization), SKS_OK);
    EVP_PKEY_free(key);
    buf_free(&data);
}

Test(key_management, chains)
{
    struct arena arena = { 0 };
    struct json_array chain;
    unsigned length = 0;

    cr_assert_eq(key_management_chain(keys, 1, &arena, &chain), SKS_OK);
    cr_assert_eq(chain.count, 0);
    for (unsigned i = 2; i <= KEYGEN2_GENERATIONS_MAX + 2; i++)
        roll_over(i);
    for (unsigned newest = 2; newest <= KEYGEN2_GENERATIONS_MAX + 2; newest++) {
        struct bytes above = key_management_public(keys, newest);

        cr_assert_eq(key_management_chain(keys, newest, &arena, &chain), SKS_OK);
        for (length = 0; chain.count > 0; length++) {
            const struct updatable_key_management_key *link = chain.item;

            cr_assert_eq(chain.count, 1);
            cr_assert(
                bytes_equal(link->public_key, key_management_public(keys, newest - 1 - length)));
            assert_authorized(link, above);
            above = link->public_key;
            chain = link->updatable_key_management_keys;
        }
        cr_assert_eq(length,
                     newest - 1 < KEYGEN2_GENERATIONS_MAX ? newest - 1 : KEYGEN2_GENERATIONS_MAX);
    }
    arena_free(&arena);
}

static void path_of(char path[128], const char *name)
{
    (void)snprintf(path, 128, "%s/%s", fixture.folder, name);
}

Test(key_management, folders_from_before_generations)
{
    char old[128], new[128];
    struct buf before = { 0 };

    path_of(old, "kmk.key");
    path_of(new, "kmk-1.key");
    put_raw(&before, key_management_public(keys, 1));
    cr_assert_eq(rename(new, old), 0);
    issuer_fixture_reopen(&fixture);
    cr_assert(bytes_equal(buf_bytes(&before), key_management_public(keys, 1)));
    cr_assert_eq(access(new, F_OK), -1);
    roll_over(2);
    buf_free(&before);
}

Test(key_management, a_generation_that_was_lost)
{
    struct key_management loaded = { 0 };
    char path[128];
    unsigned generation;

    roll_over(2);
    roll_over(3);
    path_of(path, "kmk-2.key");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(key_management_load(&loaded, fixture.folder, &err), SKS_ERROR_EXTERNAL);
    cr_assert(strstr(err.text, "of generation 3, but none of 2") != NULL, "%s", err.text);
    cr_assert_eq(data_folder_roll_over(fixture.folder, &generation, &err), SKS_ERROR_EXTERNAL);
    key_management_free(&loaded);
}

Test(key_management, no_more_than_there_is_room_for)
{
    unsigned generation;

    for (unsigned i = 2; i <= GENERATIONS_MAX; i++)
        cr_assert_eq(data_folder_roll_over(fixture.folder, &generation, &err), SKS_OK);
    cr_assert_eq(data_folder_roll_over(fixture.folder, &generation, &err), SKS_ERROR_NOT_ALLOWED);
    cr_assert_eq(key_management_load(keys, fixture.folder, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(key_management_newest(keys), GENERATIONS_MAX);
}
