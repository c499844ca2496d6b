/* Certifying a device key: by a device CA made for the rig, or by a request to one elsewhere. */
#ifndef TOKEN_DEVICE_CA_H
#define TOKEN_DEVICE_CA_H

#include "token/device.h"

/**
 * Certifies the device key by a CA and writes the CA's certificate for the issuers to trust.
 *
 * @param ca_folder  holds device-ca.pem and device-ca.key, made if absent; NULL: a CA for this one
 *                   device, whose key is forgotten
 * @param ca_copy    where the CA's certificate is written
 * @param device     with its key; certificate_path is set
 */
CHECKED enum sks_status device_certify(struct device *device, const char *ca_folder,
                                       const char *ca_copy, struct sks_error *err);

/** Writes a certificate request of the device key, PEM. */
CHECKED enum sks_status device_write_request(const struct device *device, const char *path,
                                             struct sks_error *err);

/**
 * Takes the path that somebody issued for the request: PEM, device certificate first, each signed
 * by the next. A self-signed certificate at its end is written to ca_copy and left out of the path.
 */
CHECKED enum sks_status device_take_certificate(struct device *device, const char *path,
                                                const char *ca_copy, struct sks_error *err);

#endif
