/* Keys of every kind that the token says it makes: attested, of the right form, and signing what
 * OpenSSL verifies with the certified key; and what a key shows of itself. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

#include <string.h>

enum { QUICK_RSA = 2048 /* bits: larger keys take a software token seconds */ };

static const char SECTION[] = "SKS createKeyEntry; wire 4, 5";

/* A signature of the key by an algorithm that goes with it. */
static enum sks_status sign_by(struct scene *scene, const struct algorithm *algorithm)
{
    struct check *check = scene->s.check;
    uint8_t data[64];
    struct operation operation = { .method = SIGN_HASHED_DATA, .algorithm = algorithm->uri };
    struct bytes signature;
    enum sks_status rc;

    check_draw(check, data, sizeof data);
    operation.data = bytes_at(data, algorithm->openssl == NULL ? 32 : algorithm->size);
    TRY(use_operate(scene->s.target, check, scene->key.handle, &operation, &signature, SKS_OK));
    rc = use_verify(check, algorithm, scene->key.public_key, operation.data, signature);
out:
    return rc;
}

static enum sks_status sign_by_all(struct scene *scene, enum key_kind kind)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < ALGORITHMS_COUNT; i++)
        if ((ALGORITHMS[i].use & ALGORITHM_SIGNATURE) != 0 && ALGORITHMS[i].kind == kind &&
            (scene->s.target->capabilities & NEEDS(ALGORITHM_BIT + i)) != 0)
            TRY(sign_by(scene, &ALGORITHMS[i]));
out:
    return rc;
}

/* Where the key stays: of an algorithm with an exponent, that is 3. */
static enum sks_status of_kind(struct check *check, void *end, const void *row)
{
    const struct algorithm *algorithm = row;
    struct change changes[3] = { { "keyAlgorithm", 0, algorithm->uri, 0 } };
    struct scene_options options = { .no_pin = true, .key = changes };
    struct scene scene = { 0 };
    enum sks_status rc;

    if (algorithm->with_exponent)
        changes[1] = (struct change){ "keyParameters", 3, NULL, 1 };
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    rc = verify_key_algorithm(algorithm, bytes_at("\3", algorithm->with_exponent ? 1 : 0),
                              scene.key.public_key, &check->err);
    TRY(expect_true(check, rc == SKS_OK, "createKeyEntry: publicKey",
                    "a key of keyAlgorithm and keyParameters, in strict DER", check->err.text));
    rc = sign_by_all(&scene, algorithm->kind);
out:
    scene_free(&scene);
    return rc;
}

/* Two keys are two keys. */
static enum sks_status two_keys(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct key other;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_KEY, NULL));
    TRY(session_make_key(&scene.s, &scene.pin, &other));
    rc = expect_true(check, !bytes_equal(scene.key.public_key, other.public_key),
                     "createKeyEntry: publicKey", "another for each key", "the same");
out:
    scene_free(&scene);
    return rc;
}

/* ---- what is accepted at the limits ---- */

struct limit {
    const char *name, *title;
    struct change change[3];
    uint64_t needs;
};

static const struct limit LIMITS[] = {
    { "serverSeed-of-64", "a seed of 64 octets", { { "serverSeed", 0x55, NULL, 64 } }, 0 },
    { "friendlyName-of-100",
      "a name of 100 characters",
      { { "friendlyName", 'n', NULL, 100 } },
      0 },
    { "id-of-32",
      "an id of 32 characters",
      { { "id", 0, "~23456789012345678901234567890.!", 0 } },
      0 },
    { "endorsed-none",
      "none, alone: no operation at all",
      { { "endorsedAlgorithm", 0, SKS_ALGORITHM_NONE, 0 } },
      0 },
    { "delete-not-allowed",
      "a key that its user may not delete",
      { { "deleteProtection", PROTECTION_NOT_ALLOWED, NULL, 0 } },
      0 },
    { "appUsage-3", "a key of universal use", { { "appUsage", APP_USAGE_UNIVERSAL, NULL, 0 } }, 0 },
    { "exponent-leading-zeros",
      "an exponent with zeros in front",
      { { "keyAlgorithm", 0, ALGORITHM_URI("rsa2048.exp"), 0 },
        { "keyParameters", 0, "\0\0\0\3", 4 } },
      0 },
};

static enum sks_status at_limit(struct check *check, void *end, const void *from)
{
    const struct limit *row = from;
    struct scene_options options = { .key = row->change };
    struct scene scene = { 0 };
    enum sks_status rc;

    rc = scene_set(&scene, end, check, STAGE_CLOSED, &options);
    scene_free(&scene);
    return rc;
}

/* ---- lists of endorsed algorithms ---- */

struct list_row {
    const char *name, *title;
    const char *item[3];
    enum sks_status status;
};

static const struct list_row LISTS[] = {
    { "endorsed-sorted",
      "two algorithms in ascending order",
      { XMLDSIG_MORE_URI("ecdsa-sha256"), XMLDSIG_MORE_URI("ecdsa-sha384") },
      SKS_OK },
    { "endorsed-unsorted",
      "two algorithms in descending order",
      { XMLDSIG_MORE_URI("ecdsa-sha384"), XMLDSIG_MORE_URI("ecdsa-sha256") },
      SKS_ERROR_OPTION },
    { "endorsed-twice",
      "an algorithm twice",
      { XMLDSIG_MORE_URI("ecdsa-sha256"), XMLDSIG_MORE_URI("ecdsa-sha256") },
      SKS_ERROR_OPTION },
    { "endorsed-none-and-more",
      "none, and not alone",
      { XMLDSIG_MORE_URI("ecdsa-sha256"), SKS_ALGORITHM_NONE },
      SKS_ERROR_OPTION },
};

static enum sks_status endorsed(struct check *check, void *end, const void *from)
{
    const struct list_row *row = from;
    struct scene scene = { 0 };
    struct bytes items[NITEMS(row->item)];
    struct bytes_list *list;
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_PIN, NULL));
    call_key(&scene.s, &call, &scene.pin, CONFORM_PIN);
    list = &call.in.create_key_entry.key.endorsed_algorithms;
    list->item = items;
    for (; row->item[list->count] != NULL; list->count++)
        items[list->count] = bytes_of(row->item[list->count]);
    TRY(call_do(&scene.s, &call, row->status));
    if (row->status != SKS_OK)
        rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- what a key shows of itself ---- */

static enum sks_status attributes(struct check *check, void *end, const void *row)
{
    static const struct change KEY[] = {
        { "friendlyName", 0, "J\xc3\xbcrgens Schl\xc3\xbcssel", 0 },
        { "appUsage", APP_USAGE_AUTHENTICATION, NULL, 0 },
        { "endorsedAlgorithm", 0, XMLDSIG_MORE_URI("ecdsa-sha256"), 0 },
        { 0 },
    };
    struct scene_options options = { .key = KEY };
    struct key_attributes_out out;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_attributes(end, check, scene.key.handle, &out));
    TRY(expect_number(check, "symmetricKeyLength", 0, out.symmetric_key_length));
    TRY(expect_number(check, "number of certificates", 1, out.certificate_path.count));
    TRY(expect_bytes(check, "certificate", scene.key.certificate, out.certificate_path.item[0]));
    TRY(expect_number(check, "appUsage", APP_USAGE_AUTHENTICATION, out.app_usage));
    TRY(expect_text(check, "friendlyName", KEY[0].text, out.friendly_name));
    TRY(expect_number(check, "number of endorsed algorithms", 1, out.endorsed_algorithms.count));
    TRY(expect_text(check, "endorsedAlgorithm", KEY[2].text, out.endorsed_algorithms.item[0]));
    TRY(expect_number(check, "number of extensions", 1, out.extension_types.count));
    rc = expect_text(check, "type", EXTENSION_TYPE, out.extension_types.item[0]);
out:
    scene_free(&scene);
    return rc;
}

struct shown {
    const char *field;
    uint64_t wanted, came;
};

static enum sks_status expect_all(struct check *check, const struct shown *shown, size_t count)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < count; i++)
        TRY(expect_number(check, shown[i].field, shown[i].wanted, shown[i].came));
out:
    return rc;
}

static enum sks_status protection(struct check *check, void *end, const void *row)
{
    static const struct change PIN[] = { { "patternRestrictions", PATTERN_SEQUENCE, NULL, 0 },
                                         { "retryLimit", 7, NULL, 0 },
                                         { "inputMethod", INPUT_METHOD_TRUSTED_GUI, NULL, 0 },
                                         { 0 } };
    static const struct change KEY[] = { { "enablePinCaching", true, NULL, 0 },
                                         { "exportProtection", PROTECTION_PIN, NULL, 0 },
                                         { "deleteProtection", PROTECTION_PUK, NULL, 0 },
                                         { 0 } };
    struct scene_options options = { .pin = PIN, .key = KEY };
    struct key_protection_out out;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_protection(end, check, scene.key.handle, &out));
    {
        const struct shown SHOWN[] = {
            { "protectionStatus", PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK,
              out.protection_status },
            { "pukFormat", FORMAT_NUMERIC, out.puk_format },
            { "pukRetryLimit", 3, out.puk_retry_limit },
            { "pukErrorCount", 0, out.puk_error_count },
            { "userDefined", true, out.user_defined },
            { "userModifiable", true, out.user_modifiable },
            { "format", FORMAT_NUMERIC, out.format },
            { "retryLimit", 7, out.retry_limit },
            { "grouping", GROUPING_SHARED, out.grouping },
            { "patternRestrictions", PATTERN_SEQUENCE, out.pattern_restrictions },
            { "minLength", 4, out.min_length },
            { "maxLength", 8, out.max_length },
            { "inputMethod", INPUT_METHOD_TRUSTED_GUI, out.input_method },
            { "pinErrorCount", 0, out.pin_error_count },
            { "enablePinCaching", true, out.enable_pin_caching },
            { "biometricProtection", BIOMETRIC_NONE, out.biometric_protection },
            { "exportProtection", PROTECTION_PIN, out.export_protection },
            { "deleteProtection", PROTECTION_PUK, out.delete_protection },
            { "keyBackup", 0, out.key_backup },
        };

        rc = expect_all(check, SHOWN, NITEMS(SHOWN));
    }
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status bare(struct check *check, void *end, const void *row)
{
    struct scene_options options = { .no_pin = true };
    struct key_protection_out out;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_protection(end, check, scene.key.handle, &out));
    {
        const struct shown SHOWN[] = {
            { "protectionStatus", 0, out.protection_status },
            { "pukRetryLimit", 0, out.puk_retry_limit },
            { "retryLimit", 0, out.retry_limit },
            { "maxLength", 0, out.max_length },
            { "exportProtection", PROTECTION_NONE, out.export_protection },
        };

        rc = expect_all(check, SHOWN, NITEMS(SHOWN));
    }
out:
    scene_free(&scene);
    return rc;
}

/* getKeyHandle finds a key by its id. */
static enum sks_status by_id(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_KEY, NULL));
    TRY(scene_call(&scene, GET_KEY_HANDLE, &call));
    TRY(call_send(&scene.s, &call, SKS_OK));
    TRY(expect_number(check, "getKeyHandle: keyHandle", scene.key.handle, call.out.handle.handle));
    call.in.get_key_handle.id = scene.pin.id;
    rc = call_send(&scene.s, &call, SKS_ERROR_OPTION);
out:
    scene_free(&scene);
    return rc;
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "createKeyEntry.two-keys", "every key has a key pair of its own",
         "SKS createKeyEntry", 0, two_keys, NULL),
    CASE(LEVEL_MUST, "getKeyAttributes.shown", "a key shows what it was made with",
         "SKS getKeyAttributes", 0, attributes, NULL),
    CASE(LEVEL_MUST, "getKeyProtectionInfo.shown", "a key shows what it is protected by",
         "SKS getKeyProtectionInfo", 0, protection, NULL),
    CASE(LEVEL_MUST, "getKeyProtectionInfo.bare", "of a PIN and a PUK that are not there all is 0",
         "SKS getKeyProtectionInfo", 0, bare, NULL),
    CASE(LEVEL_MUST, "getKeyHandle.by-id", "the handle of the key, and not of a policy with the id",
         "SKS getKeyHandle", 0, by_id, NULL),
};

void cases_of_keys(struct cases *cases)
{
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *algorithm = &ALGORITHMS[i];
        struct conform_case item = {
            .title = "a key of this kind is attested, certified, and signs",
            .section = SECTION,
            .needs = NEEDS(ALGORITHM_BIT + i),
            .slow = algorithm->kind == KEY_KIND_RSA && algorithm->size > QUICK_RSA,
            .run = of_kind,
            .row = algorithm
        };

        if ((algorithm->use & ALGORITHM_KEY_GENERATION) == 0)
            continue;
        item.id = cases_text(cases, "key-kind.%s", strchr(algorithm->uri, '#') + 1);
        cases_add(cases, &item);
    }
    for (size_t i = 0; i < NITEMS(LIMITS); i++)
        cases_add_row(cases, cases_text(cases, "createKeyEntry.%s", LIMITS[i].name),
                      cases_text(cases, "%s is accepted", LIMITS[i].title), SECTION,
                      needs_algorithm(LIMITS[i].change[0].text), at_limit, &LIMITS[i]);
    for (size_t i = 0; i < NITEMS(LISTS); i++)
        cases_add_row(cases, cases_text(cases, "createKeyEntry.%s", LISTS[i].name),
                      cases_text(cases, "%s: %s", LISTS[i].title,
                                 LISTS[i].status == SKS_OK ? "accepted" : "refused"),
                      SECTION, 0, endorsed, &LISTS[i]);
    cases_add_all(cases, CASES, NITEMS(CASES));
}
