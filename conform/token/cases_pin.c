/* PIN and PUK values: which a policy takes, by format, length and pattern; and by its grouping. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include <string.h>

/* A PIN under a policy of 1 to 12 octets, unless it says another length. */
struct rule {
    const char *name;
    enum sks_format format;
    unsigned patterns;
    const char *pin;
    bool good;
};

#define ROWS2 PATTERN_TWO_IN_A_ROW
#define ROWS3 PATTERN_THREE_IN_A_ROW

static const struct rule RULES[] = {
    { "numeric-digits", FORMAT_NUMERIC, 0, "0123456789", true },
    { "numeric-letter", FORMAT_NUMERIC, 0, "123A", false },
    { "numeric-space", FORMAT_NUMERIC, 0, "12 4", false },
    { "numeric-sign", FORMAT_NUMERIC, 0, "-123", false },
    { "alphanumeric-both", FORMAT_ALPHANUMERIC, 0, "09AZ", true },
    { "alphanumeric-lower", FORMAT_ALPHANUMERIC, 0, "AB1c", false },
    { "alphanumeric-other", FORMAT_ALPHANUMERIC, 0, "AB1_", false },
    { "string-umlaut", FORMAT_STRING, 0, "gr\xc3\xbc\xc3\x9f", true },
    { "string-no-utf8", FORMAT_STRING, 0, "gr\xfc\xdf", false },
    { "binary-any", FORMAT_BINARY, 0, "\x01\xff\x80\xc3", true },
    { "too-short", FORMAT_NUMERIC, 0, "", false },
    { "longest", FORMAT_NUMERIC, 0, "123456789012", true },
    { "too-long", FORMAT_NUMERIC, 0, "1234567890123", false },
    { "two-in-a-row-none", FORMAT_NUMERIC, ROWS2, "1212", true },
    { "two-in-a-row-two", FORMAT_NUMERIC, ROWS2, "1224", false },
    { "two-in-a-row-at-end", FORMAT_NUMERIC, ROWS2, "1244", false },
    { "three-in-a-row-two", FORMAT_NUMERIC, ROWS3, "1122", true },
    { "three-in-a-row-three", FORMAT_NUMERIC, ROWS3, "1222", false },
    { "three-in-a-row-at-begin", FORMAT_NUMERIC, ROWS3, "2224", false },
    { "both-rows-two", FORMAT_NUMERIC, ROWS2 | ROWS3, "1124", false },
    { "sequence-up", FORMAT_NUMERIC, PATTERN_SEQUENCE, "1234", false },
    { "sequence-down", FORMAT_NUMERIC, PATTERN_SEQUENCE, "9876", false },
    { "sequence-broken", FORMAT_NUMERIC, PATTERN_SEQUENCE, "1235", true },
    { "sequence-in-part", FORMAT_NUMERIC, PATTERN_SEQUENCE, "12347", true },
    { "sequence-of-letters", FORMAT_ALPHANUMERIC, PATTERN_SEQUENCE, "ABCD", false },
    { "sequence-of-two-steps", FORMAT_NUMERIC, PATTERN_SEQUENCE, "1357", true },
    { "sequence-around-nine", FORMAT_NUMERIC, PATTERN_SEQUENCE, "8901", true },
    { "repeated-none", FORMAT_NUMERIC, PATTERN_REPEATED, "1357", true },
    { "repeated-apart", FORMAT_NUMERIC, PATTERN_REPEATED, "1351", false },
    { "repeated-together", FORMAT_NUMERIC, PATTERN_REPEATED, "1335", false },
    { "missing-group-both", FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "AB12", true },
    { "missing-group-digits", FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "1234", false },
    { "missing-group-letters", FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "ABCD", false },
    { "missing-group-all", FORMAT_STRING, PATTERN_MISSING_GROUP, "aB1!", true },
    { "missing-group-no-lower", FORMAT_STRING, PATTERN_MISSING_GROUP, "AB1!", false },
    { "missing-group-no-upper", FORMAT_STRING, PATTERN_MISSING_GROUP, "ab1!", false },
    { "missing-group-no-digit", FORMAT_STRING, PATTERN_MISSING_GROUP, "aBc!", false },
    { "missing-group-no-other", FORMAT_STRING, PATTERN_MISSING_GROUP, "aB12", false },
    { "all-patterns", FORMAT_STRING, PATTERN_ALL, "aB1!", true },
};

/* As the user's own PIN, in clear; as a preset one, encrypted. */
static enum sks_status try_pin(struct target *target, struct check *check, const struct rule *rule,
                               bool user_defined)
{
    const struct change PIN[] = { { "userDefined", user_defined, NULL, 0 },
                                  { "format", rule->format, NULL, 0 },
                                  { "patternRestrictions", rule->patterns, NULL, 0 },
                                  { "minLength", 1, NULL, 0 },
                                  { "maxLength", 12, NULL, 0 },
                                  { 0 } };
    struct scene_options options = { .pin = PIN };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, target, check, STAGE_PIN, &options));
    call_key(&scene.s, &call, &scene.pin, rule->pin);
    TRY(call_do(&scene.s, &call, rule->good ? SKS_OK : SKS_ERROR_OPTION));
    if (!rule->good)
        rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status rule_of_creation(struct check *check, void *end, const void *row)
{
    enum sks_status rc;

    TRY(try_pin(end, check, row, true));
    rc = try_pin(end, check, row, false);
out:
    return rc;
}

/* A PUK keeps its format: a length of 1 to 128, and digits, letters, UTF-8. */
struct puk_rule {
    const char *name;
    enum sks_format format;
    const char *puk;
    bool good;
};

static const struct puk_rule PUK_RULES[] = {
    { "numeric", FORMAT_NUMERIC, "1", true },
    { "numeric-letter", FORMAT_NUMERIC, "12345A", false },
    { "alphanumeric", FORMAT_ALPHANUMERIC, "PUK1", true },
    { "alphanumeric-lower", FORMAT_ALPHANUMERIC, "puk1", false },
    { "string", FORMAT_STRING, "\xc3\xbc", true },
    { "string-no-utf8", FORMAT_STRING, "\xfc", false },
    { "binary", FORMAT_BINARY, "\xfc\x01", true },
    { "empty", FORMAT_BINARY, "", false },
};

static enum sks_status rule_of_puk(struct check *check, void *end, const void *from)
{
    const struct puk_rule *row = from;
    struct session s = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(session_open(&s, end, check));
    call_puk(&s, &call, row->puk);
    call.in.create_puk_policy.policy.format = (uint8_t)row->format;
    TRY(call_do(&s, &call, row->good ? SKS_OK : SKS_ERROR_OPTION));
    if (!row->good)
        rc = session_is_gone(&s);
out:
    session_free(&s);
    return rc;
}

/* ---- grouping ---- */

struct group {
    const char *name;
    enum sks_grouping grouping;
    enum sks_app_usage first, second;
    bool same_pin, good;
};

#define SIGNATURE APP_USAGE_SIGNATURE
#define AUTHENTICATION APP_USAGE_AUTHENTICATION
#define ENCRYPTION APP_USAGE_ENCRYPTION

static const struct group GROUPS[] = {
    { "none-same", GROUPING_NONE, SIGNATURE, SIGNATURE, true, true },
    { "none-other", GROUPING_NONE, SIGNATURE, SIGNATURE, false, true },
    { "shared-same", GROUPING_SHARED, SIGNATURE, ENCRYPTION, true, true },
    { "shared-other", GROUPING_SHARED, SIGNATURE, ENCRYPTION, false, false },
    { "signature-standard-same-side-same", GROUPING_SIGNATURE_STANDARD, AUTHENTICATION, ENCRYPTION,
      true, true },
    { "signature-standard-same-side-other", GROUPING_SIGNATURE_STANDARD, AUTHENTICATION, ENCRYPTION,
      false, false },
    { "signature-standard-both-sides-same", GROUPING_SIGNATURE_STANDARD, SIGNATURE, ENCRYPTION,
      true, false },
    { "signature-standard-both-sides-other", GROUPING_SIGNATURE_STANDARD, SIGNATURE, ENCRYPTION,
      false, true },
    { "unique-same-usage-same", GROUPING_UNIQUE, ENCRYPTION, ENCRYPTION, true, true },
    { "unique-same-usage-other", GROUPING_UNIQUE, ENCRYPTION, ENCRYPTION, false, false },
    { "unique-other-usage-same", GROUPING_UNIQUE, AUTHENTICATION, ENCRYPTION, true, false },
    { "unique-other-usage-other", GROUPING_UNIQUE, AUTHENTICATION, ENCRYPTION, false, true },
};

static enum sks_status grouped(struct check *check, void *end, const void *from)
{
    const struct group *row = from;
    const struct change PIN[] = { { "grouping", row->grouping, NULL, 0 }, { 0 } };
    const struct change KEY[] = { { "appUsage", row->first, NULL, 0 }, { 0 } };
    struct scene_options options = { .pin = PIN, .key = KEY };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_KEY, &options));
    call_key(&scene.s, &call, &scene.pin, row->same_pin ? CONFORM_PIN : "081573");
    call.in.create_key_entry.key.app_usage = (uint8_t)row->second;
    TRY(call_do(&scene.s, &call, row->good ? SKS_OK : SKS_ERROR_OPTION));
    if (!row->good)
        rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the same rules for a new PIN ---- */

static enum sks_status rule_of_change(struct check *check, void *end, const void *from)
{
    const struct rule *rule = from;
    const struct change PIN[] = { { "format", rule->format, NULL, 0 },
                                  { "patternRestrictions", rule->patterns, NULL, 0 },
                                  { "minLength", 1, NULL, 0 },
                                  { "maxLength", 12, NULL, 0 },
                                  { 0 } };
    const char *first = rule->format == FORMAT_NUMERIC  ? "70"
                        : rule->format == FORMAT_STRING ? "xY9?"
                                                        : "Z7";
    const struct change KEY[] = { { "pinValue", 0, first, 0 }, { 0 } };
    struct scene_options options = { .pin = PIN, .key = KEY };
    struct scene scene = { 0 };
    enum sks_status wanted = rule->good ? SKS_OK : SKS_ERROR_OPTION, rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_new_pin(&scene, CHANGE_PIN, first, rule->pin, wanted));
    TRY(use_sign(&scene, rule->good ? rule->pin : first, SKS_OK));
    TRY(use_new_pin(&scene, SET_PIN, CONFORM_PUK, rule->pin, wanted));
    rc = use_sign(&scene, rule->good ? rule->pin : first, SKS_OK);
out:
    scene_free(&scene);
    return rc;
}

/* What a string is the texts say, but only of digits and letters that the token looks at them. */
static enum case_level level_of(const char *name)
{
    return strcmp(name, "string-no-utf8") == 0 ? LEVEL_SHOULD : LEVEL_MUST;
}

static void add(struct cases *cases, const char *group, const char *name, const char *title,
                const char *section,
                enum sks_status (*run)(struct check *check, void *end, const void *row),
                const void *row)
{
    const struct conform_case item = { .id = cases_text(cases, "%s.%s", group, name),
                                       .title = title,
                                       .section = section,
                                       .level = level_of(name),
                                       .run = run,
                                       .row = row };

    cases_add(cases, &item);
}

void cases_of_pins(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(RULES); i++) {
        const char *title = RULES[i].good ? "the policy takes this PIN" : "the policy refuses it";
        const char *from = RULES[i].patterns != 0 ? "PIN Patterns" : "PIN and PUK Formats";

        add(cases, "pin-rule", RULES[i].name, title, cases_text(cases, "SKS %s; wire 7", from),
            rule_of_creation, &RULES[i]);
        add(cases, "new-pin-rule", RULES[i].name,
            cases_text(cases, "%s as a new one, by PIN and by PUK", title),
            cases_text(cases, "SKS %s; wire 5, 7", from), rule_of_change, &RULES[i]);
    }
    for (size_t i = 0; i < NITEMS(PUK_RULES); i++)
        add(cases, "puk-rule", PUK_RULES[i].name,
            PUK_RULES[i].good ? "the format takes this PUK" : "the format refuses it",
            "SKS PIN and PUK Formats; wire 7", rule_of_puk, &PUK_RULES[i]);
    for (size_t i = 0; i < NITEMS(GROUPS); i++)
        cases_add_row(cases, cases_text(cases, "pin-grouping.%s", GROUPS[i].name),
                      GROUPS[i].good ? "a second key may have this PIN"
                                     : "a second key may not have this PIN",
                      "SKS PIN Grouping; wire 7", 0, grouped, &GROUPS[i]);
}
