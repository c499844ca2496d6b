/* What whoever trusts a device must find true of its answers. Pure: no state, no clock. */
#ifndef KEYGEN2_CRYPTO_ATTESTATION_H
#define KEYGEN2_CRYPTO_ATTESTATION_H

#include "keygen2/crypto/algorithms.h"
#include "keygen2/crypto/session.h"

#include <openssl/evp.h>

/**
 * Checks the attestation of a new session.
 *
 * @param device_key  NULL in privacy mode: the attestation then is an HMAC with the session key
 * @return SKS_ERROR_MAC if it does not hold
 */
CHECKED enum sks_status verify_session_attestation(const struct session_terms *terms,
                                                   struct bytes device_id,
                                                   struct bytes client_ephemeral_key,
                                                   const struct session_key *sk,
                                                   EVP_PKEY *device_key, struct bytes attestation);

/**
 * Checks that a public key is of the algorithm that was asked for.
 *
 * @param parameters  keyParameters of the request: the RSA exponent; empty means 65537
 * @return SKS_ERROR_ALGORITHM with the reason in err
 */
CHECKED enum sks_status verify_key_algorithm(const struct algorithm *algorithm,
                                             struct bytes parameters, struct bytes spki,
                                             struct sks_error *err);

/**
 * Checks an attestation made with the session key, in constant time.
 *
 * @param counter  macSequenceCounter that it must have used
 * @param data     put_attested_key() or put_attested_close()
 * @return SKS_ERROR_MAC if it does not hold
 */
CHECKED enum sks_status verify_attestation(const struct session_key *sk, uint16_t counter,
                                           struct bytes data, struct bytes attestation);

#endif
