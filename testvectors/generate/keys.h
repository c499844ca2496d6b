/* Keys that are derived (EC) or fixtures (RSA), and what they do. None protects anything. */
#ifndef TESTVECTORS_GENERATE_KEYS_H
#define TESTVECTORS_GENERATE_KEYS_H

#include "testvectors/generate/suite.h"

#include <openssl/evp.h>

struct curve {
    const char *name; /* of JOSE */
    const char *uri;  /* SKS key generation algorithm, behind ALGORITHM_URI */
    const char *oid;
    int nid;
    size_t size; /* bytes of the field */
};

#define ALGORITHM_URI "https://webpki.github.io/sks/algorithm#"

enum { P256, P384, P521, SECP256K1, BRAINPOOL_P256, CURVES };
extern const struct curve CURVE[CURVES];

struct key {
    const struct curve *curve; /* NULL: RSA */
    struct bytes d;            /* EC: the private number; RSA: PKCS #8 */
    struct bytes x, y;         /* EC */
    struct bytes modulus;      /* RSA; the exponent is 65537 */
    struct bytes spki;
};

/** An EC key of a label: its number is draw(80 bytes of "key LABEL") mod (order - 1) + 1. */
struct key ec_key(struct suite *s, int curve, const char *label);

/** The RSA key of that number, from 0: of 2048 bits, the last one of 1024. */
enum { RSA_DEVICE, RSA_MANAGEMENT, RSA_CA, RSA_SMALL, RSA_KEYS };
struct key rsa_key(struct suite *s, int number);

/** {"algorithm", "privateKey", "publicKey"}: EC the number, RSA PKCS #8; SubjectPublicKeyInfo. */
json_t *key_json(const struct key *key);

/** "P-256", ..., "RSA-1024" or "RSA-2048". */
const char *key_name(const struct key *key);

/** SubjectPublicKeyInfo of a point: any bytes. */
struct bytes ec_spki(struct suite *s, const struct curve *curve, struct bytes point);

/** 04 || x || y. */
struct bytes ec_point(struct suite *s, const struct key *key);

/** SHA-256 signature as SKS has them: r || s, PKCS #1 v1.5. */
struct bytes key_sign(struct suite *s, const struct key *key, struct bytes data);

/** The same with another hash: "SHA384". */
struct bytes key_sign_by(struct suite *s, const struct key *key, const char *hash,
                         struct bytes data);

/** r || s as DER, as X.509 has it. */
struct bytes der_signature(struct suite *s, struct bytes r_s);

/** RSASSA-PSS with SHA-256 and no salt: not what SKS has. */
struct bytes rsa_sign_pss(struct suite *s, const struct key *key, struct bytes data);

/** The public operation on a block as long as the modulus. */
struct bytes rsa_raw(struct suite *s, const struct key *key, struct bytes block);

/** RSAES-OAEP, MGF1 with the same hash, no label; its seed comes of key and message. */
struct bytes rsa_oaep(struct suite *s, const struct key *key, const char *hash,
                      struct bytes message);

/** The order of a curve. */
struct bytes curve_order(struct suite *s, const struct curve *curve);

/** x coordinate of own number times the other's point. */
struct bytes ecdh(struct suite *s, const struct key *own, const struct key *peer);

struct bytes hmac(struct suite *s, struct bytes key, struct bytes data);
struct bytes hash256(struct suite *s, struct bytes data);

/** AES-256-CBC without padding of its own. @param data whole blocks */
struct bytes aes_cbc(struct suite *s, struct bytes key, struct bytes iv, struct bytes data,
                     bool encrypt);

struct certificate_plan {
    const char *subject, *issuer; /* der_name() */
    struct bytes spki;
    const struct key *signer;
    struct bytes extensions;            /* the Extension elements; empty: none */
    const char *serial;                 /* hexadecimal; NULL: drawn */
    const char *not_before, *not_after; /* UTCTime; NULL: 2026-01-01 to 2049-12-31 */
    const char *hash;                   /* that is signed: "SHA1"; NULL: SHA256 */
};

struct bytes certificate(struct suite *s, const struct certificate_plan *plan);

#endif
