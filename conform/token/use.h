/* What an application does with a finished key. */
#ifndef CONFORM_TOKEN_USE_H
#define CONFORM_TOKEN_USE_H

#include "conform/token/scene.h"

#define ALGORITHM_URI(name) "https://webpki.github.io/sks/algorithm#" name
#define XMLDSIG_MORE_URI(name) "http://www.w3.org/2001/04/xmldsig-more#" name
#define XMLENC_URI(name) "http://www.w3.org/2001/04/xmlenc#" name
#define HMAC_SHA1_URI "http://www.w3.org/2000/09/xmldsig#hmac-sha1"

/* One of the methods 100 to 104; zeroed members are what most want. */
struct operation {
    enum method_id method;
    const char *algorithm;
    const char *pin; /* NULL: none */
    bool biometric_auth, decrypt;
    struct bytes parameters, data;
};

/** @param result  out: in the case's arena; NULL if nobody wants it */
CHECKED enum sks_status use_operate(struct target *target, struct check *check, uint32_t key,
                                    const struct operation *operation, struct bytes *result,
                                    enum sks_status wanted);

/** Signs 32 octets with ECDSA and SHA-256. */
CHECKED enum sks_status use_sign(struct scene *scene, const char *pin, enum sks_status wanted);

/** deleteKey, exportKey or unlockKey. */
CHECKED enum sks_status use_authorized(struct scene *scene, enum method_id method,
                                       const char *authorization, enum sks_status wanted);

/** changePin or setPin. */
CHECKED enum sks_status use_new_pin(struct scene *scene, enum method_id method,
                                    const char *authorization, const char *new_pin,
                                    enum sks_status wanted);

CHECKED enum sks_status use_protection(struct target *target, struct check *check, uint32_t key,
                                       struct key_protection_out *out);
CHECKED enum sks_status use_attributes(struct target *target, struct check *check, uint32_t key,
                                       struct key_attributes_out *out);

/** Expects counters and protectionStatus of a scene's key. */
CHECKED enum sks_status use_expect_tries(struct scene *scene, unsigned status, unsigned pin_errors,
                                         unsigned puk_errors);

/** Expects that a key is there, or not: of a closed session. */
CHECKED enum sks_status use_expect_key(struct target *target, struct check *check, uint32_t key,
                                       bool there);

/**
 * Expects a signature of data that verifies with a public key: OpenSSL's own check, or a
 * recomputation for what has no hash.
 */
CHECKED enum sks_status use_verify(struct check *check, const struct algorithm *algorithm,
                                   struct bytes public_key, struct bytes data,
                                   struct bytes signature);

#endif
