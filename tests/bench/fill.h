/* Fills a store with keys, quickly: rows are written as the token writes them, without sessions. */
#ifndef TESTS_BENCH_FILL_H
#define TESTS_BENCH_FILL_H

#include <openssl/evp.h>
#include <stdint.h>

enum { FILL_DISTINCT = 2048 }; /* private keys that are different; key i has number i % that */

extern const char FILL_PIN[]; /* the PIN of each; each key has its own policy and counter */

/**
 * Adds P-256 keys to a store that nobody has open.
 *
 * @param handle  out: of each key
 */
void fill_store(const char *folder, uint32_t *handle, uint32_t count);

/** The private key of a handle, borrowed. */
EVP_PKEY *fill_private_key(uint32_t handle);

#endif
