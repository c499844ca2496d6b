/*
 * Ephemeral keys between the message that offers one and the answer to it. The session keeps its
 * key sealed; here it is ready for use, which saves to build it anew from its numbers.
 */
#ifndef ISSUER_DRAWN_KEYS_H
#define ISSUER_DRAWN_KEYS_H

#include "keygen2/base/bytes.h"

#include <openssl/evp.h>

struct drawn_keys; /* for any number of threads; bounded: a new key may push out an older one */

/** NULL without memory. */
struct drawn_keys *drawn_keys_new(void);

/** NULL is allowed. */
void drawn_keys_free(struct drawn_keys *keys);

/** Remembers a key. @param spki of it @param key shared, not taken */
void drawn_keys_keep(struct drawn_keys *keys, struct bytes spki, EVP_PKEY *key);

/** The key of a public key, owned by the caller, and forgotten here; NULL if it is not there. */
EVP_PKEY *drawn_keys_take(struct drawn_keys *keys, struct bytes spki);

enum { DRAWN_KEYS_MAX = 1024 }; /* a power of two */

/** Keys that are here now. */
size_t drawn_keys_count(struct drawn_keys *keys);

#endif
