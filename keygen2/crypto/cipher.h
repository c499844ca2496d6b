/* The user operations that are no signatures: RSA decryption, HMAC, AES, by algorithm row. */
#ifndef KEYGEN2_CRYPTO_CIPHER_H
#define KEYGEN2_CRYPTO_CIPHER_H

#include "keygen2/crypto/algorithms.h"

#include <openssl/evp.h>

enum { CIPHER_BLOCK = 16 }; /* bytes */

/** Appends what an RSA public key makes of data. SKS_ERROR_CRYPTO if data is too long for it. */
CHECKED enum sks_status rsa_encrypt(EVP_PKEY *pkey, const struct algorithm *algorithm,
                                    struct bytes data, struct buf *encrypted);

/** Appends what an RSA private key decrypts. SKS_ERROR_CRYPTO for bad padding or length. */
CHECKED enum sks_status rsa_decrypt(EVP_PKEY *pkey, const struct algorithm *algorithm,
                                    struct bytes data, struct buf *clear);

/** Appends the HMAC of data under a raw key. */
CHECKED enum sks_status hmac_by_algorithm(const struct algorithm *algorithm, struct bytes key,
                                          struct bytes data, struct buf *mac);

/**
 * Appends what AES makes of data: CBC with PKCS #5 padding, or ECB without.
 *
 * @param encrypt  false decrypts
 * @param key      16, 24 or 32 bytes
 * @param iv       for rows with IV_IN_PARAMETERS; with IV_IN_FRONT it is drawn, or taken from data
 * @return SKS_ERROR_CRYPTO for bad padding
 */
CHECKED enum sks_status aes_by_algorithm(const struct algorithm *algorithm, bool encrypt,
                                         struct bytes key, struct bytes iv, struct bytes data,
                                         struct buf *out);

#endif
