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

#define AT(member) .offset = offsetof(struct image_attributes, member)

static const struct json_field IMAGE[] = {
    { "mimeType", JSON_TEXT, JSON_MANDATORY, AT(mime_type), .min = 1, .max = SKS_QUALIFIER_MAX },
    { "width", JSON_LONG, JSON_MANDATORY, AT(width), .min = 1 },
    { "height", JSON_LONG, JSON_MANDATORY, AT(height), .min = 1 },
};

#undef AT

static const struct json_type IMAGE_ATTRIBUTES =
    JSON_TYPE("imageAttributes", struct image_attributes, IMAGE, NULL);

/* The answer where there is no other, so "false" is no default that could be left out. */
static enum sks_status decode_supported(struct json_reader *r, const struct json_place *at,
                                        const json_t *value, void *member)
{
    struct client_capability *capability = member;

    if (!json_is_boolean(value))
        return json_refuse(r, at, "expected true or false");
    capability->supported = json_is_true(value);
    capability->has_supported = true;
    return SKS_OK;
}

static void encode_supported(struct buf *out, const void *member)
{
    const struct client_capability *capability = member;

    if (capability->values.count == 0 && capability->image_attributes == NULL)
        put_text(out, capability->supported ? "true" : "false");
}

static const struct json_codec SUPPORTED = { decode_supported, encode_supported };

#define AT(member) .offset = offsetof(struct client_capability, member)

static const struct json_field CAPABILITY[] = {
    { "type", JSON_URI, JSON_MANDATORY, AT(type) },
    { "supported", JSON_CUSTOM, JSON_OPTIONAL, .with = &SUPPORTED },
    { "values", JSON_TEXTS, JSON_OPTIONAL, AT(values), .min = 1 },
    { "imageAttributes", JSON_RECORD, JSON_OPTIONAL, AT(image_attributes),
      .with = &IMAGE_ATTRIBUTES },
};

#undef AT

static enum sks_status check_capability(struct json_reader *r, const struct json_place *at,
                                        void *out)
{
    const struct client_capability *capability = out;

    if (capability->has_supported + (capability->values.count > 0) +
            (capability->image_attributes != NULL) ==
        1)
        return SKS_OK;
    return json_refuse(r, at, "must have one of supported, values, imageAttributes");
}

static const struct json_type CLIENT_CAPABILITY =
    JSON_TYPE("clientCapability", struct client_capability, CAPABILITY, check_capability);

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
