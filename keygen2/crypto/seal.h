/* Sealing for storage: AES-256-GCM, with the identity of what is sealed as associated data. */
#ifndef KEYGEN2_CRYPTO_SEAL_H
#define KEYGEN2_CRYPTO_SEAL_H

#include "keygen2/base/bytes.h"

enum { SEAL_KEY_SIZE = 32, SEAL_OVERHEAD = 12 + 16 /* nonce in front, tag behind */ };

/**
 * Appends the sealed form of clear.
 *
 * @param key       SEAL_KEY_SIZE bytes, a secret
 * @param identity  bound to it, not stored: what is sealed for one identity opens for no other
 */
CHECKED enum sks_status seal(const uint8_t key[SEAL_KEY_SIZE], struct bytes identity,
                             struct bytes clear, struct buf *sealed);

/** Appends the clear form. SKS_ERROR_CRYPTO if it was altered or belongs to another identity. */
CHECKED enum sks_status unseal(const uint8_t key[SEAL_KEY_SIZE], struct bytes identity,
                               struct bytes sealed, struct buf *clear);

#endif
