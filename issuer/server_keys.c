#include "issuer/server_keys.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/key_pool.h"
#include "keygen2/crypto/private_key.h"

#include <stdlib.h>

struct server_keys {
    struct key_pool *pool[ALGORITHMS_MAX]; /* at the place of its row in ALGORITHMS */
};

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
    for (size_t i = 0; i < profiles->count; i++) {
        const struct algorithm *algorithm = profiles->item[i].server_key;

        if (algorithm != NULL && *pool_of(*keys, algorithm) == NULL)
            TRY(sks_explain(err, key_pool_new(algorithm, size, pool_of(*keys, algorithm))));
    }
out:
    return rc;
}

enum sks_status server_keys_take(struct server_keys *keys, const struct algorithm *algorithm,
                                 EVP_PKEY **pkey)
{
    *pkey = keys == NULL ? NULL : key_pool_take(*pool_of(keys, algorithm), algorithm);
    log_debug("server key of %u bits %s", algorithm->size,
              *pkey == NULL ? "generated" : "from the pool");
    return *pkey == NULL ? private_key_generate(algorithm, (struct bytes){ 0 }, pkey) : SKS_OK;
}

void server_keys_free(struct server_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < NITEMS(keys->pool); i++)
        key_pool_free(keys->pool[i]);
    free(keys);
}
