#include "token/api/token_probe.h"

#include <openssl/x509.h>
#include <stdio.h>

static enum sks_status call(struct token_link *link, const struct health *health,
                            enum method_id method, const union sks_in *in, union sks_out *out,
                            struct arena *arena, struct sks_error *err)
{
    struct sks_error why = { 0 };
    unsigned seconds;
    enum sks_status rc;

    TRY(health_left(health, &seconds, err));
    token_link_set_timeout(link, seconds);
    if (token_call(link, method, in, out, arena, &why) != SKS_OK) /* of whatever status */
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", sks_method((uint8_t)method)->name,
                      why.text[0] == '\0' ? sks_status_text((int)why.status) : why.text);
out:
    return rc;
}

static enum sks_status check_certificate(const struct device_info_out *info, struct sks_error *err)
{
    const uint8_t *der =
        info->certificate_path.count == 0 ? NULL : info->certificate_path.item[0].ptr;
    X509 *certificate = NULL;
    enum sks_status rc = SKS_OK;

    REQUIRE(der != NULL, err, SKS_ERROR_EXTERNAL, "getDeviceInfo: the device has no certificate");
    certificate = d2i_X509(NULL, &der, (long)info->certificate_path.item[0].len);
    REQUIRE(certificate != NULL, err, SKS_ERROR_EXTERNAL,
            "getDeviceInfo: the device certificate cannot be read");
out:
    X509_free(certificate);
    return rc;
}

enum sks_status token_probe(struct health *health, struct sks_error *err)
{
    const struct token_link_config config = { .timeout = HEALTH_SECONDS_DEFAULT };
    union sks_in sessions = { .enumerate_sessions = { 0, true } }, keys = { .key_handle = { 0 } };
    union sks_out info, out;
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    enum sks_status rc;

    TRY(token_link_open(health->address, &config, &link, err));
    TRY(call(link, health, GET_DEVICE_INFO, NULL, &info, &arena, err));
    TRY(check_certificate(&info.device_info, err));
    TRY(call(link, health, ENUMERATE_PROVISIONING_SESSIONS, &sessions, &out, &arena, err));
    TRY(call(link, health, ENUMERATE_KEYS, &keys, &out, &arena, err));
    (void)snprintf(
        health->found, sizeof health->found,
        "%.*s, API level %u, device certificate there, store read",
        (int)(info.device_info.vendor_name.len > 100 ? 100 : info.device_info.vendor_name.len),
        (const char *)info.device_info.vendor_name.ptr, info.device_info.api_level);
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}
