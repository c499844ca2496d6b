/* Certificates that a program makes for itself: of a CA, a TLS listener, a device. */
#ifndef KEYGEN2_CRYPTO_OWN_CERTIFICATE_H
#define KEYGEN2_CRYPTO_OWN_CERTIFICATE_H

#include "keygen2/base/bytes.h"

#include <openssl/x509.h>

enum { OWN_EXTENSIONS_MAX = 6 };

/* What goes into one; extensions as `openssl x509 -extfile` writes them. */
struct own_certificate {
    const char *common_name;
    int days;
    struct {
        int nid; /* 0 ends the list */
        const char *value;
    } extension[OWN_EXTENSIONS_MAX + 1];
};

/**
 * Makes a certificate. Slow and general, unlike the CA's work in ca.c.
 *
 * @param key         the key to certify, P-256
 * @param issuer      certificate of the issuer, NULL for a self-signed one
 * @param issuer_key  its key; `key` itself for a self-signed one
 * @param certificate out: owned by the caller
 */
CHECKED enum sks_status own_certificate_make(const struct own_certificate *what, EVP_PKEY *key,
                                             X509 *issuer, EVP_PKEY *issuer_key, X509 **certificate,
                                             struct sks_error *err);

#endif
