/*
 * Keys of closed sessions, loaded once and ready for use: record, guards, and OpenSSL's key. The
 * ones used longest ago go first. What is here is never changed: a commit that touches a key drops
 * it, and the next use reads it anew.
 */
#ifndef TOKEN_LIVE_KEYS_H
#define TOKEN_LIVE_KEYS_H

#include "keygen2/crypto/public_key.h"
#include "token/guards.h"

struct live_keys;

struct live_key {
    struct key key;
    struct guards guards;
    struct public_key parts; /* of key.public_key */
};

/**
 * @param store  must outlive it
 * @param max    how many to keep, but for those in use; 0: a few thousand
 * @return NULL without memory
 */
struct live_keys *live_keys_new(struct store *store, size_t max);

/** No key may be in use. NULL is allowed. */
void live_keys_free(struct live_keys *keys);

/**
 * Finds a key and uses it.
 *
 * @param key  out: NULL if there is no such key, or it is still being provisioned; end the use with
 *             live_key_release()
 */
CHECKED enum sks_status live_key_take(struct live_keys *keys, uint32_t handle,
                                      const struct live_key **key, struct sks_error *err);

/** NULL is allowed. */
void live_key_release(struct live_keys *keys, const struct live_key *key);

/** After a commit that changed or deleted the key. Who uses it goes on with what it was. */
void live_key_drop(struct live_keys *keys, uint32_t handle);

/** Drops all: nothing secret stays but what calls under way use. */
void live_keys_drop_all(struct live_keys *keys);

/** OpenSSL's private key, made at the first use. @param pkey out: borrowed from the key */
CHECKED enum sks_status live_key_private(const struct live_key *key, EVP_PKEY **pkey);

/** As sign_digest(), with the preparations of the key's last algorithm kept. */
CHECKED enum sks_status live_key_sign(const struct live_key *key, const struct algorithm *algorithm,
                                      struct bytes data, struct buf *out);

#endif
