#include "token/firmware_policy.h"
#include "keygen2/base/json.h"

enum { DESCRIPTION_MAX = 1000, ALL_USES = ALGORITHM_ENDORSABLE | ALGORITHM_PROTOCOL };

const struct firmware_policy FIRMWARE_NO_POLICY = {
    .limits = { .max_session_life_time = UINT32_MAX,
                .max_pin_retry_limit = SKS_RETRY_LIMIT_MAX,
                .min_pin_length = 1 },
};

/* ---- limits ---- */

#define AT(member) .offset = offsetof(struct firmware_limits, member)

static const struct json_field LIMITS[] = {
    { "maxSessionLifeTime", JSON_LONG, JSON_OPTIONAL, AT(max_session_life_time), .min = 1,
      .fallback = UINT32_MAX },
    { "maxPinRetryLimit", JSON_USHORT, JSON_OPTIONAL, AT(max_pin_retry_limit), .min = 1,
      .max = SKS_RETRY_LIMIT_MAX, .fallback = SKS_RETRY_LIMIT_MAX },
    { "maxPukRetryLimit", JSON_USHORT, JSON_OPTIONAL, AT(max_puk_retry_limit), .min = 1,
      .max = SKS_RETRY_LIMIT_MAX },
    { "minPinLength", JSON_USHORT, JSON_OPTIONAL, AT(min_pin_length), .min = 1, .max = SKS_PIN_MAX,
      .fallback = 1 },
};

#undef AT

static const struct json_type LIMITS_TYPE =
    JSON_TYPE("limits", struct firmware_limits, LIMITS, NULL);

/* ---- the whole ---- */

struct document {
    uint32_t version;
    struct bytes description;
    struct bytes_list algorithms;
    struct firmware_limits *limits;
};

#define AT(member) .offset = offsetof(struct document, member)

static const struct json_field DOCUMENT[] = {
    { "version", JSON_LONG, JSON_MANDATORY, AT(version), .min = 1 },
    { "description", JSON_TEXT, JSON_OPTIONAL, AT(description), .max = DESCRIPTION_MAX },
    { "algorithms", JSON_URIS, JSON_OPTIONAL, AT(algorithms), .min = 1, .max = ALGORITHMS_MAX },
    { "limits", JSON_RECORD, JSON_OPTIONAL, AT(limits), .with = &LIMITS_TYPE },
};

#undef AT

/* A policy that names what this token has not was made for another one. */
static enum sks_status check_algorithms(struct json_reader *r, const struct json_place *at,
                                        void *out)
{
    const struct bytes_list *uris = &((const struct document *)out)->algorithms;
    const struct json_place list = { at, "algorithms", 0 };
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < uris->count; i++) {
        const struct json_place place = { &list, NULL, i };

        if (algorithm_by_uri(uris->item[i], ALL_USES) == NULL)
            TRY(json_refuse(r, &place, "unknown algorithm"));
        TRY(json_unique(r, &place, seen, uris->item[i]));
    }
out:
    json_decref(seen);
    return rc;
}

static const struct json_type DOCUMENT_TYPE =
    JSON_TYPE("policy", struct document, DOCUMENT, check_algorithms);

/* session.1 and key.1 are no choice: without them nobody could provision the token any more. */
static void take_algorithms(struct firmware_policy *policy, const struct bytes_list *uris)
{
    if (uris->count == 0)
        return;
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++)
        policy->disabled[i] = (ALGORITHMS[i].use & ALGORITHM_PROTOCOL) == 0;
    for (size_t i = 0; i < uris->count; i++)
        policy->disabled[algorithm_by_uri(uris->item[i], ALL_USES) - ALGORITHMS] = false;
}

enum sks_status firmware_policy_read(struct bytes text, struct firmware_policy *policy,
                                     struct sks_error *err)
{
    struct document document;
    struct arena arena = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    *policy = FIRMWARE_NO_POLICY;
    TRY(json_parse(text, &root, err));
    TRY(json_decode(&DOCUMENT_TYPE, root, &document, &arena, err));
    policy->version = document.version;
    take_algorithms(policy, &document.algorithms);
    if (document.limits != NULL)
        policy->limits = *document.limits;
out:
    json_decref(root);
    arena_free(&arena);
    return rc;
}

bool firmware_enables(const struct firmware_policy *policy, const struct algorithm *algorithm)
{
    return !policy->disabled[algorithm - ALGORITHMS];
}

const struct algorithm *firmware_algorithm(const struct firmware_policy *policy, struct bytes uri,
                                           unsigned use)
{
    const struct algorithm *row = algorithm_by_uri(uri, use);

    return row != NULL && firmware_enables(policy, row) ? row : NULL;
}
