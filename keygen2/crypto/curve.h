/* What OpenSSL needs to know of a curve, found once a process: to look it up by its name costs more
 * than to check a point of it. */
#ifndef KEYGEN2_CRYPTO_CURVE_H
#define KEYGEN2_CRYPTO_CURVE_H

#include "keygen2/crypto/algorithms.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

/**
 * A context whose key has the parameters of a curve and nothing else, to be copied.
 *
 * @param curve  its key generation row
 * @return borrowed for as long as the process lives; NULL without memory, or if OpenSSL was built
 *         without this curve
 */
EVP_PKEY_CTX *curve_template_of(const struct algorithm *curve);

/** The group of a curve, to check a point by. As curve_template_of(). */
const EC_GROUP *curve_group_of(const struct algorithm *curve);

/** A context with the parameters of a curve, to generate a key by; owned by the caller. NULL
 * without memory, or if OpenSSL has no such curve. */
EVP_PKEY_CTX *curve_context(const struct algorithm *curve);

#endif
