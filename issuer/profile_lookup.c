/* Credential discovery and the targets of post operations, as a profile says them. */
#include "issuer/profile_internal.h"
#include "keygen2/crypto/fetched.h"
#include "keygen2/message/search_filter.h"

/* ---- lookupSpecifier ---- */

#define AT(member) .offset = offsetof(struct lookup_profile, member)

static const struct json_field LOOKUP[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(id) },
    { "searchFilter", JSON_RECORD, JSON_OPTIONAL, AT(search_filter), .with = &SEARCH_FILTER },
    { "exactly", JSON_USHORT, JSON_OPTIONAL, AT(exactly), .min = 1, .max = PROFILE_KEYS_MAX },
};

#undef AT

static enum sks_status check_lookup(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct lookup_profile *lookup = out;

    if (lookup->id.len > PROFILE_LOOKUP_ID_MAX)
        return json_refuse(r, &(struct json_place){ at, "id", 0 }, "more than %d characters",
                           PROFILE_LOOKUP_ID_MAX);
    return SKS_OK;
}

const struct json_type PROFILE_LOOKUP =
    JSON_TYPE("lookupSpecifier", struct lookup_profile, LOOKUP, check_lookup);

enum sks_status profile_lookups_hash(const struct profile *profile, uint8_t hash[32])
{
    const struct lookup_profile *lookup = profile->lookups.item;
    struct buf text = { 0 };
    enum sks_status rc;

    for (size_t i = 0; i < profile->lookups.count; i++)
        json_put(&text, &PROFILE_LOOKUP, &lookup[i]);
    TRY(text.status);
    TRY(sha256(buf_bytes(&text), hash));
out:
    buf_free(&text);
    return rc;
}

/* ---- targets ---- */

static const struct json_field TARGET[] = {
    { "lookup", JSON_ID, JSON_MANDATORY, .offset = offsetof(struct target_profile, lookup) },
};

const struct json_type PROFILE_TARGET = JSON_TYPE("target", struct target_profile, TARGET, NULL);

/* ---- deviceTrust ---- */

#define AT(member) .offset = offsetof(struct device_trust, member)

static const struct json_field TRUST[] = {
    { "minimumRsaBits", JSON_USHORT, JSON_OPTIONAL, AT(minimum_rsa_bits), .min = 1024, .max = 16384,
      .fallback = 2048 },
    { "sha1", JSON_FLAG, JSON_OPTIONAL, AT(sha1) },
};

#undef AT

const struct json_type PROFILE_DEVICE_TRUST =
    JSON_TYPE("deviceTrust", struct device_trust, TRUST, NULL);
