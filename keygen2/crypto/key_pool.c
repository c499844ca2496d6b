#include "keygen2/crypto/key_pool.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/err.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Nice 19 rather than SCHED_IDLE: a busy machine still lets the thread on a little, so that a lock
 * of OpenSSL or of malloc() that it holds does not stay taken.
 */
enum { LOW_PRIORITY = 19 };

struct key_pool {
    const struct algorithm *algorithm;
    size_t size;
    pthread_t maker;
    sem_t missing; /* counts the keys to be made, and the end */
    atomic_bool stopping;
    atomic_uint failed;                    /* keys that could not be made */
    _Atomic(EVP_PKEY *) key[KEY_POOL_MAX]; /* the maker fills an empty one; any taker empties it */
};

static void put(struct key_pool *pool, EVP_PKEY *pkey)
{
    for (size_t i = 0; i < pool->size && pkey != NULL; i++) {
        EVP_PKEY *none = NULL;

        if (atomic_compare_exchange_strong(&pool->key[i], &none, pkey))
            pkey = NULL;
    }
    EVP_PKEY_free(pkey);
}

static void *fill(void *arg)
{
    struct key_pool *pool = arg;
    EVP_PKEY *pkey;

    /* On Linux a thread's id names that thread alone. Without the right to it: no harm. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), LOW_PRIORITY);
    for (;;) {
        while (sem_wait(&pool->missing) != 0) {
            /* a signal */
        }
        if (atomic_load(&pool->stopping))
            return NULL;
        if (private_key_generate_unless(&pool->stopping, pool->algorithm, (struct bytes){ 0 },
                                        &pkey) == SKS_OK) {
            put(pool, pkey);
            log_debug("key pool: a key made ahead, of %s", pool->algorithm->uri);
        } else if (!atomic_load(&pool->stopping)) {
            atomic_fetch_add(&pool->failed, 1);
            log_error("key pool: no key of %s could be made", pool->algorithm->uri);
        }
        ERR_clear_error();
    }
}

enum sks_status key_pool_new(const struct algorithm *algorithm, size_t size, struct key_pool **pool)
{
    struct key_pool *p;

    *pool = NULL;
    if (size == 0)
        return SKS_OK;
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return SKS_ERROR_STORAGE;
    p->algorithm = algorithm;
    p->size = size < KEY_POOL_MAX ? size : KEY_POOL_MAX;
    (void)sem_init(&p->missing, 0, (unsigned)p->size);
    if (pthread_create(&p->maker, NULL, fill, p) != 0) {
        (void)sem_destroy(&p->missing);
        free(p);
        return SKS_ERROR_STORAGE;
    }
    *pool = p;
    return SKS_OK;
}

EVP_PKEY *key_pool_take(struct key_pool *pool, const struct algorithm *algorithm)
{
    EVP_PKEY *pkey = NULL;

    if (pool == NULL || pool->algorithm != algorithm)
        return NULL;
    for (size_t i = 0; i < pool->size && pkey == NULL; i++)
        pkey = atomic_exchange(&pool->key[i], NULL);
    if (pkey != NULL)
        (void)sem_post(&pool->missing);
    else /* what failed is tried again when somebody misses it, not over and over */
        for (unsigned n = atomic_exchange(&pool->failed, 0); n > 0; n--)
            (void)sem_post(&pool->missing);
    return pkey;
}

size_t key_pool_level(struct key_pool *pool, size_t *size)
{
    size_t level = 0;

    for (size_t i = 0; i < pool->size; i++)
        level += atomic_load(&pool->key[i]) != NULL;
    *size = pool->size;
    return level;
}

void key_pool_free(struct key_pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store(&pool->stopping, true);
    (void)sem_post(&pool->missing);
    (void)pthread_join(pool->maker, NULL);
    for (size_t i = 0; i < pool->size; i++)
        EVP_PKEY_free(pool->key[i]);
    (void)sem_destroy(&pool->missing);
    free(pool);
}
