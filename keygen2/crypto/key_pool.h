/*
 * Key pairs made ahead, for callers that cannot wait for RSA. A thread of low priority keeps the
 * pool full. The keys are in memory only, are given out once, and are wiped with the pool.
 */
#ifndef KEYGEN2_CRYPTO_KEY_POOL_H
#define KEYGEN2_CRYPTO_KEY_POOL_H

#include "keygen2/crypto/algorithms.h"

#include <openssl/evp.h>

struct key_pool;

enum { KEY_POOL_MAX = 64 };

/**
 * Starts to fill a pool. Its keys have the default exponent.
 *
 * @param algorithm  a row with ALGORITHM_KEY_GENERATION; must live as long as the pool
 * @param size       keys to hold, up to KEY_POOL_MAX; 0 makes no pool and starts no thread
 * @param pool       out: NULL if size is 0
 * @return SKS_ERROR_STORAGE without memory, or if the thread cannot be started
 */
CHECKED enum sks_status key_pool_new(const struct algorithm *algorithm, size_t size,
                                     struct key_pool **pool);

/**
 * Takes a key out of the pool, for good. Never waits, neither for a key nor for a lock. Any number
 * of threads may be in it.
 *
 * @param pool       NULL is a pool that is always empty
 * @param algorithm  what the key is for: a pool of another algorithm is empty
 * @return owned by the caller; NULL if there is none
 */
EVP_PKEY *key_pool_take(struct key_pool *pool, const struct algorithm *algorithm);

/** How many keys are ready now. @param size out: how many it holds when it is full */
size_t key_pool_level(struct key_pool *pool, size_t *size);

/** Gives up the generation under way, wipes the keys, frees. NULL is allowed. */
void key_pool_free(struct key_pool *pool);

#endif
