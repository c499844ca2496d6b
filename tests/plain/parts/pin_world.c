#include "tests/plain/parts/pin_world.h"
#include "tests/plain/parts/comparisons.h"
#include "tests/plain/parts/pin_defects.h"
#include "tests/plain/support/issuing.h"
#include "tests/plain/support/user.h"
#include "token/call.h"

#include <stdio.h>
#include <string.h>

/* Each key's two PINs. */
static const char *const PIN[WORLD_KEYS][2] = { { "1110", "1111" },
                                                { "2220", "2221" },
                                                { "3330", "3331" } };
static const char *const KEY_ID[WORLD_KEYS] = { "Key.1", "Key.2", "Key.3" };
static const uint8_t USAGE[WORLD_KEYS] = { APP_USAGE_SIGNATURE, APP_USAGE_AUTHENTICATION,
                                           APP_USAGE_UNIVERSAL };
static const char PUK[] = "444444", WRONG_PUK[] = "000000";

/* ---- making one ---- */

static const char *pin_of(const struct world *world, unsigned key, bool second)
{
    return PIN[world_pin(world, key)][second];
}

static void make_keys(struct world *world, struct issuing *s, const struct issued_policy *policy)
{
    for (unsigned i = 0; i < world->keys; i++) {
        const struct key_entry entry = {
            .id = bytes_of(KEY_ID[i]),
            .pin_value = bytes_of(pin_of(world, i, false)),
            .app_usage = USAGE[i],
            .key_algorithm = bytes_of(P256),
        };
        struct issued_key key;

        must(issuing_key(s, &entry, policy, &key) == SKS_OK, "createKeyEntry");
        must(issuing_certify(s, &key, (struct bytes){ 0 }) == SKS_OK, "setCertificatePath");
        world->key[i] = key.handle;
    }
}

/* `init` syncs the folder as well: what it has removed does not come back. */
static void sync_folder(void)
{
    struct disk_image *disk = disk_take(DISK_KILL, 0);

    disk_put(disk);
    disk_image_free(disk);
}

void world_make(struct world *world)
{
    const struct pin_policy what = { .id = bytes_of("PIN"),
                                     .user_defined = true,
                                     .user_modifiable = true,
                                     .grouping = world->grouping,
                                     .retry_limit = world->pin_limit,
                                     .min_length = 4,
                                     .max_length = 8 };
    struct issued_policy puk = { 0 }, policy;
    struct issuing s = { 0 };
    struct token *token;

    disk_clear();
    make_store(world->folder);
    sync_folder();
    token = world_open(world);
    must(issuing_begin(&s, token, NULL) == SKS_OK, "createProvisioningSession");
    if (world->puk_limit > 0)
        must(issuing_puk_policy(&s, "PUK", PUK, world->puk_limit, &puk) == SKS_OK,
             "createPukPolicy");
    must(issuing_pin_policy(&s, &what, &puk, &policy) == SKS_OK, "createPinPolicy");
    make_keys(world, &s, &policy);
    must(issuing_close(&s) == SKS_OK, "closeProvisioningSession");
    issuing_free(&s);
    token_close(token);
}

void world_end(struct world *world)
{
    remove_store(world->folder);
}

struct token *world_open(const struct world *world)
{
    const size_t room = pin_defect_get() == ROOM_FOR_ONE ? 1 : world->room;
    const struct token_options options = { .counters = room, .live_keys = room };
    char database[STORE_FOLDER_MAX + sizeof TOKEN_DATABASE];
    struct sks_error err = { 0 };
    struct token *token;

    (void)snprintf(database, sizeof database, "%s/%s", world->folder, TOKEN_DATABASE);
    must(token_open(database, "unused", &options, &token, &err) == SKS_OK, err.text);
    return token;
}

/* ---- looking at it ---- */

unsigned world_pin(const struct world *world, unsigned key)
{
    switch (world->grouping) {
    case GROUPING_SHARED:
        return 0;
    case GROUPING_SIGNATURE_STANDARD:
        return USAGE[key] == APP_USAGE_SIGNATURE ? key : 1;
    default:
        return key;
    }
}

uint16_t world_limit(const struct world *world, unsigned counter)
{
    if (counter == WORLD_PUK)
        return world->puk_limit;
    return counter < world->keys && world_pin(world, counter) == counter ? world->pin_limit : 0;
}

static struct secret load_secret(struct token *token, enum store_kind kind,
                                 struct reference reference, struct arena *arena)
{
    struct secret secret;
    bool found = false;

    must(secret_load(token->store, kind, reference, arena, &secret, &found, NULL) == SKS_OK &&
             found,
         "PIN or PUK");
    return secret;
}

static void look_at_key(const struct world *world, struct token *token, unsigned number,
                        struct seen seen[WORLD_COUNTERS])
{
    struct seen *pin = &seen[world_pin(world, number)], *puk = &seen[WORLD_PUK];
    struct key_protection_out protection;
    struct arena arena = { 0 };
    struct guards guards;
    struct secret secret;
    struct key key;
    bool found = false;

    must(try_protection(token, world->key[number], &protection) == SKS_OK, "getKeyProtectionInfo");
    must(key_load(token->store, world->key[number], &arena, &key, &found, NULL) == SKS_OK && found,
         "key");
    must(guards_load(token->store, &key, &arena, &guards, NULL) == SKS_OK, "guards");
    secret = load_secret(token, STORE_PIN, key.pin, &arena);
    *pin =
        (struct seen){ secret.tries.charged, protection.pin_error_count, secret.tries.has_candidate,
                       bytes_equal(secret.value, bytes_of(pin_of(world, number, true))) };
    must(pin->second || bytes_equal(secret.value, bytes_of(pin_of(world, number, false))),
         "the PIN is one of its two values");
    if (world->puk_limit > 0)
        *puk = (struct seen){ guards.puk.tries.charged, protection.puk_error_count,
                              guards.puk.tries.has_candidate, false };
    arena_free(&arena);
}

void world_look(const struct world *world, struct token *token, struct seen seen[WORLD_COUNTERS])
{
    memset(seen, 0, WORLD_COUNTERS * sizeof *seen);
    for (unsigned i = 0; i < world->keys; i++)
        look_at_key(world, token, i, seen);
}

/* ---- acting ---- */

const char *deed_name(enum deed deed)
{
    static const char *const name[DEEDS] = { "sign", "change", "unlock", "set" };

    return name[deed];
}

static bool needs_puk(const struct action *action)
{
    return action->deed == UNLOCK || action->deed == SET_TO_OTHER;
}

unsigned action_counter(const struct world *world, const struct action *action)
{
    return needs_puk(action) ? WORLD_PUK : world_pin(world, action->key);
}

bool action_resets(const struct action *action)
{
    return action->deed != SIGN;
}

static enum sks_status act(struct token *token, const struct action *action, uint32_t key,
                           const char *authorization, const char *new_pin)
{
    switch (action->deed) {
    case SIGN:
        return try_sign(token, key, authorization);
    case CHANGE_TO_OTHER:
        return try_new_pin(token, CHANGE_PIN, key, authorization, new_pin);
    case UNLOCK:
        return try_manage(token, UNLOCK_KEY, key, authorization);
    default:
        return try_new_pin(token, SET_PIN, key, authorization, new_pin);
    }
}

enum sks_status world_try(const struct world *world, struct token *token,
                          const struct action *action, bool second)
{
    const char *pin = pin_of(world, action->key, second == action->right);
    const char *puk = action->right ? PUK : WRONG_PUK;
    const char *authorization = needs_puk(action) ? puk : pin;
    enum sks_status rc;

    comparisons_of(action_counter(world, action), authorization);
    pin_defect_at(TRY_BEGINS);
    rc = act(token, action, world->key[action->key], authorization,
             pin_of(world, action->key, !second));
    pin_defect_at(TRY_ENDS);
    comparisons_of(0, NULL);
    must(rc == SKS_OK || rc == SKS_ERROR_AUTHORIZATION, "a try is right or wrong");
    return rc;
}

bool world_act(const struct world *world, struct token *token, const struct action *action,
               const struct seen seen[WORLD_COUNTERS])
{
    return world_try(world, token, action, seen[world_pin(world, action->key)].second) == SKS_OK;
}
