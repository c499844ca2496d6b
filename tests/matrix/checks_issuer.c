/* The checks of the issuer. */
#include "issuer/check_initialization.h"
#include "issuer/trust.h"
#include "tests/matrix/check.h"

CHECK(check_ids, (struct exchange * x, struct bytes server_id, const struct bytes *client_id),
      (x, server_id, client_id), is_missing(CHECK_SESSION_IDS, NULL))
CHECK(check_server_time, (struct exchange * x, struct bytes text), (x, text),
      is_missing(CHECK_SERVER_TIME, NULL))
CHECK(check_mode, (struct exchange * x, const struct device_id *device), (x, device),
      is_missing(CHECK_DEVICE_ID, NULL))

/* Without trust there is still the key of the certificate. */
enum sks_status __real_trust_verify_device(struct trust *trust, const struct bytes_list *path,
                                           const struct device_trust *lax, int64_t now,
                                           struct verified_device *device, struct sks_error *err);
enum sks_status __wrap_trust_verify_device(struct trust *trust, const struct bytes_list *path,
                                           const struct device_trust *lax, int64_t now,
                                           struct verified_device *device, struct sks_error *err);
enum sks_status __wrap_trust_verify_device(struct trust *trust, const struct bytes_list *path,
                                           const struct device_trust *lax, int64_t now,
                                           struct verified_device *device, struct sks_error *err)
{
    const uint8_t *p = path->item[0].ptr;
    X509 *certificate;

    if (!is_missing(CHECK_DEVICE_PATH, NULL))
        return __real_trust_verify_device(trust, path, lax, now, device, err);
    *device = (struct verified_device){ 0 };
    certificate = d2i_X509(NULL, &p, (long)path->item[0].len);
    device->key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    return device->key == NULL ? SKS_ERROR_AUTHORIZATION : SKS_OK;
}
