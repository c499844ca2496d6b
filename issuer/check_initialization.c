#include "issuer/check_initialization.h"
#include "keygen2/crypto/fetched.h"

/* KeyGen2, ProvisioningInitializationResponse: serverTime comes back as it was sent. */
enum sks_status check_server_time(struct exchange *x, struct bytes text)
{
    if (!bytes_equal(text, x->session->state.server_time))
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_SERVER_TIME,
                          "is not the one that was sent");
    check_pass(x, EVIDENCE_CHECK_SERVER_TIME, "as it was sent");
    return SKS_OK;
}

/* Who asked decides the mode: else one without any device could pass for one with privacy. */
enum sks_status check_mode(struct exchange *x, const struct device_id *device)
{
    bool privacy = x->session->state.terms.privacy_enabled;

    if (device == NULL && !privacy)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_DEVICE_ID,
                          "deviceId is missing, and privacy was not asked for");
    if (device != NULL && privacy)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_DEVICE_ID,
                          "deviceId is there, although privacy was asked for");
    check_pass(x, EVIDENCE_CHECK_DEVICE_ID, privacy ? "absent, as privacy asks" : "present");
    return SKS_OK;
}

/* A list in the profile says which devices may enrol at all. */
enum sks_status check_listed(struct exchange *x, const struct device_id *device)
{
    uint8_t name[32];
    enum sks_status rc;

    if (x->profile->enrolment == NULL || x->profile->enrolment->devices.count == 0)
        return SKS_OK;
    if (device == NULL) /* it began before the profile had one */
        return check_fail(x, SKS_ERROR_NOT_ALLOWED, "listed device",
                          "the profile has a list, and the session shows no device");
    TRY(sha256(device->certificate_path.item[0], name));
    if (!profile_lists_device(x->profile, bytes_at(name, sizeof name)))
        return check_fail(x, SKS_ERROR_NOT_ALLOWED, "listed device",
                          "this device is not on the list of the profile");
    check_pass(x, "listed device", "on the list of the profile");
out:
    return rc;
}
