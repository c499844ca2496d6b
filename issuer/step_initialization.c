/* ProvisioningInitialization: who the device is, the session key; then the keys to make. */
#include "issuer/enrolment.h"
#include "issuer/in_doubt.h"
#include "issuer/requests.h"
#include "issuer/verify.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/fetched.h"
#include "keygen2/crypto/private_key.h"

/* KeyGen2, ProvisioningInitializationResponse: serverTime comes back as it was sent. */
static enum sks_status check_server_time(struct exchange *x, struct bytes text)
{
    if (!bytes_equal(text, x->session->state.server_time))
        return check_fail(x, SKS_ERROR_OPTION, "server time", "is not the one that was sent");
    check_pass(x, "server time", "as it was sent");
    return SKS_OK;
}

/* Who asked decides the mode: else one without any device could pass for one with privacy. */
static enum sks_status check_mode(struct exchange *x, const struct device_id *device)
{
    bool privacy = x->session->state.terms.privacy_enabled;

    if (device == NULL && !privacy)
        return check_fail(x, SKS_ERROR_OPTION, "device id",
                          "deviceId is missing, and privacy was not asked for");
    if (device != NULL && privacy)
        return check_fail(x, SKS_ERROR_OPTION, "device id",
                          "deviceId is there, although privacy was asked for");
    check_pass(x, "device id", privacy ? "absent, as privacy asks" : "present");
    return SKS_OK;
}

/* The decoder found the point to be on its curve; this is about which curve. */
static enum sks_status check_client_key(struct exchange *x, struct bytes spki)
{
    struct public_key client, server;

    if (public_key_parse(spki, &client) != SKS_OK ||
        public_key_parse(x->session->state.terms.server_ephemeral_key, &server) != SKS_OK ||
        client.curve == NULL || client.curve != server.curve)
        return check_fail(x, SKS_ERROR_OPTION, "client key",
                          "clientEphemeralKey is not on the curve of serverEphemeralKey");
    check_pass(x, "client key", "on the curve %s", client.curve->jose);
    return SKS_OK;
}

static enum sks_status check_device(struct exchange *x, const struct bytes_list *path,
                                    struct verified_device *device)
{
    struct sks_error why = { 0 };
    enum sks_status rc = trust_verify_device(&x->issuer->trust, path, x->profile->device_trust,
                                             clock_now(), device, &why);

    if (rc != SKS_OK)
        return check_fail(x, rc, "device path", "%s", why.text);
    check_pass(x, "device path", "%zu certificate%s, device %s", path->count,
               path->count == 1 ? "" : "s", device->name[0] == '\0' ? "?" : device->name);
    return SKS_OK;
}

/* A list in the profile says which devices may enrol at all. */
static enum sks_status check_listed(struct exchange *x, struct bytes certificate)
{
    uint8_t name[32];
    enum sks_status rc;

    if (x->profile->enrolment == NULL || x->profile->enrolment->devices.count == 0)
        return SKS_OK;
    TRY(sha256(certificate, name));
    if (!profile_lists_device(x->profile, bytes_at(name, sizeof name)))
        return check_fail(x, SKS_ERROR_NOT_ALLOWED, "listed device",
                          "this device is not on the list of the profile");
    check_pass(x, "listed device", "on the list of the profile");
out:
    return rc;
}

/* What the response adds to the terms; the session key is made of all of them. */
static enum sks_status derive_key(struct exchange *x,
                                  const struct provisioning_initialization_response *response,
                                  struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct bytes private_key = state->ephemeral_key;
    EVP_PKEY *own = drawn_keys_take(x->issuer->drawn_keys, state->terms.server_ephemeral_key);
    enum sks_status rc;

    state->terms.client_session_id = response->client_session_id;
    state->terms.client_time = (uint32_t)response->client_time.seconds;
    state->client_ephemeral_key = response->client_ephemeral_key;
    if (response->device_id != NULL)
        state->device_path = response->device_id->certificate_path;
    if (own == NULL) /* as after a restart */
        TRY(get_private_key(&private_key, &own));
    TRY(session_key_derive(own, state->client_ephemeral_key, &state->terms,
                           session_device_id(state), sk));
    state->ephemeral_key = (struct bytes){ 0 };
out:
    EVP_PKEY_free(own);
    return sks_explain(x->err, rc);
}

static enum sks_status check_attestation(struct exchange *x, const struct session_key *sk,
                                         EVP_PKEY *device_key, struct bytes attestation)
{
    const struct session_state *state = &x->session->state;
    enum sks_status rc =
        verify_session_attestation(&state->terms, session_device_id(state),
                                   state->client_ephemeral_key, sk, device_key, attestation);

    if (rc != SKS_OK)
        return check_fail(x, rc, "session attestation",
                          "is not by the device over the terms of this session");
    check_pass(x, "session attestation",
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
    TRY(check_client_key(x, response->client_ephemeral_key));
    if (response->device_id != NULL)
        TRY(check_device(x, &response->device_id->certificate_path, &device));
    TRY(derive_key(x, response, &sk));
    TRY(check_attestation(x, &sk, device.key, response->attestation));
    if (response->device_id != NULL)
        TRY(check_listed(x, response->device_id->certificate_path.item[0]));
    TRY(enrolment_check_invitation(x));
    TRY(in_doubt_load(x));
    TRY(x->profile->lookups.count > 0 || x->session->state.found_credentials > 0
            ? request_discovery(x, &sk)
            : request_keys(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    verified_device_clear(&device);
    return rc;
}
