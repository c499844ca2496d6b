/* The device: its attestation key, its certificate path, and how both come to be. */
#ifndef TOKEN_DEVICE_H
#define TOKEN_DEVICE_H

#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "token/store.h"

struct device {
    EVP_PKEY *key;                      /* attestation key */
    struct signer *signer;              /* of it, once it is loaded */
    struct bytes_list certificate_path; /* leaf first; slices in the arena */
    struct arena arena;
};

/**
 * Draws the device key.
 *
 * @param algorithm  key generation row, EC or RSA
 * @param device     zeroed; key is set
 */
CHECKED enum sks_status device_make_key(const struct algorithm *algorithm, struct device *device);

/** Stores key and path; the path may still be empty. */
CHECKED enum sks_status device_save(struct store *store, const struct device *device,
                                    struct sks_error *err);

/** Loads both; SKS_ERROR_NOT_AVAILABLE if there is none. */
CHECKED enum sks_status device_load(struct store *store, struct device *device,
                                    struct sks_error *err);

/** Wipes the key; the certificate path stays. */
void device_forget_key(struct device *device);

/** Loads the key again; the certificate path stays the one that it is, for who may be reading it.
 */
CHECKED enum sks_status device_recall_key(struct store *store, struct device *device,
                                          struct sks_error *err);

void device_free(struct device *device);

/** Appends a signature by the key of a loaded device, as sign_sha256() makes it. */
CHECKED enum sks_status device_sign(const struct device *device, struct bytes data,
                                    struct buf *signature);

/** DeviceID of the session constructs: the device certificate, or "Anonymous". */
struct bytes device_id(const struct device *device, bool privacy_enabled);

#endif
