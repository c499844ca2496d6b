#include "issuer/server_keys.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/key_pool.h"

#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

struct server_keys {
    struct key_pool *pool[ALGORITHMS_MAX]; /* at the place of its row in ALGORITHMS */
    const struct key_maker *maker;         /* NULL: they are made here */
    sem_t turns;                           /* to generate one while somebody waits for it */
    atomic_bool stopping;
};

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : (unsigned)count;
}

static struct key_pool **pool_of(struct server_keys *keys, const struct algorithm *algorithm)
{
    return &keys->pool[algorithm - ALGORITHMS];
}

enum sks_status server_keys_new(const struct profile_list *profiles, size_t size,
                                struct server_keys **keys, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    *keys = calloc(1, sizeof **keys);
    REQUIRE(*keys != NULL, err, SKS_ERROR_STORAGE, "no memory for server keys");
    (void)sem_init(&(*keys)->turns, 0, processors());
    for (size_t i = 0; i < profiles->count; i++) {
        const struct algorithm *algorithm = profiles->item[i].server_key;

        if (algorithm != NULL && *pool_of(*keys, algorithm) == NULL)
            TRY(sks_explain(err, key_pool_new(algorithm, size, pool_of(*keys, algorithm))));
    }
out:
    return rc;
}

enum sks_status server_keys_by(const struct key_maker *maker, struct server_keys **keys,
                               struct sks_error *err)
{
    const struct profile_list none = { 0 };
    enum sks_status rc;

    TRY(server_keys_new(&none, 0, keys, err));
    (*keys)->maker = maker;
out:
    return rc;
}

static EVP_PKEY *from_pool(struct server_keys *keys, const struct algorithm *algorithm)
{
    EVP_PKEY *pkey = key_pool_take(*pool_of(keys, algorithm), algorithm);

    if (pkey != NULL)
        log_debug("server key of %u bits from the pool", algorithm->size);
    return pkey;
}

static enum sks_status generate(const atomic_bool *stopping, const struct algorithm *algorithm,
                                EVP_PKEY **pkey)
{
    log_debug("server key of %u bits generated", algorithm->size);
    return private_key_generate_unless(stopping, algorithm, (struct bytes){ 0 }, pkey);
}

/* While it waited for its turn a key may have been made ahead. */
static enum sks_status generate_in_turn(struct server_keys *keys, const struct algorithm *algorithm,
                                        EVP_PKEY **pkey)
{
    enum sks_status rc = SKS_OK;

    while (sem_wait(&keys->turns) != 0) {
        /* a signal */
    }
    *pkey = from_pool(keys, algorithm);
    if (*pkey == NULL)
        rc = generate(&keys->stopping, algorithm, pkey);
    (void)sem_post(&keys->turns);
    return rc;
}

enum sks_status server_keys_take(struct server_keys *keys, const struct algorithm *algorithm,
                                 EVP_PKEY **pkey, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    *pkey = keys == NULL ? NULL : from_pool(keys, algorithm);
    if (keys == NULL)
        rc = generate(NULL, algorithm, pkey);
    else if (keys->maker != NULL)
        rc = key_maker_make(keys->maker, algorithm, (struct bytes){ 0 }, pkey);
    else if (*pkey == NULL)
        rc = generate_in_turn(keys, algorithm, pkey);
    REQUIRE(rc == SKS_OK || keys == NULL || !atomic_load(&keys->stopping), err,
            SKS_ERROR_NOT_AVAILABLE, "no server key is made any more: the issuer stops");
out:
    return sks_explain(err, rc);
}

void server_keys_stop(struct server_keys *keys)
{
    if (keys != NULL)
        atomic_store(&keys->stopping, true);
}

void server_keys_free(struct server_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < NITEMS(keys->pool); i++)
        key_pool_free(keys->pool[i]);
    (void)sem_destroy(&keys->turns);
    free(keys);
}

void server_keys_each(struct server_keys *keys,
                      void (*each)(void *ctx, unsigned bits, size_t level, size_t size), void *ctx)
{
    for (size_t i = 0; keys != NULL && i < ALGORITHMS_MAX; i++)
        if (keys->pool[i] != NULL) {
            size_t size, level = key_pool_level(keys->pool[i], &size);

            each(ctx, ALGORITHMS[i].size, level, size);
        }
}
