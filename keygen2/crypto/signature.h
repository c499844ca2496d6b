/* Signatures by algorithm row. ECDSA values are r||s of fixed length, as XML Signature has them. */
#ifndef KEYGEN2_CRYPTO_SIGNATURE_H
#define KEYGEN2_CRYPTO_SIGNATURE_H

#include "keygen2/crypto/public_key.h"

/**
 * Signs a digest, or what takes its place.
 *
 * @param pkey       private key; its kind must be the algorithm's
 * @param algorithm  a row with ALGORITHM_SIGNATURE
 * @param data       with a digest in the row: a hash of that length; `ecdsa.none` 1-64 bytes;
 *                   `rsa.pkcs1.none` up to k-11 bytes; Ed25519: the message
 * @param out        the signature is appended
 * @return SKS_ERROR_OPTION for a wrong length of data; SKS_ERROR_CRYPTO
 */
CHECKED enum sks_status sign_digest(EVP_PKEY *pkey, const struct algorithm *algorithm,
                                    struct bytes data, struct buf *out);

/* A key prepared for many signatures with one algorithm, by any number of threads at once. */
struct signer;

/** NULL if OpenSSL fails. @param pkey and algorithm as of sign_digest() */
struct signer *signer_new(EVP_PKEY *pkey, const struct algorithm *algorithm);

const struct algorithm *signer_algorithm(const struct signer *signer);

/** As sign_digest(). */
CHECKED enum sks_status signer_sign(const struct signer *signer, struct bytes data,
                                    struct buf *out);

/** NULL is allowed. */
void signer_free(struct signer *signer);

/** Appends the DER form, as X.509 and openssl have it, of an r||s value. */
CHECKED enum sks_status put_ecdsa_der(struct buf *out, struct bytes r_s);

/** Signs data with SHA-256: RSA PKCS #1 v1.5 or ECDSA, by the kind of the key. */
CHECKED enum sks_status sign_sha256(EVP_PKEY *pkey, struct bytes data, struct buf *out);

/** As signer_new(), for signer_sign_sha256(). @param pkey  as of sign_sha256() */
struct signer *signer_new_sha256(EVP_PKEY *pkey);

/** As sign_sha256(). */
CHECKED enum sks_status signer_sign_sha256(const struct signer *signer, struct bytes data,
                                           struct buf *out);

/**
 * Checks a signature that sign_sha256() would make.
 *
 * @return SKS_OK; SKS_ERROR_MAC if it does not verify; SKS_ERROR_CRYPTO if its length is not the
 *         one that the key gives, or OpenSSL fails
 */
CHECKED enum sks_status verify_sha256(EVP_PKEY *pkey, struct bytes data, struct bytes signature);

/** Checks an Ed25519 signature of a message. As verify_sha256(), but another length is
 * SKS_ERROR_MAC; SKS_ERROR_CRYPTO for a key of another kind. */
CHECKED enum sks_status verify_ed25519(EVP_PKEY *pkey, struct bytes data, struct bytes signature);

#endif
