/* What several threads get out of a pool: tests/plain/key_pool_threads.c. */
#include "keygen2/crypto/key_pool.h"
#include "keygen2/crypto/public_key.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#define SKS_URI "https://webpki.github.io/sks/algorithm#"

enum { PATIENCE_MS = 60000 };

static const struct algorithm *row(const char *uri)
{
    return algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION);
}

static const struct algorithm *p256(void)
{
    return row(SKS_URI "ec.nist.p256");
}

static struct key_pool *new_pool(const struct algorithm *algorithm, size_t size)
{
    struct key_pool *pool;

    cr_assert_eq(key_pool_new(algorithm, size, &pool), SKS_OK);
    return pool;
}

static void nap(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A key, however long it takes to be made. */
static EVP_PKEY *wait_for_key(struct key_pool *pool, const struct algorithm *algorithm)
{
    EVP_PKEY *pkey = NULL;

    for (unsigned n = 0; n < PATIENCE_MS && (pkey = key_pool_take(pool, algorithm)) == NULL; n++)
        nap();
    cr_assert_not_null(pkey, "no key was made");
    return pkey;
}

static void assert_different(EVP_PKEY *const *pkey, size_t count)
{
    struct buf *spki = calloc(count, sizeof *spki);

    cr_assert_not_null(spki);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(put_pkey(&spki[i], pkey[i]), SKS_OK);
        for (size_t k = 0; k < i; k++)
            cr_assert_not(bytes_equal(buf_bytes(&spki[i]), buf_bytes(&spki[k])),
                          "%zu and %zu are the same key", k, i);
    }
    for (size_t i = 0; i < count; i++)
        buf_free(&spki[i]);
    free(spki);
}

Test(key_pool, gives_keys_of_its_algorithm)
{
    static const char *const URI[] = { SKS_URI "ec.nist.p384", SKS_URI "ed25519",
                                       SKS_URI "rsa1024" };

    for (size_t i = 0; i < NITEMS(URI); i++) {
        struct key_pool *pool = new_pool(row(URI[i]), 1);
        EVP_PKEY *pkey = wait_for_key(pool, row(URI[i]));
        struct buf spki = { 0 };
        struct public_key key;

        cr_assert_eq(put_pkey(&spki, pkey), SKS_OK);
        cr_assert_eq(public_key_parse(buf_bytes(&spki), &key), SKS_OK);
        cr_assert_eq(key.kind, row(URI[i])->kind);
        if (key.kind == KEY_KIND_EC)
            cr_assert_eq(key.curve, row(URI[i]));
        if (key.kind == KEY_KIND_RSA)
            cr_assert_eq(EVP_PKEY_get_bits(pkey), 1024);
        EVP_PKEY_free(pkey);
        buf_free(&spki);
        key_pool_free(pool);
    }
}

Test(key_pool, keys_for_another_algorithm_are_not_there)
{
    struct key_pool *pool = new_pool(p256(), 1);

    EVP_PKEY_free(wait_for_key(pool, p256()));
    for (unsigned n = 0; n < 100; n++) {
        cr_assert_null(key_pool_take(pool, row(SKS_URI "ec.nist.p384")));
        nap();
    }
    EVP_PKEY_free(wait_for_key(pool, p256()));
    key_pool_free(pool);
}

Test(key_pool, is_empty_until_a_key_is_made)
{
    const struct algorithm *slow = row(SKS_URI "rsa4096");
    struct key_pool *pool = new_pool(slow, 2);

    cr_assert_null(key_pool_take(pool, slow), "nobody makes such a key in no time");
    key_pool_free(pool);
}

Test(key_pool, refills_and_never_repeats)
{
    struct key_pool *pool = new_pool(p256(), 3);
    EVP_PKEY *pkey[30];

    for (size_t i = 0; i < NITEMS(pkey); i++)
        pkey[i] = wait_for_key(pool, p256());
    assert_different(pkey, NITEMS(pkey));
    for (size_t i = 0; i < NITEMS(pkey); i++)
        EVP_PKEY_free(pkey[i]);
    key_pool_free(pool);
}

static size_t drain(struct key_pool *pool, const struct algorithm *algorithm, EVP_PKEY **pkey,
                    size_t max)
{
    size_t count = 0;

    while (count < max && (pkey[count] = key_pool_take(pool, algorithm)) != NULL)
        count++;
    return count;
}

/* A key of RSA takes long enough to be made that none comes in between while the pool is emptied.
 */
Test(key_pool, holds_as_many_as_asked_for)
{
    const struct algorithm *algorithm = row(SKS_URI "rsa2048");
    struct key_pool *pool = new_pool(algorithm, 3);
    EVP_PKEY *pkey[5];
    size_t count = 0;

    for (unsigned n = 0; n < 30 && count != 3; n++) {
        for (unsigned ms = 0; ms < 2000; ms++) /* mostly ample for three */
            nap();
        count = drain(pool, algorithm, pkey, NITEMS(pkey));
        cr_assert_leq(count, 3);
        assert_different(pkey, count);
        for (size_t i = 0; i < count; i++)
            EVP_PKEY_free(pkey[i]);
    }
    cr_assert_eq(count, 3);
    key_pool_free(pool);
}

Test(key_pool, of_size_0_is_none)
{
    struct key_pool *pool = new_pool(p256(), 0);

    cr_assert_null(pool);
    cr_assert_null(key_pool_take(pool, p256()));
    key_pool_free(pool);
}

Test(key_pool, without_keys_where_none_can_be_made)
{
    struct algorithm impossible = *row(SKS_URI "rsa1024");
    struct key_pool *pool;

    impossible.size = 16;
    pool = new_pool(&impossible, 2);
    for (unsigned n = 0; n < 10; n++) {
        cr_assert_null(key_pool_take(pool, &impossible));
        nap();
    }
    key_pool_free(pool);
}

/* A key of 8192 bits takes half a minute or more; giving it up, some milliseconds. */
Test(key_pool, free_does_not_wait_for_the_key_under_way)
{
    struct algorithm huge = *row(SKS_URI "rsa4096");
    struct key_pool *pool;
    double began;

    huge.size = 8192;
    pool = new_pool(&huge, KEY_POOL_MAX);
    for (unsigned n = 0; n < 200; n++) /* so that it is under way */
        nap();
    began = seconds();
    key_pool_free(pool);
    cr_assert_lt(seconds() - began, 5.0);
}
