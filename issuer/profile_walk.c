/* What of a profile can only be checked from above: ids, protections, targets, operations. */
#include "issuer/draw.h"
#include "issuer/profile_internal.h"
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/crypto/pin_text.h"

#include <stdlib.h>

/* What the walk over a profile has seen, and where it is. */
struct walk {
    struct json_reader *r;
    const char *folder;
    struct profile *profile;
    json_t *seen; /* SKS V1.07, 5: policies and keys share one name space */
    const struct pin_profile *pin;
    const struct puk_profile *puk;
    size_t attached; /* bytes of a ProvisioningFinalizationRequest, at the least */
    /* How each lookup is used. */
    struct {
        bool updated, deleted, other;
    } use[PROFILE_LOOKUPS_MAX];
};

/* ---- targets ---- */

static enum sks_status find_lookup(struct walk *w, const struct json_place *at,
                                   struct target_profile *target, struct lookup_profile **lookup)
{
    const struct json_array *lookups = &w->profile->lookups;
    struct lookup_profile *item = lookups->item;

    for (size_t i = 0; i < lookups->count; i++)
        if (bytes_equal(item[i].id, target->lookup)) {
            target->index = i;
            *lookup = &item[i];
            return SKS_OK;
        }
    return json_refuse(w->r, &(struct json_place){ at, "lookup", 0 }, "no lookupSpecifier has it");
}

/* SKS V1.07, post operations: a key is updated once, and nothing else is done to a deleted one. */
static enum sks_status check_use(struct walk *w, const struct json_place *at, size_t index)
{
    if (w->use[index].deleted && (w->use[index].updated || w->use[index].other))
        return json_refuse(w->r, at, "the same keys are deleted");
    return SKS_OK;
}

/* The one key that an update or a clone is made from. */
static enum sks_status walk_one_target(struct walk *w, const struct json_place *at,
                                       const char *name, struct target_profile *target, bool update)
{
    const struct json_place place = { at, name, 0 };
    struct lookup_profile *lookup;
    enum sks_status rc;

    if (target == NULL)
        return SKS_OK;
    TRY(find_lookup(w, &place, target, &lookup));
    if (lookup->exactly > 1)
        return json_refuse(w->r, &place, "needs a lookup that finds exactly 1");
    lookup->exactly = 1;
    if (update && w->use[target->index].updated)
        return json_refuse(w->r, &place, "the same key is updated twice");
    w->use[target->index].updated |= update;
    w->use[target->index].other = true;
    w->profile->operations += 2;
    TRY(check_use(w, &place, target->index));
out:
    return rc;
}

static enum sks_status walk_targets(struct walk *w, const char *name, struct json_array *targets,
                                    bool delete)
{
    const struct json_place list = { NULL, name, 0 };
    struct target_profile *target = targets->item;
    bool named[PROFILE_LOOKUPS_MAX] = { false };
    struct lookup_profile *lookup;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < targets->count; i++) {
        const struct json_place item = { &list, NULL, i };

        TRY(find_lookup(w, &item, &target[i], &lookup));
        if (named[target[i].index])
            return json_refuse(w->r, &item, "used twice");
        named[target[i].index] = true;
        *(delete ? &w->use[target[i].index].deleted : &w->use[target[i].index].other) = true;
        w->profile->operations += 2U * (lookup->exactly == 0 ? 1 : lookup->exactly);
        TRY(check_use(w, &item, target[i].index));
    }
out:
    return rc;
}

static enum sks_status walk_lookups(struct walk *w)
{
    const struct json_place list = { NULL, "lookupSpecifiers", 0 };
    const struct lookup_profile *lookup = w->profile->lookups.item;
    json_t *seen = json_object();
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < w->profile->lookups.count; i++) {
        const struct json_place item = { &list, NULL, i };

        TRY(json_unique(w->r, &(struct json_place){ &item, "id", 0 }, seen, lookup[i].id));
    }
    if (w->profile->lookups.count > 0 && !w->profile->key_management_key)
        rc = json_refuse(w->r, &list, "needs keyManagementKey, which signs it");
out:
    json_decref(seen);
    return rc;
}

/* ---- keys ---- */

/* SKS V1.07, createKeyEntry: what a key may be protected by depends on the policies above it. */
static enum sks_status check_protection(const struct walk *w, const struct json_place *at,
                                        const struct key_entry *key)
{
    bool pin = w->pin != NULL || key->device_pin_protection;
    bool by_pin =
        key->delete_protection == PROTECTION_PIN || key->export_protection == PROTECTION_PIN;
    bool by_puk =
        key->delete_protection == PROTECTION_PUK || key->export_protection == PROTECTION_PUK;
    uint8_t biometric = key->biometric_protection;

    if (key->enable_pin_caching &&
        (w->pin == NULL || w->pin->policy.input_method != INPUT_METHOD_TRUSTED_GUI))
        return json_refuse(w->r, &(struct json_place){ at, "enablePinCaching", 0 },
                           "needs a PIN policy with inputMethod trusted-gui");
    if ((by_pin && !pin) || (by_puk && w->puk == NULL))
        return json_refuse(w->r, at, "is protected by a PIN or PUK that it does not have");
    if (((biometric == BIOMETRIC_ALTERNATIVE || biometric == BIOMETRIC_COMBINED) && !pin) ||
        (biometric == BIOMETRIC_EXCLUSIVE && pin))
        return json_refuse(w->r, &(struct json_place){ at, "biometricProtection", 0 },
                           "does not fit with the PIN protection");
    return SKS_OK;
}

/* KeyGen2: a key of a PIN policy with preset PINs may say its own; others have none. */
static enum sks_status check_pin(const struct walk *w, const struct json_place *at,
                                 struct key_profile *key)
{
    const struct json_place place = { at, "pin", 0 };
    struct sks_error why = { 0 };
    struct buf pin = { 0 };
    const char *violation;
    enum sks_status rc = SKS_OK;

    if (key->pin.len == 0)
        return SKS_OK;
    if (w->pin->policy.user_defined)
        return json_refuse(w->r, &place, "needs userDefined false in its PIN policy");
    if (pin_from_text(w->pin->policy.format, key->pin, &pin, &why) != SKS_OK)
        rc = json_refuse(w->r, &place, "%s", why.text);
    else if ((violation = pin_violation(&w->pin->policy, buf_bytes(&pin))) != NULL)
        rc = json_refuse(w->r, &place, "%s", violation);
    else if ((key->pin = arena_copy(w->r->arena, buf_bytes(&pin))).ptr == NULL)
        rc = SKS_ERROR_STORAGE;
    buf_free(&pin);
    return rc;
}

/* SKS V1.07, 6: each MAC, attestation, decryption and target reference is an operation. */
static unsigned count_operations(const struct key_profile *key, bool preset)
{
    unsigned imports = key->import_symmetric_key != NULL || key->import_private_key != NULL;
    size_t extensions = key->extensions.count + 2 * key->encrypted_extensions.count +
                        key->property_bags.count + key->logotypes.count;

    /* createKeyEntry and its attestation, setCertificatePath */
    return 3U + preset + 2U * imports + (unsigned)extensions;
}

static enum sks_status walk_key(struct walk *w, const struct json_place *at,
                                struct key_profile *key)
{
    enum sks_status rc;

    TRY(json_unique(w->r, &(struct json_place){ at, "id", 0 }, w->seen, key->key.id));
    TRY(check_protection(w, at, &key->key));
    TRY(check_pin(w, at, key));
    if ((key->update_key != NULL || key->clone_key_protection != NULL) &&
        key->key.device_pin_protection)
        return json_refuse(w->r, at, "a key that replaces another takes over its PIN");
    TRY(walk_one_target(w, at, "updateKey", key->update_key, true));
    TRY(walk_one_target(w, at, "cloneKeyProtection", key->clone_key_protection, false));
    TRY(profile_read_files(w->r, at, "extensions", w->folder, &key->extensions));
    TRY(profile_read_files(w->r, at, "encryptedExtensions", w->folder, &key->encrypted_extensions));
    TRY(profile_read_files(w->r, at, "logotypes", w->folder, &key->logotypes));
    w->attached += profile_attached_size(key);
    key->has_pin = w->pin != NULL;
    w->profile->key_count++;
    w->profile->operations += count_operations(key, w->pin != NULL && !w->pin->policy.user_defined);
    w->profile->slow |= key->import_private_key != NULL &&
                        key->import_private_key->pkcs8.len == 0 &&
                        key->algorithm->kind == KEY_KIND_RSA;
out:
    return rc;
}

static enum sks_status walk_keys(struct walk *w, const struct json_place *at,
                                 struct json_array *keys)
{
    const struct json_place list = { at, "keyEntrySpecifiers", 0 };
    struct key_profile *key = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++)
        TRY(walk_key(w, &(struct json_place){ &list, NULL, i }, &key[i]));
out:
    return rc;
}

/* ---- policies ---- */

/* SKS V1.07, "PIN Grouping": the given PINs must fit together, and leave room for drawn ones. */
static enum sks_status check_grouping(const struct walk *w, const struct json_place *at,
                                      const struct pin_profile *pin)
{
    const struct key_profile *key = pin->keys.item;
    const struct json_place list = { at, "keyEntrySpecifiers", 0 };
    struct buf *drawn;
    enum sks_status rc;

    for (size_t i = 0; i < pin->keys.count; i++)
        for (size_t j = 0; j < i; j++) {
            int a = pin_group(pin->policy.grouping, key[i].key.app_usage);
            int b = pin_group(pin->policy.grouping, key[j].key.app_usage);

            if (a >= 0 && key[i].pin.len > 0 && key[j].pin.len > 0 &&
                (a == b) != bytes_equal_secret(key[i].pin, key[j].pin))
                return json_refuse(w->r, &(struct json_place){ &list, NULL, i },
                                   "its PIN does not fit with the grouping");
        }
    drawn = calloc(pin->keys.count, sizeof *drawn);
    if (drawn == NULL)
        return SKS_ERROR_STORAGE;
    rc = draw_pins(pin, drawn);
    for (size_t i = 0; i < pin->keys.count; i++)
        buf_free(&drawn[i]);
    free(drawn);
    return rc == SKS_ERROR_OPTION ? json_refuse(w->r, at, "no PIN was found that obeys it") : rc;
}

static enum sks_status walk_pins(struct walk *w, const struct json_place *at,
                                 struct json_array *pins)
{
    const struct json_place list = { at, "pinPolicySpecifiers", 0 };
    struct pin_profile *pin = pins->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < pins->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, pin[i].policy.id));
        w->profile->operations += 1;
        w->pin = &pin[i];
        TRY(walk_keys(w, &item, &pin[i].keys));
        if (!pin[i].policy.user_defined)
            TRY(check_grouping(w, &item, &pin[i]));
    }
out:
    w->pin = NULL;
    return rc;
}

static enum sks_status walk_puks(struct walk *w, struct json_array *puks)
{
    const struct json_place list = { NULL, "pukPolicySpecifiers", 0 };
    struct puk_profile *puk = puks->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < puks->count; i++) {
        const struct json_place item = { &list, NULL, i }, id = { &item, "id", 0 };

        TRY(json_unique(w->r, &id, w->seen, puk[i].policy.id));
        w->profile->operations += 2; /* the PUK is decrypted as well */
        w->puk = &puk[i];
        TRY(walk_pins(w, &item, &puk[i].pins));
    }
out:
    w->puk = NULL;
    return rc;
}

/* ---- the whole ---- */

enum sks_status profile_check_rules(struct json_reader *r, const struct profile_rule *rule,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rule[i].found)
            return json_refuse(r, &(struct json_place){ NULL, rule[i].property, 0 }, "%s",
                               rule[i].text);
    return SKS_OK;
}

/* What of the top level does not fit together. */
static enum sks_status check_contradictions(struct json_reader *r, const struct profile *p)
{
    const struct profile_rule RULES[] = {
        { "action", "an unlock session makes no keys and deletes none",
          p->action == ACTION_UNLOCK && (p->key_count > 0 || p->delete_keys.count > 0) },
        { "action", "there are no unlockKeys",
          p->action == ACTION_UNLOCK && p->unlock_keys.count == 0 },
        { "deviceTrust", "with privacyEnabled no device is seen",
          p->device_trust != NULL && p->privacy_enabled },
        { "enrolment", "with privacyEnabled no device is seen",
          p->privacy_enabled && p->enrolment != NULL &&
              (p->enrolment->devices.count > 0 || p->enrolment->confirm_device) },
        { "enrolment", "confirmDevice needs deferredIssuance: the operator is waited for",
          profile_confirms_device(p) && !p->deferred_issuance },
        { "updatableKeyManagementKeys", "needs keyManagementKey",
          p->updatable_key_management_keys && !p->key_management_key },
        { "deferredIssuance", "there is no key to issue a certificate for",
          p->deferred_issuance && p->key_count == 0 },
    };

    return profile_check_rules(r, RULES, NITEMS(RULES));
}

static enum sks_status check_whole(struct json_reader *r, const struct profile *p)
{
    bool keys_wanted =
        p->unlock_keys.count + p->delete_keys.count == 0 && !p->updatable_key_management_keys;
    enum sks_status rc;

    TRY(check_contradictions(r, p));
    if (p->key_count > PROFILE_KEYS_MAX || (p->key_count == 0 && keys_wanted))
        return json_refuse(r, NULL, "there are %u keys, not 1-%d to provision", p->key_count,
                           PROFILE_KEYS_MAX);
    if (p->operations > p->session_key_limit)
        return json_refuse(r, &(struct json_place){ NULL, "sessionKeyLimit", 0 },
                           "the profile needs %u operations", p->operations);
out:
    return rc;
}

/* With the rest of the message that is still too long, a session fails (answer_with()). */
static enum sks_status check_size(const struct walk *w)
{
    if (w->attached > KEYGEN2_MESSAGE_MAX)
        return json_refuse(w->r, NULL,
                           "what is attached to its keys takes %zu bytes, and a message has at "
                           "most %d",
                           w->attached, KEYGEN2_MESSAGE_MAX);
    return SKS_OK;
}

/* Its message stands under the same names, and its decoder checks what they say; but that takes a
 * query that stands there twice, to which no client can answer twice. */
static enum sks_status check_invocation(struct json_reader *r, const struct profile *p)
{
    const struct json_place list = { NULL, "clientCapabilityQuery", 0 };
    const struct invocation_request from = {
        .server_session_id = bytes_of("any"),
        .action = p->action,
        .preferred_languages = p->preferred_languages,
        .target_key_containers = p->target_key_containers,
        .client_capability_query = p->client_capability_query,
    };
    struct invocation_request to;
    json_t *seen = json_object();
    struct buf text = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < p->client_capability_query.count; i++)
        TRY(json_unique(r, &(struct json_place){ &list, NULL, i }, seen,
                        p->client_capability_query.item[i]));
    TRY(keygen2_encode(&INVOCATION_REQUEST, &from, &text));
    TRY(keygen2_decode(&INVOCATION_REQUEST, buf_bytes(&text), &to, r->arena, r->err));
out:
    json_decref(seen);
    buf_free(&text);
    return rc;
}

enum sks_status profile_walk(struct json_reader *r, const char *folder, struct profile *profile)
{
    struct walk walk = { .r = r, .folder = folder, .profile = profile, .seen = json_object() };
    enum sks_status rc;

    profile->operations = 2; /* the close */
    TRY(check_invocation(r, profile));
    TRY(profile_check_session(r, profile));
    TRY(walk_lookups(&walk));
    TRY(walk_puks(&walk, &profile->puks));
    TRY(walk_pins(&walk, NULL, &profile->pins));
    TRY(walk_keys(&walk, NULL, &profile->keys));
    TRY(walk_targets(&walk, "unlockKeys", &profile->unlock_keys, false));
    TRY(walk_targets(&walk, "deleteKeys", &profile->delete_keys, true));
    TRY(check_whole(r, profile));
    TRY(check_size(&walk));
out:
    json_decref(walk.seen);
    return rc;
}
