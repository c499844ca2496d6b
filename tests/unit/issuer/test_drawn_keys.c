#include "issuer/drawn_keys.h"
#include "keygen2/base/arena.h"
#include "keygen2/crypto/public_key.h"
#include "tests/unit/support/issuer/issuer_fixture.h"

#include <criterion/criterion.h>

enum { MANY = 1100 }; /* more than there are places */

static struct drawn_keys *keys;
static EVP_PKEY *key;
static struct buf spki;

static void set_up(void)
{
    keys = drawn_keys_new();
    key = fixture_key(P256_URI);
    cr_assert_eq(put_pkey(&spki, key), SKS_OK);
}

static void tear_down(void)
{
    drawn_keys_free(keys);
    EVP_PKEY_free(key);
    buf_free(&spki);
}

TestSuite(drawn_keys, .init = set_up, .fini = tear_down);

Test(drawn_keys, each_is_given_once)
{
    EVP_PKEY *taken;

    cr_assert_null(drawn_keys_take(keys, buf_bytes(&spki)));
    drawn_keys_keep(keys, buf_bytes(&spki), key);
    taken = drawn_keys_take(keys, buf_bytes(&spki));
    cr_assert_eq(taken, key);
    EVP_PKEY_free(taken);
    cr_assert_null(drawn_keys_take(keys, buf_bytes(&spki)));
}

Test(drawn_keys, another_public_key_gets_none)
{
    drawn_keys_keep(keys, buf_bytes(&spki), key);
    spki.ptr[40] ^= 1; /* the place is the same */
    cr_assert_null(drawn_keys_take(keys, buf_bytes(&spki)));
    spki.ptr[40] ^= 1;
    EVP_PKEY_free(drawn_keys_take(keys, buf_bytes(&spki)));
}

/* One more in the place of another pushes that out, so they cannot grow. */
Test(drawn_keys, they_are_bounded)
{
    size_t found = 0;

    for (size_t i = 0; i < MANY; i++) {
        spki.ptr[spki.len - 1] = (uint8_t)(i >> 8);
        spki.ptr[spki.len - 2] = (uint8_t)i;
        drawn_keys_keep(keys, buf_bytes(&spki), key);
    }
    for (size_t i = 0; i < MANY; i++) {
        EVP_PKEY *taken;

        spki.ptr[spki.len - 1] = (uint8_t)(i >> 8);
        spki.ptr[spki.len - 2] = (uint8_t)i;
        taken = drawn_keys_take(keys, buf_bytes(&spki));
        found += taken != NULL;
        EVP_PKEY_free(taken);
    }
    cr_assert_leq(found, 1024);
    cr_assert_geq(found, 900);
}

Test(drawn_keys, what_is_no_public_key)
{
    uint8_t large[200] = { 0 };

    drawn_keys_keep(keys, bytes_at(large, 1), key);
    drawn_keys_keep(keys, bytes_at(large, sizeof large), key);
    cr_assert_null(drawn_keys_take(keys, bytes_at(large, 1)));
    cr_assert_null(drawn_keys_take(keys, bytes_at(large, sizeof large)));
}
