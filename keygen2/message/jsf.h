/* JSON signatures (JSF): an object whose "signature" covers the RFC 8785 form of all of it. */
#ifndef KEYGEN2_MESSAGE_JSF_H
#define KEYGEN2_MESSAGE_JSF_H

#include "keygen2/base/json.h"

#include <openssl/evp.h>

/* Either the key or the path of its certificates. */
struct jsf_signature {
    struct bytes algorithm;             /* jsf_algorithm() */
    struct bytes public_key;            /* SPKI; empty: none */
    struct bytes_list certificate_path; /* DER, signer first; no elements: none */
    struct bytes value;
};

extern const struct json_type JSF_SIGNATURE;

/** Name of the one algorithm that a key may sign with here: RS256 for RSA, ES256 for P-256; NULL
 * for others. */
const char *jsf_algorithm(struct bytes spki);

/**
 * Signs an object.
 *
 * @param root       gets a "signature", or another in the place of the one it has
 * @param signature  says what stands in it beside algorithm and value, which are set
 * @param key        the private key
 * @param value      the signature is appended; signature->value lies in it
 * @return SKS_ERROR_OPTION if the key has no jsf_algorithm(), or root no RFC 8785 form
 */
CHECKED enum sks_status jsf_sign(json_t *root, struct jsf_signature *signature, EVP_PKEY *key,
                                 struct buf *value);

/** Decodes a "signature"; for codecs. It is not verified. Curves go by their JOSE names only. */
CHECKED enum sks_status jsf_decode(struct json_reader *r, const struct json_place *at,
                                   const json_t *value, struct jsf_signature *signature);

/**
 * Verifies the signature of an object with the key that it holds: whose that is, is another
 * question.
 *
 * @param at    place of the "signature"
 * @param root  the object that it covers, itself included
 */
CHECKED enum sks_status jsf_verify(struct json_reader *r, const struct json_place *at,
                                   const json_t *root, const struct jsf_signature *signature);

#endif
