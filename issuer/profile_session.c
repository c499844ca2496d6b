/* What a profile may say of its sessions, by their kind: V1.07's, or those of the draft of 2010. */
#include "issuer/profile_internal.h"

#include <stdio.h>

const struct name NAMES_PROFILE_SESSION[] = {
    { "1.07", PROFILE_SESSION_107 },
    { "2010", PROFILE_SESSION_2010 },
    { NULL, 0 },
};

static bool says_2010(const json_t *root)
{
    const char *text = json_string_value(json_object_get(root, "session"));
    uint8_t session;

    return text != NULL && name_to_value(NAMES_PROFILE_SESSION, bytes_of(text), &session) &&
           session == PROFILE_SESSION_2010;
}

enum sks_status profile_set_defaults(json_t *root)
{
    const struct {
        const char *property;
        json_t *value;
    } DEFAULTS[] = {
        { "keyManagementKey", json_false() },
        { "sessionKeyLimit", json_integer(UINT16_MAX) },
        { "serverKeySize", json_integer(2048) },
    };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(DEFAULTS); i++) {
        if (says_2010(root) && json_object_get(root, DEFAULTS[i].property) == NULL &&
            json_object_set(root, DEFAULTS[i].property, DEFAULTS[i].value) != 0)
            rc = SKS_ERROR_STORAGE;
        json_decref(DEFAULTS[i].value);
    }
    return rc;
}

static const struct algorithm *server_key(uint16_t bits)
{
    char uri[80];

    (void)snprintf(uri, sizeof uri, "https://webpki.github.io/sks/algorithm#rsa%u", bits);
    return bits < 2048 ? NULL : algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION);
}

static enum sks_status check_2010(struct json_reader *r, struct profile *p)
{
    const struct profile_rule RULES[] = {
        { "privacyEnabled", "a session of 2010 always shows the device", p->privacy_enabled },
        { "keyManagementKey", "a session of 2010 has none", p->key_management_key },
        { "updatableKeyManagementKeys", "a session of 2010 has no key management key",
          p->updatable_key_management_keys },
        { "lookupSpecifiers", "a session of 2010 has no key management key to look up with",
          p->lookups.count > 0 },
        { "unlockKeys", "a session of 2010 finds no keys", p->unlock_keys.count > 0 },
        { "deleteKeys", "a session of 2010 finds no keys", p->delete_keys.count > 0 },
        { "sessionKeyLimit", "is 65535 in a session of 2010", p->session_key_limit != UINT16_MAX },
        { "serverKeySize", "must be 2048, 3072 or 4096", p->server_key == NULL },
    };

    p->slow = true;
    return profile_check_rules(r, RULES, NITEMS(RULES));
}

static enum sks_status check_107(struct json_reader *r, const struct profile *p)
{
    const struct profile_rule RULES[] = {
        { "serverKeySize", "only sessions of 2010 have an RSA server key",
          p->server_key_size != 0 },
        { "sessionLifeTime", "must be 1-65535, but in a session of 2010",
          p->session_life_time > UINT16_MAX },
    };

    return profile_check_rules(r, RULES, NITEMS(RULES));
}

enum sks_status profile_check_session(struct json_reader *r, struct profile *profile)
{
    if (profile->session == PROFILE_SESSION_107)
        return check_107(r, profile);
    profile->server_key = server_key(profile->server_key_size);
    return check_2010(r, profile);
}
