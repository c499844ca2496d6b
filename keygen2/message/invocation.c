/* Invocation: what the issuer wants, and what the client can do. */
#include "keygen2/message/keygen2.h"

/* ---- InvocationRequest ---- */

#define AT(member) .offset = offsetof(struct invocation_request, member)

static const struct json_field REQUEST[] = {
    KEYGEN2_HEADER("InvocationRequest"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "action", JSON_NAME, JSON_MANDATORY, AT(action), .with = NAMES_ACTION },
    { "privacyEnabled", JSON_FLAG, JSON_OPTIONAL, AT(privacy_enabled) },
    /* The only list of the request that may be empty. */
    { "preferredLanguages", JSON_TEXTS, JSON_OPTIONAL, AT(preferred_languages) },
    { "targetKeyContainers", JSON_TEXTS, JSON_OPTIONAL, AT(target_key_containers), .min = 1 },
    { "clientCapabilityQuery", JSON_URIS, JSON_OPTIONAL, AT(client_capability_query), .min = 1 },
};

#undef AT

static bool is_key_container(struct bytes name)
{
    static const char *const known[] = { "software", "embedded", "uicc", "sdcard", "external" };

    for (size_t i = 0; i < NITEMS(known); i++)
        if (bytes_equal(bytes_of(known[i]), name))
            return true;
    return false;
}

static enum sks_status check_request(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct invocation_request *request = out;
    const struct json_place list = { at, "targetKeyContainers", 0 };

    for (size_t i = 0; i < request->target_key_containers.count; i++)
        if (!is_key_container(request->target_key_containers.item[i]))
            return json_refuse(r, &(struct json_place){ &list, NULL, i }, "unknown key container");
    return SKS_OK;
}

const struct json_type INVOCATION_REQUEST =
    JSON_TYPE("InvocationRequest", struct invocation_request, REQUEST, check_request);

/* ---- InvocationResponse ---- */

#define AT(member) .offset = offsetof(struct client_capability, member)

static const struct json_field CAPABILITY[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "supported", JSON_FLAG, JSON_MANDATORY, AT(supported) },
};

#undef AT

static const struct json_type CLIENT_CAPABILITY =
    JSON_TYPE("clientCapability", struct client_capability, CAPABILITY, NULL);

#define AT(member) .offset = offsetof(struct invocation_response, member)

static const struct json_field RESPONSE[] = {
    KEYGEN2_HEADER("InvocationResponse"),
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientCapabilities", JSON_RECORDS, JSON_OPTIONAL, AT(client_capabilities), .min = 1,
      .with = &CLIENT_CAPABILITY },
};

#undef AT

/* Each query is answered exactly once. */
static enum sks_status check_response(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct invocation_response *response = out;
    const struct client_capability *capability = response->client_capabilities.item;
    const struct json_place list = { at, "clientCapabilities", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < response->client_capabilities.count; i++) {
        const struct json_place item = { &list, NULL, i };

        TRY(json_unique(r, &(struct json_place){ &item, "type", 0 }, seen, capability[i].type));
    }
out:
    json_decref(seen);
    return rc;
}

const struct json_type INVOCATION_RESPONSE =
    JSON_TYPE("InvocationResponse", struct invocation_response, RESPONSE, check_response);
