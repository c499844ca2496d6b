/* A profile's JSON: KeyGen2's own names and values, without what each session makes anew. */
#include "issuer/profile_internal.h"

#include <string.h>

enum {
    DESCRIPTION_MAX = 200,   /* characters */
    LIFE_TIME_DEFAULT = 600, /* seconds */
    KEY_LIMIT_DEFAULT = 200, /* operations */
    COMMAND_MAX = 1000,
};

#define AT(member) .offset = offsetof(struct profile, member)

static const struct json_field PROFILE[] = {
    { "description", JSON_TEXT, JSON_OPTIONAL, AT(description), .max = DESCRIPTION_MAX },
    { "action", JSON_NAME, JSON_OPTIONAL, AT(action), .with = NAMES_ACTION,
      .fallback = ACTION_MANAGE },
    { "privacyEnabled", JSON_FLAG, JSON_OPTIONAL, AT(privacy_enabled) },
    { "preferredLanguages", JSON_TEXTS, JSON_OPTIONAL, AT(preferred_languages), .min = 1 },
    { "targetKeyContainers", JSON_TEXTS, JSON_OPTIONAL, AT(target_key_containers), .min = 1 },
    { "clientCapabilityQuery", JSON_URIS, JSON_OPTIONAL, AT(client_capability_query), .min = 1 },
    { "deviceTrust", JSON_RECORD, JSON_OPTIONAL, AT(device_trust), .with = &PROFILE_DEVICE_TRUST },
    { "enrolment", JSON_RECORD, JSON_OPTIONAL, AT(enrolment), .with = &PROFILE_ENROLMENT },
    { "session", JSON_NAME, JSON_OPTIONAL, AT(session), .with = NAMES_PROFILE_SESSION },
    { "serverKeySize", JSON_USHORT, JSON_OPTIONAL, AT(server_key_size), .min = 2048, .max = 4096 },
    { "sessionLifeTime", JSON_LONG, JSON_OPTIONAL, AT(session_life_time), .min = 1,
      .fallback = LIFE_TIME_DEFAULT },
    { "sessionKeyLimit", JSON_USHORT, JSON_OPTIONAL, AT(session_key_limit), .min = 1,
      .fallback = KEY_LIMIT_DEFAULT },
    { "keyManagementKey", JSON_FLAG, JSON_OPTIONAL, AT(key_management_key), .fallback = true },
    { "updatableKeyManagementKeys", JSON_FLAG, JSON_OPTIONAL, AT(updatable_key_management_keys) },
    { "lookupSpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(lookups), .min = 1,
      .max = PROFILE_LOOKUPS_MAX, .with = &PROFILE_LOOKUP },
    { "deferredIssuance", JSON_FLAG, JSON_OPTIONAL, AT(deferred_issuance) },
    { "externalCa", JSON_TEXT, JSON_OPTIONAL, AT(external_ca), .min = 1, .max = COMMAND_MAX },
    { "pukPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(puks), .min = 1,
      .with = &PROFILE_PUK },
    { "pinPolicySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(pins), .min = 1,
      .with = &PROFILE_PIN },
    { "keyEntrySpecifiers", JSON_RECORDS, JSON_OPTIONAL, AT(keys), .min = 1,
      .with = &PROFILE_KEY_ALONE },
    { "unlockKeys", JSON_RECORDS, JSON_OPTIONAL, AT(unlock_keys), .min = 1,
      .max = PROFILE_LOOKUPS_MAX, .with = &PROFILE_TARGET },
    { "deleteKeys", JSON_RECORDS, JSON_OPTIONAL, AT(delete_keys), .min = 1,
      .max = PROFILE_LOOKUPS_MAX, .with = &PROFILE_TARGET },
};

#undef AT

const struct json_type PROFILE_TYPE = JSON_TYPE("profile", struct profile, PROFILE, NULL);

enum sks_status profile_decode(const char *name, const char *folder, struct bytes text,
                               struct arena *arena, struct profile *profile, struct sks_error *err)
{
    struct json_reader reader = { .arena = arena, .err = err };
    json_t *root = NULL;
    enum sks_status rc;

    TRY(json_parse(text, &root, err));
    TRY(sks_explain(err, profile_set_defaults(root)));
    TRY(json_decode(&PROFILE_TYPE, root, profile, arena, err));
    TRY(sks_explain(err, profile_walk(&reader, folder, profile)));
    profile->name = name;
out:
    json_decref(root);
    return rc;
}
