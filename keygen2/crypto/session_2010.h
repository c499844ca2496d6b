/*
 * The session key of the 2010 profile, for both ends: the token draws it, encrypts it for the
 * issuer's RSA key, and signs what binds it to that key and to the session. From then on it is a
 * session key as any other (session.h). docs/2010-profile.md.
 */
#ifndef KEYGEN2_CRYPTO_SESSION_2010_H
#define KEYGEN2_CRYPTO_SESSION_2010_H

#include "keygen2/crypto/session.h"

enum { SESSION_2010_RSA_MIN = 2048, SESSION_2010_RSA_MAX = 4096 }; /* bits of the server key */

/**
 * Makes OpenSSL's key of an issuer's server key.
 *
 * @param spki  SubjectPublicKeyInfo, strict DER
 * @param pkey  out: owned by the caller
 * @return SKS_ERROR_CRYPTO, with a reason, if it is malformed, not RSA, of another size, or of an
 *         exponent that is no public exponent
 */
CHECKED enum sks_status session_2010_load_key(struct bytes spki, EVP_PKEY **pkey,
                                              struct sks_error *err);

/** Draws a session key; its counter is 0. */
CHECKED enum sks_status session_2010_draw(struct session_key *sk);

/** Appends the session key, encrypted: RSAES-OAEP, SHA-256, MGF1 with SHA-256, no label. */
CHECKED enum sks_status session_2010_encrypt(EVP_PKEY *server_key, const struct session_key *sk,
                                             struct buf *encrypted);

/**
 * The reverse.
 *
 * @param own  the issuer's private key
 * @param sk   out: key set, counter 0
 * @return SKS_ERROR_CRYPTO if it does not decrypt to a key of 32 bytes
 */
CHECKED enum sks_status session_2010_decrypt(EVP_PKEY *own, struct bytes encrypted,
                                             struct session_key *sk);

/** The value that stands for the session key in what is signed, and shows nothing of it.
 * @param proof out: 32 bytes */
CHECKED enum sks_status session_2010_proof(const struct session_key *sk,
                                           uint8_t proof[SKS_MAC_SIZE]);

/** Appends what the device key signs of a new session. @param proof of session_2010_proof() */
void put_session_2010_attestation(struct buf *out, struct bytes proof,
                                  const struct session_2010_terms *terms);

/** Checks that signature. SKS_ERROR_MAC if it does not hold. */
CHECKED enum sks_status session_2010_verify(EVP_PKEY *device_key, struct bytes proof,
                                            const struct session_2010_terms *terms,
                                            struct bytes attestation);

#endif
