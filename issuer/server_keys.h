/*
 * RSA keys for sessions of the 2010 profile: each serves one session. Some are made ahead, of each
 * size that a profile asks for; they are in memory only.
 */
#ifndef ISSUER_SERVER_KEYS_H
#define ISSUER_SERVER_KEYS_H

#include "issuer/profile.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/evp.h>

struct server_keys; /* for any number of threads */

/**
 * Starts to make keys ahead.
 *
 * @param profiles  whose keys are wanted
 * @param size      keys of each kind, up to KEY_POOL_MAX; 0: none is made ahead
 * @param keys      out: free with server_keys_free()
 */
CHECKED enum sks_status server_keys_new(const struct profile_list *profiles, size_t size,
                                        struct server_keys **keys, struct sks_error *err);

/** Keys of somebody else's making: none is made ahead. @param maker must live as long as `keys` */
CHECKED enum sks_status server_keys_by(const struct key_maker *maker, struct server_keys **keys,
                                       struct sks_error *err);

/**
 * Gives a key away, for good; it is generated if none is there, which may take seconds: for worker
 * threads only. No more are generated at once than there are processors; the others wait.
 *
 * @param keys       NULL: each key is generated
 * @param algorithm  that a profile asks for
 * @param pkey       out: owned by the caller
 * @return SKS_ERROR_NOT_AVAILABLE after server_keys_stop()
 */
CHECKED enum sks_status server_keys_take(struct server_keys *keys,
                                         const struct algorithm *algorithm, EVP_PKEY **pkey,
                                         struct sks_error *err);

/** Calls each() for the keys of each size that are made ahead. @param keys NULL: none are */
void server_keys_each(struct server_keys *keys,
                      void (*each)(void *ctx, unsigned bits, size_t level, size_t size), void *ctx);

/** Gives up what is being generated, soon, and all that wait for it. NULL is allowed. */
void server_keys_stop(struct server_keys *keys);

/** Wipes the keys. NULL is allowed. */
void server_keys_free(struct server_keys *keys);

#endif
