/*
 * Public keys. Everywhere in this project a public key is its X.509 SubjectPublicKeyInfo in strict
 * DER (named curve, uncompressed point, RSA with a NULL parameter); OpenSSL sees it only where a
 * signature is checked or a secret agreed.
 */
#ifndef KEYGEN2_CRYPTO_PUBLIC_KEY_H
#define KEYGEN2_CRYPTO_PUBLIC_KEY_H

#include "keygen2/crypto/algorithms.h"

#include <openssl/evp.h>

/* The parts of a SubjectPublicKeyInfo; the slices are borrowed from it. */
struct public_key {
    enum key_kind kind;
    const struct algorithm *curve; /* EC, Ed25519: its key generation row; NULL for RSA */
    struct bytes x, y;             /* EC: coordinates, exactly field length; Ed25519: x only */
    struct bytes n, e;             /* RSA: positive integers without leading zero */
};

/**
 * Takes a SubjectPublicKeyInfo apart. Accepts strict DER only, byte for byte; does not check that
 * a point is on its curve (public_key_load() does).
 *
 * @return SKS_ERROR_CRYPTO if it is malformed or of no kind known here
 */
CHECKED enum sks_status public_key_parse(struct bytes spki, struct public_key *key);

/** Appends the SubjectPublicKeyInfo of the parts; the reverse of public_key_parse(). */
void put_public_key(struct buf *out, const struct public_key *key);

/**
 * Makes OpenSSL's key of a SubjectPublicKeyInfo; checks that the point is on the curve.
 *
 * @param pkey  out: owned by the caller
 * @return SKS_ERROR_CRYPTO if malformed or not a key
 */
CHECKED enum sks_status public_key_load(struct bytes spki, EVP_PKEY **pkey);

/**
 * As public_key_load(), at a fourth of its cost: the thread's next call makes another key of the
 * same object.
 *
 * @param pkey  out: the caller frees it, and keeps it no longer than until then
 */
CHECKED enum sks_status public_key_borrow(struct bytes spki, EVP_PKEY **pkey);

/** Appends the SubjectPublicKeyInfo of a key that OpenSSL holds. SKS_ERROR_OPTION for a kind or
 * curve that is not known here. */
CHECKED enum sks_status put_pkey(struct buf *out, const EVP_PKEY *pkey);

/**
 * Without memory OpenSSL may make a key that does not know its own size.
 *
 * @param pkey  may be NULL; owned by the caller, and freed here if it is such a one
 * @return the key, or NULL
 */
EVP_PKEY *pkey_if_whole(EVP_PKEY *pkey);

/** Bits of the RSA modulus, or of the EC field; 0 if it is neither. */
unsigned public_key_bits(const struct public_key *key);

/**
 * True if the key may be an ephemeral or key management key here: EC on a known curve, or RSA of
 * 1024, 2048, 3072 or 4096 bits when `rsa` says that RSA is allowed.
 */
bool public_key_is_fit(const struct public_key *key, bool rsa);

/** As public_key_load() says whether there is such a key, but makes none: SKS_ERROR_CRYPTO if there
 * is none, for one a point that is not on its curve. */
CHECKED enum sks_status public_key_check(struct bytes spki);

#endif
