/* The keys of a middleman: put in the place of public keys that cross, used on what is encrypted
 * for them. */
#ifndef PROXY_ATTACK_OWN_KEYS_H
#define PROXY_ATTACK_OWN_KEYS_H

#include "keygen2/base/json.h"

#include <openssl/evp.h>

/* Start with {0}. */
struct own_keys {
    EVP_PKEY *own, *theirs; /* the last that was put in, and the one that it stands for */
};

/**
 * Makes a key of the kind of the one that crosses.
 *
 * @param value  a JWK, or the base64url form of a SubjectPublicKeyInfo
 * @return the attacker's, in the same form; NULL if the value is no public key
 */
json_t *own_keys_replace(struct own_keys *keys, const json_t *value);

/** Decrypts a 2010 session key with the attacker's RSA key and encrypts it for the one it stands
 * for. NULL if that fails. @param value  base64url */
json_t *own_keys_re_encrypt(struct own_keys *keys, const json_t *value);

void own_keys_free(struct own_keys *keys);

#endif
