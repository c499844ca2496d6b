/* ECDSA whose nonce is derived (RFC 6979), so that a signature is the same at every run. For
 * vectors only: OpenSSL 3.0 has none, and these numbers are not computed in constant time. */
#ifndef TESTVECTORS_RFC6979_H
#define TESTVECTORS_RFC6979_H

#include "keygen2/base/bytes.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

/**
 * Signs a digest.
 *
 * @param curve   NID of the group
 * @param md      hash of the digest, and of the derivation
 * @param d       private key
 * @param digest  as long as md gives it
 * @param out     r || s, each as long as the field, is appended
 * @return SKS_ERROR_CRYPTO if OpenSSL fails
 */
CHECKED enum sks_status rfc6979_sign(int curve, const EVP_MD *md, const BIGNUM *d,
                                     struct bytes digest, struct buf *out);

#endif
