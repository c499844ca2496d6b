/* ProvisioningInitialization: both ends agree on a session key. */
#include "keygen2/message/keygen2.h"

/* ---- ProvisioningInitializationRequest ---- */

#define AT(member) .offset = offsetof(struct provisioning_initialization_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("ProvisioningInitializationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "serverTime", JSON_CUSTOM, JSON_MANDATORY, AT(server_time), .with = &KEYGEN2_SERVER_TIME },
    { "sessionKeyAlgorithm", JSON_URI, JSON_MANDATORY, AT(session_key_algorithm) },
    { "sessionKeyLimit", JSON_USHORT, JSON_MANDATORY, AT(session_key_limit), .min = 1 },
    { "sessionLifeTime", JSON_USHORT, JSON_MANDATORY, AT(session_life_time), .min = 1 },
    { "serverEphemeralKey", JSON_CUSTOM, JSON_MANDATORY, AT(server_ephemeral_key),
      .with = &KEYGEN2_JWK },
    { "keyManagementKey", JSON_CUSTOM, JSON_OPTIONAL, AT(key_management_key),
      .with = &KEYGEN2_JWK },
};

#undef AT

const struct json_type PROVISIONING_INITIALIZATION_REQUEST = JSON_TYPE(
    "ProvisioningInitializationRequest", struct provisioning_initialization_request, REQUEST, NULL);

/* ---- ProvisioningInitializationResponse ---- */

static const struct json_field DEVICE[] = {
    { "certificatePath", JSON_BINARIES, JSON_MANDATORY,
      .offset = offsetof(struct device_id, certificate_path), .min = 1,
      .max = KEYGEN2_DEVICE_PATH_MAX },
};

static enum sks_status check_device(struct json_reader *r, const struct json_place *at, void *out)
{
    return keygen2_check_path(r, at, &((const struct device_id *)out)->certificate_path);
}

static const struct json_type DEVICE_ID =
    JSON_TYPE("deviceId", struct device_id, DEVICE, check_device);

#define AT(member) .offset = offsetof(struct provisioning_initialization_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("ProvisioningInitializationResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "serverTime", JSON_CUSTOM, JSON_MANDATORY, AT(server_time), .with = &KEYGEN2_SERVER_TIME },
    { "clientTime", JSON_CUSTOM, JSON_MANDATORY, AT(client_time), .with = &KEYGEN2_CLIENT_TIME },
    { "clientEphemeralKey", JSON_CUSTOM, JSON_MANDATORY, AT(client_ephemeral_key),
      .with = &KEYGEN2_JWK },
    /* Required or forbidden by the privacyEnabled of the InvocationRequest: the issuer checks. */
    { "deviceId", JSON_RECORD, JSON_OPTIONAL, AT(device_id), .with = &DEVICE_ID },
    { "attestation", JSON_BINARY, JSON_MANDATORY, AT(attestation), .min = 1 },
};

#undef AT

const struct json_type PROVISIONING_INITIALIZATION_RESPONSE =
    JSON_TYPE("ProvisioningInitializationResponse", struct provisioning_initialization_response,
              RESPONSE, NULL);
