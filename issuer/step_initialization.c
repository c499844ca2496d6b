/* ProvisioningInitialization: who the device is, the session key; then the keys to make. */
#include "issuer/check_initialization.h"
#include "issuer/enrolment.h"
#include "issuer/in_doubt.h"
#include "issuer/requests.h"
#include "issuer/session_kind.h"
#include "issuer/verify.h"
#include "keygen2/base/clock.h"

static enum sks_status check_device(struct exchange *x, const struct bytes_list *path,
                                    struct verified_device *device)
{
    struct sks_error why = { 0 };
    enum sks_status rc = trust_verify_device(&x->issuer->trust, path, x->profile->device_trust,
                                             clock_now(), device, &why);

    if (rc != SKS_OK)
        return check_fail(x, rc, EVIDENCE_CHECK_DEVICE_PATH, "%s", why.text);
    check_pass(x, EVIDENCE_CHECK_DEVICE_PATH, "%zu certificate%s, device %s", path->count,
               path->count == 1 ? "" : "s", device->name[0] == '\0' ? "?" : device->name);
    return SKS_OK;
}

/* What the response adds to the terms; the session key is made of it, or attested with it. */
static void take_terms(struct session_state *state,
                       const struct provisioning_initialization_response *response)
{
    state->terms.client_session_id = response->client_session_id;
    state->terms.client_time = (uint32_t)response->client_time.seconds;
    if (response->device_id != NULL)
        state->device_path = response->device_id->certificate_path;
}

static enum sks_status check_attestation(struct exchange *x, const struct session_key *sk,
                                         EVP_PKEY *device_key, struct bytes attestation)
{
    const struct session_state *state = &x->session->state;
    enum sks_status rc =
        session_kind_of(state)->check_attestation(state, sk, device_key, attestation);

    if (rc != SKS_OK)
        return check_fail(x, rc, EVIDENCE_CHECK_SESSION_ATTESTATION,
                          "is not by the device over the terms of this session");
    check_pass(x, EVIDENCE_CHECK_SESSION_ATTESTATION,
               device_key == NULL ? "HMAC with the session key, privacy mode"
                                  : "signature of the device key over the terms of the session");
    return SKS_OK;
}

enum sks_status step_initialization(struct exchange *x, const void *from)
{
    const struct provisioning_initialization_response *response = from;
    struct session_key sk = { 0 };
    struct verified_device device = { 0 };
    enum sks_status rc;

    TRY(check_ids(x, response->server_session_id, NULL));
    TRY(check_server_time(x, response->server_time.text));
    TRY(check_mode(x, response->device_id));
    TRY(session_kind_of(&x->session->state)->check_half(x, response));
    if (response->device_id != NULL)
        TRY(check_device(x, &response->device_id->certificate_path, &device));
    take_terms(&x->session->state, response);
    TRY(session_kind_of(&x->session->state)->take_key(x, response, &sk));
    TRY(check_attestation(x, &sk, device.key, response->attestation));
    TRY(check_listed(x, response->device_id));
    TRY(enrolment_check_invitation(x));
    TRY(keep_lookups(x));
    TRY(in_doubt_load(x));
    TRY(x->profile->lookups.count > 0 || x->session->state.found_credentials > 0
            ? request_discovery(x, &sk)
            : request_keys(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    verified_device_clear(&device);
    return rc;
}
