/* PINs, PUKs and protections in use: a key, and calls to it one after the other, a row a call. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include <string.h>

enum { STEPS_MAX = 14, CHANGES_MAX = 4 };

enum step_kind { STEP_END, STEP_SIGN, STEP_MANAGE, STEP_TRIES, STEP_GONE };

struct step {
    enum step_kind kind;
    enum method_id method;
    const char *authorization, *new_pin;
    enum sks_status wanted;
    unsigned status, pin_errors, puk_errors;
};

struct story {
    const char *name, *title, *section;
    struct change pin[CHANGES_MAX], puk[CHANGES_MAX], key[CHANGES_MAX];
    struct step step[STEPS_MAX];
    bool no_pin, destructive, slow, open_number;
    enum case_level level;
    uint64_t needs;
};

/* A step; the status that is wanted of it. */
#define SIGN(pin, code)                                                                            \
    {                                                                                              \
        .kind = STEP_SIGN, .authorization = pin, .wanted = code                                    \
    }
#define CALL(of, authorized, pin, code)                                                            \
    {                                                                                              \
        .kind = STEP_MANAGE, .method = of, .authorization = authorized, .new_pin = pin,            \
        .wanted = code                                                                             \
    }
/* What getKeyProtectionInfo then shows; PIN and PUK are there. */
#define TRIES(of_pin, of_puk, blocked)                                                             \
    {                                                                                              \
        .kind = STEP_TRIES, .pin_errors = of_pin, .puk_errors = of_puk,                            \
        .status = PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK | (blocked)                        \
    }
#define GONE                                                                                       \
    {                                                                                              \
        .kind = STEP_GONE                                                                          \
    }
#define SET(name, value)                                                                           \
    {                                                                                              \
        {                                                                                          \
            name, value, NULL, 0                                                                   \
        }                                                                                          \
    }

#define PIN CONFORM_PIN
#define PUK CONFORM_PUK
#define WRONG "0000"
#define NEW "835162"
#define NO SKS_ERROR_AUTHORIZATION
#define BAD SKS_ERROR_OPTION
#define NEVER SKS_ERROR_NOT_ALLOWED
#define PIN_IS_BLOCKED PROTECTION_STATUS_PIN_BLOCKED
#define PUK_IS_BLOCKED PROTECTION_STATUS_PUK_BLOCKED

static const char TRIES_SECTION[] = "SKS PIN and PUK Objects; wire 7";
#define OF_THE_METHOD NULL /* that the group of the story is named after */

static const struct story STORIES[] = {
    { "pin.right", "the right PIN opens the key", TRIES_SECTION,
      .step = { SIGN(PIN, SKS_OK), TRIES(0, 0, 0) } },
    { "pin.wrong-then-right", "a wrong PIN is counted, a right one sets the counter to 0",
      TRIES_SECTION,
      .step = { SIGN(WRONG, NO), TRIES(1, 0, 0), SIGN(WRONG, NO), TRIES(2, 0, 0), SIGN(PIN, SKS_OK),
                TRIES(0, 0, 0) } },
    { "pin.missing", "no PIN at all is a wrong one", TRIES_SECTION,
      .step = { SIGN(NULL, NO), TRIES(1, 0, 0), SIGN(PIN, SKS_OK) } },
    { "pin.beginning", "the beginning of the PIN is a wrong one", TRIES_SECTION,
      .step = { SIGN("471", NO), SIGN("47111", NO), SIGN(PIN, SKS_OK) } },
    { "pin.preset", "a PIN that the issuer has set", TRIES_SECTION, .pin = SET("userDefined", 0),
      .step = { SIGN(WRONG, NO), SIGN(PIN, SKS_OK) } },
    { "pin.not-there", "a key without a PIN takes none", TRIES_SECTION, .no_pin = true,
      .step = { SIGN(NULL, SKS_OK), SIGN(PIN, BAD) } },
    { "pin.of-128", "a PIN of 128 octets", TRIES_SECTION, .pin = { { "maxLength", 128, NULL, 0 } },
      .key = { { "pinValue", '7', NULL, 128 } }, .step = { SIGN("7777777", NO), TRIES(1, 0, 0) } },
    { "changePin.changes", "the new PIN opens the key, the old one no more", OF_THE_METHOD,
      .step = { CALL(CHANGE_PIN, PIN, NEW, SKS_OK), SIGN(PIN, NO), SIGN(NEW, SKS_OK) } },
    { "changePin.counts", "a wrong PIN is counted here too", OF_THE_METHOD,
      .step = { CALL(CHANGE_PIN, WRONG, NEW, NO), TRIES(1, 0, 0), SIGN(PIN, SKS_OK) } },
    { "changePin.resets", "a change sets the counter to 0", OF_THE_METHOD,
      .step = { SIGN(WRONG, NO), CALL(CHANGE_PIN, PIN, NEW, SKS_OK), TRIES(0, 0, 0) } },
    { "changePin.fixed", "a PIN that its user may not change", OF_THE_METHOD,
      .pin = SET("userModifiable", 0),
      .step = { CALL(CHANGE_PIN, PIN, NEW, NEVER), CALL(SET_PIN, PUK, NEW, NEVER),
                SIGN(PIN, SKS_OK) } },
    { "changePin.fixed-wrong", "the PIN is looked at before that", OF_THE_METHOD,
      .pin = SET("userModifiable", 0), .step = { CALL(CHANGE_PIN, WRONG, NEW, NO), TRIES(1, 0, 0) },
      .level = LEVEL_SHOULD },
    { "changePin.no-pin", "a key without a PIN has none to change", OF_THE_METHOD, .no_pin = true,
      .step = { CALL(CHANGE_PIN, NULL, NEW, BAD) }, .open_number = true },
    { "setPin.sets", "the PUK sets a new PIN", OF_THE_METHOD,
      .step = { CALL(SET_PIN, PUK, NEW, SKS_OK), SIGN(PIN, NO), SIGN(NEW, SKS_OK) } },
    { "setPin.resets", "it sets the PIN's counter to 0", OF_THE_METHOD,
      .step = { SIGN(WRONG, NO), CALL(SET_PIN, PUK, NEW, SKS_OK), TRIES(0, 0, 0) } },
    { "setPin.counts", "a wrong PUK is counted", OF_THE_METHOD,
      .step = { CALL(SET_PIN, "1", NEW, NO), TRIES(0, 1, 0), CALL(SET_PIN, PUK, NEW, SKS_OK),
                TRIES(0, 0, 0) } },
    { "setPin.pin-for-puk", "the PIN is no PUK", OF_THE_METHOD,
      .step = { CALL(SET_PIN, PIN, NEW, NO), TRIES(0, 1, 0) } },
    { "setPin.no-puk", "a key without a PUK", OF_THE_METHOD, .no_pin = true,
      .step = { CALL(SET_PIN, PUK, NEW, BAD) } },
    { "unlockKey.resets", "the PUK sets the PIN's counter to 0", OF_THE_METHOD,
      .step = { SIGN(WRONG, NO), TRIES(1, 0, 0), CALL(UNLOCK_KEY, PUK, NULL, SKS_OK),
                TRIES(0, 0, 0) } },
    { "unlockKey.counts", "a wrong PUK is counted, a right one sets its counter to 0",
      OF_THE_METHOD,
      .step = { CALL(UNLOCK_KEY, "1", NULL, NO), CALL(UNLOCK_KEY, "2", NULL, NO), TRIES(0, 2, 0),
                CALL(UNLOCK_KEY, PUK, NULL, SKS_OK), TRIES(0, 0, 0) } },
    { "unlockKey.no-puk", "a key without a PUK", OF_THE_METHOD, .no_pin = true,
      .step = { CALL(UNLOCK_KEY, PUK, NULL, BAD) } },
    { "unlockKey.endless", "a PUK without a limit counts nothing", OF_THE_METHOD,
      .puk = SET("retryLimit", 0),
      .step = { CALL(UNLOCK_KEY, "1", NULL, NO), CALL(UNLOCK_KEY, "1", NULL, NO), TRIES(0, 0, 0),
                CALL(UNLOCK_KEY, PUK, NULL, SKS_OK) },
      .slow = true },
    { "exportKey.by-pin", "a key that its PIN exports", OF_THE_METHOD,
      .key = SET("exportProtection", PROTECTION_PIN),
      .step = { CALL(EXPORT_KEY, WRONG, NULL, NO), TRIES(1, 0, 0),
                CALL(EXPORT_KEY, PIN, NULL, SKS_OK), TRIES(0, 0, 0) } },
    { "exportKey.by-puk", "a key that its PUK exports", OF_THE_METHOD,
      .key = SET("exportProtection", PROTECTION_PUK),
      .step = { CALL(EXPORT_KEY, PIN, NULL, NO), TRIES(0, 1, 0),
                CALL(EXPORT_KEY, PUK, NULL, SKS_OK), TRIES(0, 0, 0) } },
    { "exportKey.never", "a key that nobody exports", OF_THE_METHOD,
      .key = SET("exportProtection", PROTECTION_NOT_ALLOWED),
      .step = { CALL(EXPORT_KEY, NULL, NULL, NEVER), CALL(EXPORT_KEY, PIN, NULL, NEVER),
                CALL(EXPORT_KEY, PUK, NULL, NEVER), TRIES(0, 0, 0) } },
    { "deleteKey.free", "a key that anybody deletes", OF_THE_METHOD,
      .step = { CALL(DELETE_KEY, NULL, NULL, SKS_OK), GONE } },
    { "deleteKey.by-pin", "a key that its PIN deletes", OF_THE_METHOD,
      .key = SET("deleteProtection", PROTECTION_PIN),
      .step = { CALL(DELETE_KEY, NULL, NULL, NO), CALL(DELETE_KEY, PUK, NULL, NO), TRIES(2, 0, 0),
                CALL(DELETE_KEY, PIN, NULL, SKS_OK), GONE } },
    { "deleteKey.by-puk", "a key that its PUK deletes", OF_THE_METHOD,
      .key = SET("deleteProtection", PROTECTION_PUK),
      .step = { CALL(DELETE_KEY, PIN, NULL, NO), TRIES(0, 1, 0),
                CALL(DELETE_KEY, PUK, NULL, SKS_OK), GONE } },
    { "deleteKey.never", "a key that its user does not delete", OF_THE_METHOD,
      .key = SET("deleteProtection", PROTECTION_NOT_ALLOWED),
      .step = { CALL(DELETE_KEY, NULL, NULL, NEVER), CALL(DELETE_KEY, PIN, NULL, NEVER),
                TRIES(0, 0, 0) } },
    /* ---- lock-outs ---- */
    { "lock-out.pin", "at the limit the PIN is blocked, the right one is no longer compared",
      TRIES_SECTION,
      .step = { SIGN(WRONG, NO), SIGN(WRONG, NO), SIGN(WRONG, NO), TRIES(3, 0, PIN_IS_BLOCKED),
                SIGN(PIN, NO), TRIES(3, 0, PIN_IS_BLOCKED), CALL(CHANGE_PIN, PIN, NEW, NO),
                CALL(UNLOCK_KEY, PUK, NULL, SKS_OK), TRIES(0, 0, 0), SIGN(PIN, SKS_OK) },
      .destructive = true },
    { "lock-out.pin-of-one-try", "a PIN that may be wrong once", TRIES_SECTION,
      .pin = SET("retryLimit", 1),
      .step = { SIGN(PIN, SKS_OK), SIGN(WRONG, NO), TRIES(1, 0, PIN_IS_BLOCKED), SIGN(PIN, NO) },
      .destructive = true },
    { "lock-out.set-pin", "the PUK sets a new PIN where the old one is blocked", TRIES_SECTION,
      .pin = SET("retryLimit", 1),
      .step = { SIGN(WRONG, NO), CALL(SET_PIN, PUK, NEW, SKS_OK), TRIES(0, 0, 0),
                SIGN(NEW, SKS_OK) },
      .destructive = true },
    { "lock-out.puk", "at the limit the PUK is blocked; the PIN goes on", TRIES_SECTION,
      .step = { CALL(UNLOCK_KEY, "1", NULL, NO), CALL(UNLOCK_KEY, "1", NULL, NO),
                CALL(SET_PIN, "1", NEW, NO), TRIES(0, 3, PUK_IS_BLOCKED),
                CALL(UNLOCK_KEY, PUK, NULL, NO), CALL(SET_PIN, PUK, NEW, NO), SIGN(PIN, SKS_OK),
                TRIES(0, 3, PUK_IS_BLOCKED) },
      .destructive = true },
    { "lock-out.both", "PIN and PUK blocked", TRIES_SECTION, .pin = SET("retryLimit", 1),
      .puk = SET("retryLimit", 1),
      .step = { SIGN(WRONG, NO), CALL(UNLOCK_KEY, WRONG, NULL, NO),
                TRIES(1, 1, PIN_IS_BLOCKED | PUK_IS_BLOCKED), SIGN(PIN, NO),
                CALL(UNLOCK_KEY, PUK, NULL, NO) },
      .destructive = true },
    { "lock-out.export", "tries to export are tries", TRIES_SECTION,
      .key = SET("exportProtection", PROTECTION_PIN),
      .step = { CALL(EXPORT_KEY, WRONG, NULL, NO), CALL(EXPORT_KEY, WRONG, NULL, NO),
                CALL(EXPORT_KEY, WRONG, NULL, NO), TRIES(3, 0, PIN_IS_BLOCKED),
                CALL(EXPORT_KEY, PIN, NULL, NO), SIGN(PIN, NO) },
      .destructive = true },
    { "lock-out.delete", "tries to delete are tries", TRIES_SECTION, .pin = SET("retryLimit", 2),
      .key = SET("deleteProtection", PROTECTION_PIN),
      .step = { CALL(DELETE_KEY, WRONG, NULL, NO), CALL(DELETE_KEY, WRONG, NULL, NO),
                TRIES(2, 0, PIN_IS_BLOCKED), CALL(DELETE_KEY, PIN, NULL, NO) },
      .destructive = true },
};

static enum sks_status take_step(struct scene *scene, const struct step *step)
{
    switch (step->kind) {
    case STEP_SIGN:
        return use_sign(scene, step->authorization, step->wanted);
    case STEP_MANAGE:
        return step->new_pin == NULL
                   ? use_authorized(scene, step->method, step->authorization, step->wanted)
                   : use_new_pin(scene, step->method, step->authorization, step->new_pin,
                                 step->wanted);
    case STEP_TRIES:
        return use_expect_tries(scene, step->status, step->pin_errors, step->puk_errors);
    case STEP_GONE:
        return use_expect_key(scene->s.target, scene->s.check, scene->key.handle, false);
    default:
        return SKS_OK;
    }
}

static enum sks_status tell(struct check *check, void *end, const void *from)
{
    const struct story *story = from;
    struct scene_options options = {
        .no_pin = story->no_pin, .pin = story->pin, .puk = story->puk, .key = story->key
    };
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    for (size_t i = 0; i < STEPS_MAX; i++)
        TRY(take_step(&scene, &story->step[i]));
out:
    scene_free(&scene);
    return rc;
}

static const char *section_of(struct cases *cases, const struct story *story)
{
    return story->section != OF_THE_METHOD
               ? story->section
               : cases_text(cases, "SKS %.*s; wire 5", (int)strcspn(story->name, "."), story->name);
}

void cases_of_stories(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(STORIES); i++) {
        const struct story *story = &STORIES[i];
        struct conform_case item = { .id = story->name,
                                     .title = story->title,
                                     .section = section_of(cases, story),
                                     .level = story->level,
                                     .needs = story->needs,
                                     .destructive = story->destructive,
                                     .slow = story->slow,
                                     .open_number = story->open_number,
                                     .run = tell,
                                     .row = story };

        cases_add(cases, &item);
    }
}
