/* An issuer in a temporary folder, with a device CA that it trusts. */
#ifndef TESTS_UNIT_SUPPORT_ISSUER_ISSUER_FIXTURE_H
#define TESTS_UNIT_SUPPORT_ISSUER_ISSUER_FIXTURE_H

#include "issuer/issuer.h"
#include "keygen2/crypto/own_certificate.h"

struct issuer_fixture {
    char folder[64], trust_file[96];
    struct texts trust;
    struct issuer issuer;
    EVP_PKEY *device_ca_key;
    X509 *device_ca;
};

/* A device: its key, and its certificate path. */
struct device {
    EVP_PKEY *key;
    struct bytes certificate;
    struct arena arena;
};

/* Profiles: "plain" (one P-256 key, a PIN), "private" (the same with privacy), "puk" (a PUK, a PIN,
 * an RSA-2048 and a P-256 key). */
void issuer_fixture_open(struct issuer_fixture *f);

/** Closes and opens again, as a restart does. */
void issuer_fixture_reopen(struct issuer_fixture *f);

void issuer_fixture_close(struct issuer_fixture *f);

/** A P-256 or RSA-2048 device, certified by the fixture's device CA. @param algorithm its URI */
void device_make(struct device *device, const struct issuer_fixture *f, const char *algorithm);

void device_free(struct device *device);

/** A new key of an algorithm. */
EVP_PKEY *fixture_key(const char *algorithm);

/** The SubjectPublicKeyInfo of a new key of an algorithm. */
struct bytes fixture_spki(const char *algorithm, struct arena *arena);

extern const struct own_certificate FIXTURE_CA; /* what makes a CA certificate */

#define P256_URI "https://webpki.github.io/sks/algorithm#ec.nist.p256"
#define P384_URI "https://webpki.github.io/sks/algorithm#ec.nist.p384"
#define P521_URI "https://webpki.github.io/sks/algorithm#ec.nist.p521"
#define ED25519_URI "https://webpki.github.io/sks/algorithm#ed25519"
#define RSA1024_URI "https://webpki.github.io/sks/algorithm#rsa1024"
#define RSA2048_URI "https://webpki.github.io/sks/algorithm#rsa2048"

#endif
