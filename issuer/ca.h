/* The issuer's CA: end-entity certificates, made the cheap way. */
#ifndef ISSUER_CA_H
#define ISSUER_CA_H

#include "issuer/certificate_template.h"

#include <openssl/x509.h>

enum {
    CA_SERIAL_SIZE = 16,
    CA_BACKDATE = 300, /* seconds that the clock of a relying party may be behind */
};

/* All that every certificate repeats is encoded once. Slices live in the arena of ca_load(). */
struct ca {
    EVP_PKEY_CTX *sign;       /* ready to sign with the CA's key; copied for each signature */
    struct bytes certificate; /* DER */
    struct bytes name, algorithm, authority_key_id; /* DER of issuer, signature, AKI */
    int64_t not_after;
};

/**
 * Prepares a CA.
 *
 * @param key          P-256 or RSA; may be freed after ca_free()
 * @param certificate  its certificate
 * @return SKS_ERROR_EXTERNAL if the two do not belong together or it is no CA, with err
 */
CHECKED enum sks_status ca_load(struct ca *ca, struct arena *arena, EVP_PKEY *key,
                                X509 *certificate, struct sks_error *err);

void ca_free(struct ca *ca);

/** When a certificate of that template ends, seconds since 1970. */
int64_t ca_expires(const struct ca *ca, const struct certificate_template *template, int64_t now);

/** Appends a Time of RFC 5280. */
void put_certificate_time(struct buf *out, int64_t seconds);

/**
 * Signs what is to be signed, and puts both together as certificates and CRLs have it.
 *
 * @param tbs  DER, with ca->algorithm in it
 * @param der  the whole is appended
 */
CHECKED enum sks_status ca_sign(const struct ca *ca, struct bytes tbs, struct buf *der);

/**
 * Issues a certificate.
 *
 * @param spki    validated SubjectPublicKeyInfo, goes in verbatim
 * @param now     seconds since 1970
 * @param serial  out: CA_SERIAL_SIZE random bytes, a positive number
 * @param der     the certificate is appended
 * @return SKS_ERROR_NOT_AVAILABLE if the CA's own certificate is over
 */
CHECKED enum sks_status ca_issue(const struct ca *ca, const struct certificate_template *template,
                                 struct bytes spki, int64_t now, uint8_t serial[CA_SERIAL_SIZE],
                                 struct buf *der);

#endif
