/* Private keys: making them, and writing them as numbers that load without a DER decoder. */
#ifndef KEYGEN2_CRYPTO_PRIVATE_KEY_H
#define KEYGEN2_CRYPTO_PRIVATE_KEY_H

#include "keygen2/crypto/public_key.h"

#include <stdatomic.h>

/**
 * Generates a key pair.
 *
 * @param algorithm  a row with ALGORITHM_KEY_GENERATION
 * @param exponent   RSA public exponent as a big-endian number; empty means 65537
 * @param pkey       out: owned by the caller
 * @return SKS_ERROR_CRYPTO for an exponent that is even or below 3, or if OpenSSL fails
 */
CHECKED enum sks_status private_key_generate(const struct algorithm *algorithm,
                                             struct bytes exponent, EVP_PKEY **pkey);

/**
 * As private_key_generate(), but gives an RSA key up soon after `cancelled` has become true.
 *
 * @param cancelled  may be set by another thread; NULL: never
 */
CHECKED enum sks_status private_key_generate_unless(const atomic_bool *cancelled,
                                                    const struct algorithm *algorithm,
                                                    struct bytes exponent, EVP_PKEY **pkey);

/* Where somebody's key pairs come from, if it is not private_key_generate(): a rig of many sessions
 * has no use for fresh RSA keys, and no time for them. */
struct key_maker {
    /** As private_key_generate(). */
    enum sks_status (*make)(void *ctx, const struct algorithm *algorithm, struct bytes exponent,
                            EVP_PKEY **pkey);
    void *ctx;
};

/** A key pair by a maker. @param maker NULL: by private_key_generate() */
CHECKED enum sks_status key_maker_make(const struct key_maker *maker,
                                       const struct algorithm *algorithm, struct bytes exponent,
                                       EVP_PKEY **pkey);

/**
 * Decodes a PKCS #8 PrivateKeyInfo that is not encrypted, of whatever kind OpenSSL knows.
 *
 * @param der   nothing may stand behind it
 * @param pkey  out: owned by the caller
 * @return SKS_ERROR_CRYPTO if it does not decode
 */
CHECKED enum sks_status private_key_from_pkcs8(struct bytes der, EVP_PKEY **pkey);

/** Appends the private numbers (a secret) in this project's own form; for sealed storage only. */
CHECKED enum sks_status put_private_key(struct buf *out, const EVP_PKEY *pkey);

/** Appends its SubjectPublicKeyInfo, and to another buffer what put_private_key() appends. */
CHECKED enum sks_status put_key_pair(struct buf *spki, struct buf *private_key,
                                     const EVP_PKEY *pkey);

/** Reads what put_private_key() wrote. @param pkey out: owned by the caller */
CHECKED enum sks_status get_private_key(struct bytes *in, EVP_PKEY **pkey);

#endif
