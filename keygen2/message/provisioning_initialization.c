/* ProvisioningInitialization: both ends agree on a session key. */
#include "keygen2/crypto/session_2010.h"
#include "keygen2/message/keygen2.h"

#include <string.h>

static const char UPDATABLE_KEYS[] = "updatableKeyManagementKeys";
static const char SERVER_EPHEMERAL_KEY[] = "serverEphemeralKey";
static const char SERVER_PUBLIC_KEY[] = "serverPublicKey";
static const char CLIENT_EPHEMERAL_KEY[] = "clientEphemeralKey";
static const char ENCRYPTED_SESSION_KEY[] = "encryptedSessionKey";

/* ---- the two kinds of session: V1.07's, and that of the 2010 profile ---- */

/* What one of them must have, and the other must not. */
static enum sks_status check_present(struct json_reader *r, const struct json_place *at,
                                     const char *name, size_t len, bool wanted)
{
    const struct json_place place = { at, name, 0 };

    if ((len > 0) == wanted)
        return SKS_OK;
    return json_refuse(r, &place, wanted ? "missing" : "not in a session of this algorithm");
}

static enum sks_status check_id_2010(struct json_reader *r, const struct json_place *at,
                                     const char *name, struct bytes id)
{
    const struct json_place place = { at, name, 0 };

    if (id.len == SKS_SESSION_ID_2010)
        return SKS_OK;
    return json_refuse(r, &place, "not %d characters", SKS_SESSION_ID_2010);
}

/* A ushort in V1.07's createProvisioningSession, a uint in that of 2010. */
static enum sks_status check_life_time(struct json_reader *r, const struct json_place *at,
                                       uint32_t seconds)
{
    if (seconds <= UINT16_MAX)
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, "sessionLifeTime", 0 }, "must be 1-%d",
                       UINT16_MAX);
}

static enum sks_status check_request_2010(struct json_reader *r, const struct json_place *at,
                                          const struct provisioning_initialization_request *request)
{
    struct public_key key;
    enum sks_status rc;

    TRY(check_id_2010(r, at, "serverSessionId", request->server_session_id));
    TRY(check_present(r, at, "keyManagementKey", request->key_management_key.len, false));
    if (request->session_key_limit != UINT16_MAX)
        return json_refuse(r, &(struct json_place){ at, "sessionKeyLimit", 0 }, "not %d",
                           UINT16_MAX);
    TRY(public_key_parse(request->server_public_key, &key));
    if (key.kind != KEY_KIND_RSA)
        return json_refuse(r, &(struct json_place){ at, SERVER_PUBLIC_KEY, 0 }, "no RSA key");
out:
    return rc;
}

/* ---- updatableKeyManagementKey ---- */

/* A table that holds itself: the key, which comes first, is where its depth is looked at. */
static enum sks_status decode_updatable_key(struct json_reader *r, const struct json_place *at,
                                            const json_t *value, void *member)
{
    unsigned depth = 0;

    for (const struct json_place *place = at; place != NULL; place = place->parent)
        depth += place->name != NULL && strcmp(place->name, UPDATABLE_KEYS) == 0;
    if (depth > KEYGEN2_GENERATIONS_MAX)
        return json_refuse(r, at, "more than %d generations of key management keys",
                           KEYGEN2_GENERATIONS_MAX);
    return KEYGEN2_JWK.decode(r, at, value, member);
}

static void encode_updatable_key(struct buf *out, const void *member)
{
    KEYGEN2_JWK.encode(out, member);
}

static const struct json_codec UPDATABLE_KEY = { decode_updatable_key, encode_updatable_key };

static const struct json_type UPDATABLE_KEY_MANAGEMENT_KEY;

#define AT(member) .offset = offsetof(struct updatable_key_management_key, member)

static const struct json_field UPDATABLE[] = {
    { "publicKey", JSON_CUSTOM, JSON_MANDATORY, AT(public_key), .with = &UPDATABLE_KEY },
    { "authorization", JSON_BINARY, JSON_MANDATORY, AT(authorization), .min = 1 },
    { UPDATABLE_KEYS, JSON_RECORDS, JSON_OPTIONAL, AT(updatable_key_management_keys), .min = 1,
      .max = KEYGEN2_UPDATABLE_KEYS_MAX, .with = &UPDATABLE_KEY_MANAGEMENT_KEY },
};

#undef AT

static size_t count_keys(const struct json_array *keys)
{
    const struct updatable_key_management_key *key = keys->item;
    size_t count = keys->count;

    for (size_t i = 0; i < keys->count; i++)
        count += count_keys(&key[i].updatable_key_management_keys);
    return count;
}

/* At every level, so that few more than those allowed are ever looked at. */
static enum sks_status check_count(struct json_reader *r, const struct json_place *at,
                                   const struct json_array *keys)
{
    if (count_keys(keys) <= KEYGEN2_UPDATABLE_KEYS_MAX)
        return SKS_OK;
    return json_refuse(r, &(struct json_place){ at, UPDATABLE_KEYS, 0 },
                       "more than %d keys altogether", KEYGEN2_UPDATABLE_KEYS_MAX);
}

static enum sks_status check_updatable(struct json_reader *r, const struct json_place *at,
                                       void *out)
{
    const struct updatable_key_management_key *key = out;

    return check_count(r, at, &key->updatable_key_management_keys);
}

static const struct json_type UPDATABLE_KEY_MANAGEMENT_KEY = JSON_TYPE(
    "updatableKeyManagementKey", struct updatable_key_management_key, UPDATABLE, check_updatable);

/* ---- ProvisioningInitializationRequest ---- */

#define AT(member) .offset = offsetof(struct provisioning_initialization_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("ProvisioningInitializationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "serverTime", JSON_CUSTOM, JSON_MANDATORY, AT(server_time), .with = &KEYGEN2_SERVER_TIME },
    { "sessionKeyAlgorithm", JSON_URI, JSON_MANDATORY, AT(session_key_algorithm) },
    { "sessionKeyLimit", JSON_USHORT, JSON_MANDATORY, AT(session_key_limit), .min = 1 },
    { "sessionLifeTime", JSON_LONG, JSON_MANDATORY, AT(session_life_time), .min = 1 },
    /* One of these two, by the algorithm. */
    { SERVER_EPHEMERAL_KEY, JSON_CUSTOM, JSON_OPTIONAL, AT(server_ephemeral_key),
      .with = &KEYGEN2_JWK },
    { SERVER_PUBLIC_KEY, JSON_CUSTOM, JSON_OPTIONAL, AT(server_public_key), .with = &KEYGEN2_JWK },
    { "keyManagementKey", JSON_CUSTOM, JSON_OPTIONAL, AT(key_management_key),
      .with = &KEYGEN2_JWK },
    { UPDATABLE_KEYS, JSON_RECORDS, JSON_OPTIONAL, AT(updatable_key_management_keys), .min = 1,
      .max = KEYGEN2_UPDATABLE_KEYS_MAX, .with = &UPDATABLE_KEY_MANAGEMENT_KEY },
};

#undef AT

static enum sks_status check_request(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct provisioning_initialization_request *request = out;
    bool is_2010 = bytes_equal(request->session_key_algorithm, bytes_of(SKS_SESSION_2010));
    enum sks_status rc;

    TRY(check_present(r, at, SERVER_EPHEMERAL_KEY, request->server_ephemeral_key.len, !is_2010));
    TRY(check_present(r, at, SERVER_PUBLIC_KEY, request->server_public_key.len, is_2010));
    TRY(is_2010 ? check_request_2010(r, at, request)
                : check_life_time(r, at, request->session_life_time));
    if (request->updatable_key_management_keys.count > 0 && request->key_management_key.len == 0)
        return json_refuse(r, &(struct json_place){ at, UPDATABLE_KEYS, 0 },
                           "there is no keyManagementKey to replace them");
    TRY(check_count(r, at, &request->updatable_key_management_keys));
out:
    return rc;
}

const struct json_type PROVISIONING_INITIALIZATION_REQUEST =
    JSON_TYPE("ProvisioningInitializationRequest", struct provisioning_initialization_request,
              REQUEST, check_request);

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
    /* One of these two, by the request's algorithm: the issuer checks that it is the right one. */
    { CLIENT_EPHEMERAL_KEY, JSON_CUSTOM, JSON_OPTIONAL, AT(client_ephemeral_key),
      .with = &KEYGEN2_JWK },
    { ENCRYPTED_SESSION_KEY, JSON_BINARY, JSON_OPTIONAL, AT(encrypted_session_key),
      .min = SESSION_2010_RSA_MIN / 8, .max = SESSION_2010_RSA_MAX / 8 },
    /* Required or forbidden by the privacyEnabled of the InvocationRequest: the issuer checks. */
    { "deviceId", JSON_RECORD, JSON_OPTIONAL, AT(device_id), .with = &DEVICE_ID },
    { "attestation", JSON_BINARY, JSON_MANDATORY, AT(attestation), .min = 1 },
};

#undef AT

static enum sks_status check_response(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct provisioning_initialization_response *response = out;
    bool is_2010 = response->encrypted_session_key.len > 0;
    enum sks_status rc;

    TRY(check_present(r, at, CLIENT_EPHEMERAL_KEY, response->client_ephemeral_key.len, !is_2010));
    if (!is_2010)
        return SKS_OK;
    TRY(check_id_2010(r, at, "serverSessionId", response->server_session_id));
    TRY(check_id_2010(r, at, "clientSessionId", response->client_session_id));
    TRY(check_present(r, at, "deviceId", response->device_id != NULL, true));
out:
    return rc;
}

const struct json_type PROVISIONING_INITIALIZATION_RESPONSE =
    JSON_TYPE("ProvisioningInitializationResponse", struct provisioning_initialization_response,
              RESPONSE, check_response);
