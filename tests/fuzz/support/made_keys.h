/* Keys and certificates for fuzzing: made once, as making them takes long. */
#ifndef TESTS_FUZZ_SUPPORT_MADE_KEYS_H
#define TESTS_FUZZ_SUPPORT_MADE_KEYS_H

#include "keygen2/base/arena.h"

#include <openssl/evp.h>

enum made_key {
    MADE_P256,
    MADE_ED25519,
    MADE_RSA,
    MADE_KEYS,               /* that an input may choose from */
    MADE_SERVER = MADE_KEYS, /* RSA-2048, the issuer's in the 2010 profile */
    MADE_ALL,
};

/** To be called first. */
void make_keys(void);

EVP_PKEY *made_key(enum made_key which);

/** Its SubjectPublicKeyInfo. */
struct bytes made_public_key(enum made_key which);

/** Its PKCS #8. */
struct bytes made_pkcs8(enum made_key which);

/** A signature with SHA-256, by whatever key; those of the same data are made once. */
struct bytes made_signature(EVP_PKEY *key, struct bytes data);

/**
 * A self-issued certificate of a name that no other has; its signature is not one.
 *
 * @param spki   of the kind and size of one of the made keys
 * @param arena  holds the DER
 */
struct bytes made_certificate(struct bytes spki, struct arena *arena);

#endif
