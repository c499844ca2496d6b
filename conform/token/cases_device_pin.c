/* Biometrics and the device PIN, where the token says that it has them; and its deactivation. What
 * the device PIN is nobody here knows, and who answers a biometric check neither: level may. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#define SECTION "SKS Biometric Protection; wire 7"

enum { TRIES_MAX = 4 };

/* What opens a key. */
struct attempt {
    bool biometric_auth;
    const char *pin;
    enum sks_status wanted;
};

struct biometrics {
    const char *name, *title;
    enum sks_biometric protection;
    bool no_pin;
    struct attempt attempt[TRIES_MAX];
};

static const struct biometrics BIOMETRICS[] = {
    { "alternative",
      "PIN or biometrics, not both",
      BIOMETRIC_ALTERNATIVE,
      false,
      { { false, CONFORM_PIN, SKS_OK },
        { true, NULL, SKS_OK },
        { true, CONFORM_PIN, SKS_ERROR_OPTION },
        { false, "0000", SKS_ERROR_AUTHORIZATION } } },
    { "combined",
      "PIN and biometrics",
      BIOMETRIC_COMBINED,
      false,
      { { true, CONFORM_PIN, SKS_OK },
        { false, CONFORM_PIN, SKS_ERROR_OPTION },
        { true, "0000", SKS_ERROR_AUTHORIZATION },
        { true, CONFORM_PIN, SKS_OK } } },
    { "exclusive",
      "biometrics alone",
      BIOMETRIC_EXCLUSIVE,
      true,
      { { true, NULL, SKS_OK },
        { false, NULL, SKS_ERROR_OPTION },
        { true, CONFORM_PIN, SKS_ERROR_OPTION },
        { true, NULL, SKS_OK } } },
};

static enum sks_status biometric(struct check *check, void *end, const void *from)
{
    const struct biometrics *row = from;
    const struct change KEY[] = { { "biometricProtection", row->protection, NULL, 0 }, { 0 } };
    struct scene_options options = { .no_pin = row->no_pin, .key = KEY };
    struct operation operation = { .method = SIGN_HASHED_DATA,
                                   .algorithm = XMLDSIG_MORE_URI("ecdsa-sha256"),
                                   .data = check_draw_bytes(check, 32) };
    struct key_protection_out shown;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_protection(end, check, scene.key.handle, &shown));
    TRY(expect_number(check, "getKeyProtectionInfo: biometricProtection", (uint64_t)row->protection,
                      shown.biometric_protection));
    for (size_t i = 0; i < TRIES_MAX; i++) {
        operation.biometric_auth = row->attempt[i].biometric_auth;
        operation.pin = row->attempt[i].pin;
        TRY(use_operate(end, check, scene.key.handle, &operation, NULL, row->attempt[i].wanted));
    }
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status device_pin(struct check *check, void *end, const void *row)
{
    static const struct change KEY[] = { { "devicePinProtection", true, NULL, 0 }, { 0 } };
    struct scene_options options = { .no_pin = true, .key = KEY };
    struct key_protection_out shown;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_protection(end, check, scene.key.handle, &shown));
    TRY(expect_number(check, "getKeyProtectionInfo: protectionStatus", PROTECTION_STATUS_DEVICE_PIN,
                      shown.protection_status));
    TRY(expect_number(check, "getKeyProtectionInfo: retryLimit", 0, shown.retry_limit));
    TRY(use_new_pin(&scene, SET_PIN, CONFORM_PUK, "835162", SKS_ERROR_OPTION));
    rc = use_authorized(&scene, UNLOCK_KEY, CONFORM_PUK, SKS_ERROR_OPTION);
out:
    scene_free(&scene);
    return rc;
}

/* Not allowed, and nothing has changed; or done, and then nothing else is answered. */
static enum sks_status deactivation(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    union sks_in in = { .handle = 0 };
    union sks_out out;
    enum sks_status rc;

    (void)row;
    rc = token_call(target->link, DEACTIVATE, NULL, &out, &check->arena, &check->err);
    if (rc == SKS_ERROR_OPTION)
        return check_skip(check, "an unknown method: it cannot be deactivated");
    if (rc == SKS_ERROR_NOT_ALLOWED)
        return target_call(target, check, ENUMERATE_KEYS, &in, NULL, SKS_OK);
    TRY(expect_status(check, "deactivate", SKS_OK, rc));
    target->deactivated = true;
    TRY(expect_number(check, "deactivate: deactivated", 1, out.deactivate.deactivated));
    TRY(target_call(target, check, DEACTIVATE, NULL, &out, SKS_OK));
    TRY(target_call(target, check, GET_DEVICE_INFO, NULL, NULL, SKS_OK));
    TRY(target_call(target, check, ENUMERATE_KEYS, &in, NULL, SKS_ERROR_NOT_AVAILABLE));
    rc = target_call(target, check, GET_KEY_ATTRIBUTES, &in, NULL, SKS_ERROR_NOT_AVAILABLE);
out:
    return rc;
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_MAY, "device-pin.shown", "a key with the device PIN shows it, and has no other",
         "SKS createKeyEntry; wire 7", NEEDS(CAN_DEVICE_PIN), device_pin, NULL),
    DESTRUCTIVE_CASE(LEVEL_MAY, "deactivate.all",
                     "deactivated, a token answers nothing more; else it is not allowed",
                     "2010-profile 6; wire 5", 0, deactivation, NULL),
};

/* The deactivation is the last of all. */
void cases_of_device_pins(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(BIOMETRICS); i++) {
        struct conform_case item = { .id = cases_text(cases, "biometrics.%s", BIOMETRICS[i].name),
                                     .title = BIOMETRICS[i].title,
                                     .section = SECTION,
                                     .level = LEVEL_MAY,
                                     .needs = NEEDS(CAN_BIOMETRICS),
                                     .run = biometric,
                                     .row = &BIOMETRICS[i] };

        cases_add(cases, &item);
    }
    cases_add_all(cases, CASES, NITEMS(CASES));
}
