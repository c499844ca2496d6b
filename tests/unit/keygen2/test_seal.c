#include "keygen2/crypto/seal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

enum { NONCE = 12, NONCES = 200 };

static void draw_nonce(uint8_t nonce[NONCE])
{
    struct buf one = { 0 };

    cr_assert_eq(seal(KEY, bytes_of(""), bytes_of(""), &one), SKS_OK);
    memcpy(nonce, one.ptr, NONCE);
    buf_free(&one);
}

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, NONCE);
}

/* Nonces are drawn ahead: those of a child must not be those of its parent. */
Test(seal, no_nonce_twice)
{
    static uint8_t nonce[NONCES * NONCE];
    int pipe_end[2];
    pid_t child;

    cr_assert_eq(pipe(pipe_end), 0);
    child = fork();
    for (size_t i = 0; i < NONCES / 2; i++)
        draw_nonce(nonce + i * NONCE);
    if (child == 0) {
        (void)!write(pipe_end[1], nonce, sizeof nonce / 2);
        _exit(0);
    }
    cr_assert_eq(read(pipe_end[0], nonce + sizeof nonce / 2, sizeof nonce / 2), sizeof nonce / 2);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    qsort(nonce, NONCES, NONCE, compare_nonces);
    for (size_t i = 1; i < NONCES; i++)
        cr_expect_neq(memcmp(nonce + (i - 1) * NONCE, nonce + i * NONCE, NONCE), 0);
}

Test(seal, nothing)
{
    struct buf empty = { 0 };

    cr_assert_eq(seal(KEY, bytes_of("row 1"), bytes_of(""), &empty), SKS_OK);
    cr_assert_eq(unseal(KEY, bytes_of("row 1"), buf_bytes(&empty), &clear), SKS_OK);
    cr_assert_eq(clear.len, 0);
    buf_free(&empty);
}
