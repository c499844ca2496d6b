/* X.509 certificates as DER slices: the parts that both ends look at. */
#ifndef KEYGEN2_CRYPTO_CERTIFICATE_H
#define KEYGEN2_CRYPTO_CERTIFICATE_H

#include "keygen2/base/arena.h"

#include <openssl/x509.h>

/**
 * Decodes a certificate without decoding its key, which is what makes d2i_X509() slow. Such an
 * object cannot go through X509_verify_cert(); use it to look at fields.
 *
 * @param der  exactly one certificate, nothing behind it
 * @param x509 out: owned by the caller
 * @return SKS_ERROR_CRYPTO if it does not decode
 */
CHECKED enum sks_status certificate_parse(struct bytes der, X509 **x509);

/** True for a DER SEQUENCE with nothing behind it: what is no certificate at all is none. */
bool certificate_has_outline(struct bytes der);

/** The SubjectPublicKeyInfo within a certificate that is known to decode; empty if there is none.
 * Much cheaper than to decode it again. */
struct bytes certificate_key(struct bytes der);

/** Appends the SubjectPublicKeyInfo of a certificate, which must decode. */
CHECKED enum sks_status put_certificate_key(struct buf *out, struct bytes der);

/** Name in RFC 2253 form, e.g. "CN=a,O=b"; NULL without memory. */
char *certificate_name(struct arena *arena, const X509_NAME *name);

/** Seconds since 1970, 0 for what is no time. */
int64_t certificate_seconds(const ASN1_TIME *time);

/** SHA-256 of the DER. */
CHECKED enum sks_status certificate_fingerprint(struct bytes der, uint8_t fingerprint[32]);

/**
 * Checks that a path is ordered and contiguous: each certificate names the next as its issuer.
 *
 * @param signatures  also check that each is signed by the next
 * @return SKS_ERROR_CRYPTO if one does not decode; SKS_ERROR_OPTION if the order is wrong or the
 *         path is empty, with the text in err
 */
CHECKED enum sks_status certificate_path_check(const struct bytes_list *path, bool signatures,
                                               struct sks_error *err);

#endif
