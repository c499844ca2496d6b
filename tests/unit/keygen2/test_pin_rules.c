/* PIN and PUK rules, each pattern on both sides of its edge. */
#include "keygen2/crypto/pin_rules.h"

#include <criterion/criterion.h>

struct pin_case {
    uint8_t format, patterns;
    const char *pin;
    bool good;
};

static const struct pin_case PIN[] = {
    { FORMAT_NUMERIC, 0, "1234", true },
    { FORMAT_NUMERIC, 0, "123", false }, /* minLength 4 */
    { FORMAT_NUMERIC, 0, "12345678", true },
    { FORMAT_NUMERIC, 0, "123456789", false }, /* maxLength 8 */
    { FORMAT_NUMERIC, 0, "12a4", false },
    { FORMAT_NUMERIC, 0, "12 4", false },
    { FORMAT_ALPHANUMERIC, 0, "AB12", true },
    { FORMAT_ALPHANUMERIC, 0, "aB12", false }, /* upper case only */
    { FORMAT_ALPHANUMERIC, 0, "AB-2", false },
    { FORMAT_STRING, 0, "a-B2", true },
    { FORMAT_STRING, 0, "\xC3\xA9zzz", true },
    { FORMAT_STRING, 0, "\xC3zzz", false }, /* no UTF-8 */
    { FORMAT_BINARY, 0, "\xFF\xFE\x01\x02", true },
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW, "1123", false },
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW, "1212", true },
    { FORMAT_NUMERIC, PATTERN_THREE_IN_A_ROW, "1122", true },
    { FORMAT_NUMERIC, PATTERN_THREE_IN_A_ROW, "2111", false },
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW | PATTERN_THREE_IN_A_ROW, "1122", false },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, "1234", false },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, "4321", false },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, "1235", true },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, "1357", true },
    { FORMAT_BINARY, PATTERN_SEQUENCE, "\xFE\xFF\x01\x02", true }, /* a gap: 0 is left out */
    { FORMAT_NUMERIC, PATTERN_REPEATED, "1231", false },
    { FORMAT_NUMERIC, PATTERN_REPEATED, "1235", true },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "1234", false },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "ABCD", false },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, "A234", true },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, "A2b3", false },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, "A2b-", true },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, "A2b\xC3\xA9", true }, /* beyond ASCII is other */
};

Test(pin_rules, each_rule_on_both_sides)
{
    for (size_t i = 0; i < NITEMS(PIN); i++) {
        const struct pin_policy policy = { .format = PIN[i].format,
                                           .pattern_restrictions = PIN[i].patterns,
                                           .min_length = 4,
                                           .max_length = 8 };

        cr_expect((pin_violation(&policy, bytes_of(PIN[i].pin)) == NULL) == PIN[i].good,
                  "row %zu: \"%s\"", i, PIN[i].pin);
    }
}

Test(pin_rules, one_byte_is_no_sequence)
{
    const struct pin_policy policy = { .format = FORMAT_NUMERIC,
                                       .pattern_restrictions = PATTERN_ALL & ~PATTERN_MISSING_GROUP,
                                       .min_length = 1,
                                       .max_length = 8 };

    cr_assert_null(pin_violation(&policy, bytes_of("7")));
}

Test(pin_rules, puk)
{
    static const uint8_t zeros[129];

    cr_assert_null(puk_violation(FORMAT_NUMERIC, bytes_of("0123456789")));
    cr_assert_not_null(puk_violation(FORMAT_NUMERIC, bytes_of("")));
    cr_assert_not_null(puk_violation(FORMAT_NUMERIC, bytes_of("12A")));
    cr_assert_null(puk_violation(FORMAT_ALPHANUMERIC, bytes_of("12A")));
    cr_assert_not_null(puk_violation(FORMAT_ALPHANUMERIC, bytes_of("12a")));
    cr_assert_null(puk_violation(FORMAT_BINARY, bytes_at(zeros, 128)));
    cr_assert_not_null(puk_violation(FORMAT_BINARY, bytes_at(zeros, 129)));
}

Test(pin_rules, groups)
{
    static const struct {
        uint8_t grouping, one, other;
        bool shared;
    } PAIR[] = {
        { GROUPING_NONE, APP_USAGE_SIGNATURE, APP_USAGE_SIGNATURE, false },
        { GROUPING_SHARED, APP_USAGE_SIGNATURE, APP_USAGE_ENCRYPTION, true },
        { GROUPING_SIGNATURE_STANDARD, APP_USAGE_SIGNATURE, APP_USAGE_ENCRYPTION, false },
        { GROUPING_SIGNATURE_STANDARD, APP_USAGE_AUTHENTICATION, APP_USAGE_ENCRYPTION, true },
        { GROUPING_SIGNATURE_STANDARD, APP_USAGE_SIGNATURE, APP_USAGE_SIGNATURE, true },
        { GROUPING_UNIQUE, APP_USAGE_AUTHENTICATION, APP_USAGE_ENCRYPTION, false },
        { GROUPING_UNIQUE, APP_USAGE_ENCRYPTION, APP_USAGE_ENCRYPTION, true },
    };

    for (size_t i = 0; i < NITEMS(PAIR); i++) {
        int one = pin_group(PAIR[i].grouping, PAIR[i].one);
        int other = pin_group(PAIR[i].grouping, PAIR[i].other);

        cr_expect_eq(one >= 0 && one == other, PAIR[i].shared, "row %zu", i);
    }
}
