#include "keygen2/crypto/seal.h"

#include <criterion/criterion.h>

static const uint8_t KEY[SEAL_KEY_SIZE] = { 1, 2, 3 }, OTHER[SEAL_KEY_SIZE] = { 3, 2, 1 };

static struct buf sealed, clear;

static void set_up(void)
{
    cr_assert_eq(seal(KEY, bytes_of("row 1"), bytes_of("secret"), &sealed), SKS_OK);
}

static void tear_down(void)
{
    buf_free(&sealed);
    buf_free(&clear);
}

TestSuite(seal, .init = set_up, .fini = tear_down);

Test(seal, opens_for_its_key_and_identity)
{
    cr_assert_eq(sealed.len, 6 + SEAL_OVERHEAD);
    cr_assert_eq(unseal(KEY, bytes_of("row 1"), buf_bytes(&sealed), &clear), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&clear), bytes_of("secret")));
}

Test(seal, for_no_other)
{
    cr_assert_eq(unseal(KEY, bytes_of("row 2"), buf_bytes(&sealed), &clear), SKS_ERROR_CRYPTO);
    cr_assert_eq(unseal(OTHER, bytes_of("row 1"), buf_bytes(&sealed), &clear), SKS_ERROR_CRYPTO);
    cr_assert_eq(clear.len, 0);
}

Test(seal, any_change_shows)
{
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.ptr[i] ^= 1;
        cr_assert_eq(unseal(KEY, bytes_of("row 1"), buf_bytes(&sealed), &clear), SKS_ERROR_CRYPTO);
        sealed.ptr[i] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len++)
        cr_assert_eq(unseal(KEY, bytes_of("row 1"), bytes_at(sealed.ptr, len), &clear),
                     SKS_ERROR_CRYPTO);
}

Test(seal, never_twice_the_same)
{
    struct buf again = { 0 };

    cr_assert_eq(seal(KEY, bytes_of("row 1"), bytes_of("secret"), &again), SKS_OK);
    cr_assert_not(bytes_equal(buf_bytes(&again), buf_bytes(&sealed)));
    buf_free(&again);
}

Test(seal, nothing)
{
    struct buf empty = { 0 };

    cr_assert_eq(seal(KEY, bytes_of("row 1"), bytes_of(""), &empty), SKS_OK);
    cr_assert_eq(unseal(KEY, bytes_of("row 1"), buf_bytes(&empty), &clear), SKS_OK);
    cr_assert_eq(clear.len, 0);
    buf_free(&empty);
}
