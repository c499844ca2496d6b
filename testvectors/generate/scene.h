/* What most tests are about: a device, an issuer, a session of theirs. */
#ifndef TESTVECTORS_GENERATE_SCENE_H
#define TESTVECTORS_GENERATE_SCENE_H

#include "testvectors/generate/fields.h"
#include "testvectors/generate/keys.h"

#define SESSION_1 ALGORITHM_URI "session.1"
#define KEY_1 ALGORITHM_URI "key.1"
#define ES256_URI "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
#define ISSUER_URI_TEXT "https://issuer.example/kg2/vectors"
#define ANONYMOUS "Anonymous"

/* Times are of this second: 2026-11-01T12:00:00Z. */
enum { SCENE_TIME = 1793534400 };

struct device_fixture {
    struct key key;
    struct bytes certificate;
};

/** A device with a key on a curve, or with the RSA key if it is below 0. */
struct device_fixture scene_device(struct suite *s, int curve);

/** A certificate of a user for a public key, by the CA of the vectors. */
struct bytes scene_certificate(struct suite *s, const char *name, struct bytes spki);

/** The CA's own certificate. */
struct bytes scene_ca(struct suite *s);

struct key scene_ca_key(struct suite *s);

/** HMAC of SK || name || counter over data. */
struct bytes method_mac(struct suite *s, struct bytes sk, const char *name, uint16_t counter,
                        struct bytes data);

/** PKCS #5 padding, and IV || AES-256-CBC under the session's EncryptionKey. */
struct bytes session_encrypted(struct suite *s, struct bytes sk, struct bytes iv,
                               struct bytes clear);

/** {"fields", "data"} of some fields. */
json_t *fields_input(struct suite *s, const struct fields *f);

#endif
