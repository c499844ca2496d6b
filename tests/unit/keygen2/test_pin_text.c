/* PINs against their policy: every rule from both sides. */
#include "keygen2/crypto/pin_text.h"

#include <criterion/criterion.h>
#include <string.h>

static struct sks_error err;

static const struct {
    uint8_t format, patterns;
    uint16_t min, max;
    const char *pin, *problem; /* NULL: fits */
} CASES[] = {
    { FORMAT_NUMERIC, 0, 4, 8, "4711", NULL },
    { FORMAT_NUMERIC, 0, 4, 8, "47110815", NULL },
    { FORMAT_NUMERIC, 0, 4, 8, "471", "is too short" },
    { FORMAT_NUMERIC, 0, 4, 8, "", "is too short" },
    { FORMAT_NUMERIC, 0, 4, 8, "471108154", "is too long" },
    { FORMAT_NUMERIC, 0, 4, 8, "471A", "that its format does not allow" },
    { FORMAT_NUMERIC, 0, 4, 8, "47 1", "that its format does not allow" },
    { FORMAT_ALPHANUMERIC, 0, 4, 8, "AZ09", NULL },
    { FORMAT_ALPHANUMERIC, 0, 4, 8, "Az09", "that its format does not allow" },
    { FORMAT_ALPHANUMERIC, 0, 4, 8, "A-09", "that its format does not allow" },
    { FORMAT_STRING, 0, 4, 8, "\xC3\xA4 z", NULL },
    { FORMAT_STRING, 0, 4, 8, "\xC3\xA4\xC3\xA4", NULL }, /* four bytes, two characters */
    { FORMAT_STRING, 0, 4, 8, "abc\xFF", "that its format does not allow" },
    { FORMAT_BINARY, 0, 4, 8, "\xFF\xFE\x01 ", NULL },
    /* SKS V1.07, 5.5: each pattern, alone. */
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW, 1, 8, "1124", "two equal characters" },
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW, 1, 8, "1212", NULL },
    { FORMAT_NUMERIC, PATTERN_THREE_IN_A_ROW, 1, 8, "1114", "three equal characters" },
    { FORMAT_NUMERIC, PATTERN_THREE_IN_A_ROW, 1, 8, "4111", "three equal characters" },
    { FORMAT_NUMERIC, PATTERN_THREE_IN_A_ROW, 1, 8, "1141", NULL },
    { FORMAT_NUMERIC, PATTERN_TWO_IN_A_ROW | PATTERN_THREE_IN_A_ROW, 1, 8, "11",
      "two equal characters" },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1234", "is a sequence" },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "9876", "is a sequence" },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "12", "is a sequence" },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1", NULL },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1235", NULL },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1357", NULL },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1232", NULL },
    { FORMAT_NUMERIC, PATTERN_SEQUENCE, 1, 8, "1111", NULL },
    { FORMAT_BINARY, PATTERN_SEQUENCE, 1, 8, "\xFE\xFF", "is a sequence" },
    { FORMAT_NUMERIC, PATTERN_REPEATED, 1, 8, "1231", "has a character twice" },
    { FORMAT_NUMERIC, PATTERN_REPEATED, 1, 8, "1235", NULL },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, 1, 8, "ABCD", "lacks a kind of character" },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, 1, 8, "1234", "lacks a kind of character" },
    { FORMAT_ALPHANUMERIC, PATTERN_MISSING_GROUP, 1, 8, "A1", NULL },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, 1, 8, "Aa1", "lacks a kind of character" },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, 1, 8, "A1-", "lacks a kind of character" },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, 1, 8, "Aa1-", NULL },
    { FORMAT_STRING, PATTERN_MISSING_GROUP, 1, 8, "Aa1\xC3\xA4", NULL },
};

static struct pin_policy policy_of(size_t i)
{
    return (struct pin_policy){ .id = bytes_of("PIN.1"),
                                .format = CASES[i].format,
                                .pattern_restrictions = CASES[i].patterns,
                                .min_length = CASES[i].min,
                                .max_length = CASES[i].max };
}

Test(pin_text, every_rule)
{
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct pin_policy policy = policy_of(i);
        enum sks_status rc = pin_check(&policy, bytes_of(CASES[i].pin), &err);

        cr_expect_eq(rc, CASES[i].problem == NULL ? SKS_OK : SKS_ERROR_OPTION, "%zu \"%s\"", i,
                     CASES[i].pin);
        if (CASES[i].problem != NULL)
            cr_expect_not_null(strstr(err.text, CASES[i].problem), "%zu: %s", i, err.text);
        if (strlen(CASES[i].pin) > 3)
            cr_expect(rc == SKS_OK || strstr(err.text, CASES[i].pin) == NULL ||
                          strcmp(CASES[i].pin, "1234") == 0 || strcmp(CASES[i].pin, "9876") == 0,
                      "tells the PIN: %s", err.text);
    }
}

Test(pin_text, a_policy_without_id_is_its_policy)
{
    const struct pin_policy policy = { .min_length = 4, .max_length = 8 };

    cr_expect_eq(pin_check(&policy, bytes_of("123"), &err), SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "the PIN is too short; its policy wants 4 to 8 digits");
}

Test(pin_text, a_policy_is_explained)
{
    struct pin_policy policy = { .format = FORMAT_STRING,
                                 .pattern_restrictions = PATTERN_ALL,
                                 .min_length = 8,
                                 .max_length = 8 };
    char text[PIN_POLICY_TEXT_MAX];

    pin_policy_text(&policy, text);
    cr_expect_str_eq(text, "8 bytes of text; no two equal ones in a row; no three equal ones in a "
                           "row; no sequence like 1234 or 9876; none twice; at least one of each "
                           "kind of character");
}

Test(pin_text, binary_pins_are_typed_as_hexadecimal)
{
    struct pin_policy policy = { .format = FORMAT_BINARY };
    struct buf pin = { 0 };

    cr_expect_eq(pin_from_text(policy.format, bytes_of("00fF10"), &pin, &err), SKS_OK);
    cr_expect(bytes_equal(buf_bytes(&pin), bytes_at("\x00\xFF\x10", 3)));
    buf_reset(&pin);
    cr_expect_eq(pin_from_text(policy.format, bytes_of("00f"), &pin, &err), SKS_ERROR_OPTION);
    cr_expect_eq(pin_from_text(policy.format, bytes_of("0g"), &pin, &err), SKS_ERROR_OPTION);
    cr_expect_not_null(strstr(err.text, "hexadecimal"));
    cr_expect_not_null(strstr(pin_elements_text(FORMAT_BINARY), "hexadecimal"));
    policy.format = FORMAT_NUMERIC;
    buf_reset(&pin);
    cr_expect_eq(pin_from_text(policy.format, bytes_of("00f"), &pin, &err), SKS_OK);
    cr_expect(bytes_equal(buf_bytes(&pin), bytes_of("00f")));
    buf_free(&pin);
}
