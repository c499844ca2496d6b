/* Several threads take keys out of one pool: no key goes to two, and none is lost or leaked. */
#include "keygen2/crypto/key_pool.h"
#include "keygen2/crypto/public_key.h"
#include "tests/plain/support/enrol.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 4, TAKEN = 200, ALL = THREADS * TAKEN };

static const struct algorithm *algorithm;
static struct key_pool *pool;
static EVP_PKEY *taken[ALL];

static void *take_many(void *arg)
{
    EVP_PKEY **pkey = arg;

    for (size_t i = 0; i < TAKEN; i++)
        while ((pkey[i] = key_pool_take(pool, algorithm)) == NULL)
            (void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    return NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(buf_bytes(a), buf_bytes(b));
}

static void must_differ(void)
{
    static struct buf spki[ALL];

    for (size_t i = 0; i < ALL; i++) {
        must(put_pkey(&spki[i], taken[i]) == SKS_OK, "public key");
        EVP_PKEY_free(taken[i]);
    }
    qsort(spki, ALL, sizeof spki[0], by_bytes);
    for (size_t i = 1; i < ALL; i++)
        must(by_bytes(&spki[i - 1], &spki[i]) < 0, "two threads have the same key");
    for (size_t i = 0; i < ALL; i++)
        buf_free(&spki[i]);
}

/* A generation that is given up leaves nothing behind. */
static void give_up(void)
{
    const struct algorithm *slow = algorithm_by_uri(
        bytes_of("https://webpki.github.io/sks/algorithm#rsa4096"), ALGORITHM_KEY_GENERATION);

    for (long n = 0; n < 3; n++) {
        must(key_pool_new(slow, 2, &pool) == SKS_OK, "pool");
        (void)nanosleep(&(struct timespec){ .tv_nsec = n * 30 * 1000000 }, NULL);
        key_pool_free(pool);
    }
}

int main(void)
{
    pthread_t thread[THREADS];

    algorithm = algorithm_by_uri(bytes_of("https://webpki.github.io/sks/algorithm#ec.nist.p256"),
                                 ALGORITHM_KEY_GENERATION);
    must(key_pool_new(algorithm, 8, &pool) == SKS_OK, "pool");
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&thread[i], NULL, take_many, &taken[i * TAKEN]) == 0, "thread");
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    key_pool_free(pool); /* what was taken lives on */
    must_differ();
    give_up();
    (void)printf("OK: %d threads, %d keys\n", THREADS, ALL);
    return 0;
}
