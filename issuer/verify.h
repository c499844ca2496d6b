/* What the issuer must find true of a device. Pure: no state, no clock. */
#ifndef ISSUER_VERIFY_H
#define ISSUER_VERIFY_H

#include "keygen2/crypto/attestation.h"
#include "keygen2/message/keygen2.h"

#include <openssl/x509.h>

struct device_trust;

enum { DEVICE_NAME_MAX = 512 };

/* A device whose path is good. Free with verified_device_clear(). */
struct verified_device {
    EVP_PKEY *key;                  /* RSA or EC */
    int64_t not_before, not_after;  /* of all certificates of the path, the trusted one included */
    char name[DEVICE_NAME_MAX + 1]; /* its subject, cut at that; "" if it cannot be told */
};

void verified_device_clear(struct verified_device *device);

/**
 * Checks a device certificate path against the trusted certificates.
 *
 * @param store   trusted CA or device certificates
 * @param path    DER, device certificate first
 * @param trust   what a profile lets pass; NULL: RSA of at least 2048 bits, no SHA-1
 * @param now     seconds since 1970
 * @param device  out
 * @return SKS_ERROR_AUTHORIZATION with the reason in err
 */
CHECKED enum sks_status verify_device_path(X509_STORE *store, const struct bytes_list *path,
                                           const struct device_trust *trust, int64_t now,
                                           struct verified_device *device, struct sks_error *err);

#endif
