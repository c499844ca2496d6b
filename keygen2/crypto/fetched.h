/* Algorithms of libcrypto that are looked up once: by their old names (EVP_sha256() and the like)
 * it looks them up again at each use. */
#ifndef KEYGEN2_CRYPTO_FETCHED_H
#define KEYGEN2_CRYPTO_FETCHED_H

#include "keygen2/base/bytes.h"

#include <openssl/evp.h>

/* Borrowed, never NULL. */
const EVP_MD *fetched_sha256(void);
const EVP_CIPHER *fetched_aes_256_gcm(void);

/** SHA-256 of a slice. */
CHECKED enum sks_status sha256(struct bytes data, uint8_t hash[32]);

#endif
