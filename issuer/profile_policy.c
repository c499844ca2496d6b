/* "pinPolicySpecifier" and "pukPolicySpecifier" of a profile. */
#include "issuer/profile_internal.h"
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/message/attributes.h"

/* ---- pinPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct pin_profile, member)

static const struct json_field PIN[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    PIN_POLICY_ATTRIBUTES(struct pin_profile),
    { "userDefined", JSON_FLAG, JSON_OPTIONAL, AT(policy.user_defined), .fallback = true },
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(keys), .min = 1,
      .with = &PROFILE_KEY },
};

#undef AT

static enum sks_status check_pin(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct pin_profile *pin = out;

    if (pin->policy.min_length == 0 || pin->policy.min_length > pin->policy.max_length)
        return json_refuse(r, &(struct json_place){ at, "minLength", 0 }, "not 1 to maxLength");
    return SKS_OK;
}

const struct json_type PROFILE_PIN =
    JSON_TYPE("pinPolicySpecifier", struct pin_profile, PIN, check_pin);

/* ---- pukPolicySpecifier ---- */

#define AT(member) .offset = offsetof(struct puk_profile, member)

static const struct json_field PUK[] = {
    { "id", JSON_ID, JSON_MANDATORY, AT(policy.id) },
    { "puk", JSON_TEXT, JSON_OPTIONAL, AT(puk), .min = 1, .max = SKS_PIN_MAX },
    { "retryLimit", JSON_USHORT, JSON_MANDATORY, AT(policy.retry_limit),
      .max = SKS_RETRY_LIMIT_MAX },
    { "format", JSON_NAME, JSON_MANDATORY, AT(policy.format), .with = NAMES_FORMAT },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_MANDATORY, AT(pins), .min = 1,
      .with = &PROFILE_PIN },
};

#undef AT

static enum sks_status check_puk(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct puk_profile *puk = out;
    const char *violation = puk->puk.len == 0 ? NULL : puk_violation(puk->policy.format, puk->puk);

    if (violation != NULL)
        return json_refuse(r, &(struct json_place){ at, "puk", 0 }, "%s", violation);
    return SKS_OK;
}

const struct json_type PROFILE_PUK =
    JSON_TYPE("pukPolicySpecifier", struct puk_profile, PUK, check_puk);
