/* Devices that the double plays: one that the issuer may trust, kept in a folder, and others that
 * no issuer can. */
#ifndef CONFORM_ISSUER_DEVICE_H
#define CONFORM_ISSUER_DEVICE_H

#include "keygen2/base/arena.h"

#include <openssl/x509.h>

enum { DEVICE_PATH_MAX = 12 /* certificates; an issuer takes ten */ };

struct device {
    EVP_PKEY *key;
    struct bytes certificate[DEVICE_PATH_MAX]; /* DER, in the arena */
    size_t count;
};

struct device_set {
    X509 *ca;
    EVP_PKEY *ca_key;
    struct device own;  /* certified by that CA */
    char ca_file[4096]; /* what an operator must trust; "" if nothing was written */
    bool is_new;        /* nobody can trust it yet */
    struct arena arena;
};

/**
 * Reads the device of a folder, and makes it if it is not there: device-ca.pem, device-ca.key,
 * device.pem, device.key.
 *
 * @param folder  NULL: a device that lives as long as the program, which nobody can trust
 */
CHECKED enum sks_status device_set_open(struct device_set *set, const char *folder,
                                        struct sks_error *err);

void device_set_close(struct device_set *set);

/* What a device may be otherwise than it should. */
enum device_flaw {
    DEVICE_OF_ANOTHER_CA, /* of the same name, but with a key of its own */
    DEVICE_SELF_SIGNED,
    DEVICE_EXPIRED,
    DEVICE_NOT_YET_VALID,
    DEVICE_RSA_1024,
    DEVICE_NOT_FOR_SIGNATURES, /* keyUsage keyAgreement alone */
    DEVICE_UNDER_END_ENTITY,   /* certified by a device */
    DEVICE_PATH_REVERSED,
    DEVICE_PATH_STRANGER, /* a certificate behind it that has not issued it */
    DEVICE_PATH_TOO_LONG, /* eleven certificates that are in order */
    DEVICE_SHA1,
};

/** Makes such a device. @param device  out: free with device_free() */
CHECKED enum sks_status device_make_flawed(struct device_set *set, enum device_flaw flaw,
                                           struct arena *arena, struct device *device,
                                           struct sks_error *err);

void device_free(struct device *device);

#endif
