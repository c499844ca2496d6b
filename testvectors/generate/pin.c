/* PIN and PUK values against policies. */
#include "testvectors/generate/pin_policy.h"
#include "testvectors/generate/scene.h"
#include "testvectors/kinds.h"

#include <string.h>

static const char SECTION[] = "SKS V1.07 5 PIN Policy, PUK Policy; docs/wire.md 7";

enum { NUMERIC = 1, ALPHANUMERIC = 2, STRING = 4, BINARY = 8 }; /* bits of formats */
enum { TWO = 1, THREE = 2, SEQUENCE = 4, REPEATED = 8, MISSING = 16 };

static const char *const FORMATS[] = { "numeric", "alphanumeric", "string", "binary" };
static const char *const PATTERNS[] = { "two-in-a-row", "three-in-a-row", "sequence", "repeated",
                                        "missing-group" };

/* Values, with what is known of them: the formats that they are of, the format that they are tried
 * with, the patterns that they show. */
static const struct value {
    const char *bytes;
    unsigned len, formats, format, shows;
} VALUES[] = {
    { "1234", 4, 15, 0, SEQUENCE },
    { "4321", 4, 15, 0, SEQUENCE },
    { "01", 2, 15, 0, SEQUENCE },
    { "0123456789", 10, 15, 0, SEQUENCE },
    { "9876543210", 10, 15, 0, SEQUENCE },
    { "1357", 4, 15, 0, 0 },
    { "8901", 4, 15, 0, 0 },
    { "1235", 4, 15, 0, 0 },
    { "1212", 4, 15, 0, REPEATED },
    { "1231", 4, 15, 0, REPEATED },
    { "1124", 4, 15, 0, TWO | REPEATED },
    { "1233", 4, 15, 0, TWO | REPEATED },
    { "1122", 4, 15, 0, TWO | REPEATED },
    { "00", 2, 15, 0, TWO | REPEATED },
    { "1112", 4, 15, 0, TWO | THREE | REPEATED },
    { "2111", 4, 15, 0, TWO | THREE | REPEATED },
    { "0000", 4, 15, 0, TWO | THREE | REPEATED },
    { "A1B2", 4, 14, 1, 0 },
    { "9Z8Y", 4, 14, 1, 0 },
    { "ABCD", 4, 14, 1, SEQUENCE | MISSING },
    { "DCBA", 4, 14, 1, SEQUENCE | MISSING },
    { "2468", 4, 15, 1, MISSING },
    { "QWER", 4, 14, 1, MISSING },
    { "AAB1", 4, 14, 1, TWO | REPEATED },
    { "A111", 4, 14, 1, TWO | THREE | REPEATED },
    { "A1A2", 4, 14, 1, REPEATED },
    { "aB3$", 4, 12, 2, 0 },
    { " aB1", 4, 12, 2, 0 },
    { "p\xC3\xA5Ss1", 6, 12, 2, 0 },
    { "abcd", 4, 12, 2, SEQUENCE | MISSING },
    { "zyxw", 4, 12, 2, SEQUENCE | MISSING },
    { "Ab1x", 4, 12, 2, MISSING },
    { "AB1$", 4, 12, 2, MISSING },
    { "ab1$", 4, 12, 2, MISSING },
    { "aBc$", 4, 12, 2, MISSING },
    { "aaB3$", 5, 12, 2, TWO | REPEATED },
    { "\xE2\x82\xAC\xE2\x82\xAC"
      "1Aa",
      9, 12, 2, REPEATED },
    { "$$$aA1", 6, 12, 2, TWO | THREE | REPEATED },
    { "\x01\x02\x03\x04", 4, 12, 3, SEQUENCE },
    { "\x03\x02\x01", 3, 12, 3, SEQUENCE },
    { "\x10\x20\x30", 3, 12, 3, 0 },
    { "\xFF\x10\x80", 3, 8, 3, 0 },
    { "\x05\x05\x05\x06", 4, 12, 3, TWO | THREE | REPEATED },
    { "\xC3\x28", 2, 8, 3, 0 },
    { "\0\0", 2, 12, 3, TWO | REPEATED },
};

static void add(struct suite *s, bool valid, const char *flag, const char *profile, json_t *input,
                const char *comment, const char *detail)
{
    const struct expect good = EXPECT_VALID, bad = EXPECT_TOKEN(SKS_ERROR_OPTION, NULL);

    suite_test(s, valid ? &good : &bad, flag, SECTION, profile, input, "%s%s", comment, detail);
}

static json_t *policy(unsigned format, unsigned patterns, unsigned min, unsigned max,
                      struct bytes pin)
{
    json_t *names = json_array();

    for (unsigned i = 0; i < NITEMS(PATTERNS); i++)
        if ((patterns & 1U << i) != 0)
            (void)json_array_append_new(names, json_string(PATTERNS[i]));
    return json_pack("{s:s, s:o, s:i, s:i, s:o}", "format", FORMATS[format], "patternRestrictions",
                     names, "minLength", (int)min, "maxLength", (int)max, "pin", hex(pin));
}

static void patterns(struct suite *s)
{
    size_t turn = 0;

    for (size_t i = 0; i < NITEMS(VALUES); i++) {
        const struct value *v = &VALUES[i];
        const struct bytes pin = bytes_at(v->bytes, v->len);
        const bool grouped = v->format == 1 || v->format == 2;

        for (unsigned bit = 0; bit < NITEMS(PATTERNS); bit++) {
            const unsigned pattern = 1U << bit;

            if (pattern == MISSING && !grouped)
                continue;
            if ((v->shows & pattern) != 0)
                add(s, false, "Pattern", NULL, policy(v->format, pattern, 1, 128, pin), "pattern ",
                    PATTERNS[bit]);
            else if (turn++ % 3 == 0)
                add(s, true, "NoPattern", NULL, policy(v->format, pattern, 1, 128, pin),
                    "no pattern ", PATTERNS[bit]);
        }
        add(s, v->shows == 0, v->shows == 0 ? "NoPattern" : "Pattern", NULL,
            policy(v->format, grouped ? 31 : 15, 1, 128, pin), "all patterns", "");
        if (v->shows != 0 && i % 2 == 0)
            add(s, true, "NoPattern", NULL,
                policy(v->format, 31 & ~v->shows & (grouped ? 31 : 15), 1, 128, pin),
                "all patterns but those that it shows", "");
    }
    add(s, true, "NoPattern", "rig", policy(0, SEQUENCE, 1, 128, bytes_of("7")),
        "one digit is no sequence", "");
}

static void formats(struct suite *s)
{
    size_t turn = 0;

    for (size_t i = 0; i < NITEMS(VALUES); i++)
        for (unsigned format = 0; format < NITEMS(FORMATS); format++) {
            const struct bytes pin = bytes_at(VALUES[i].bytes, VALUES[i].len);
            const bool good = (VALUES[i].formats & 1U << format) != 0;
            const char *profile = format == 2 ? "text" : NULL; /* the reference does not look */

            if (!good)
                add(s, false, "Format", profile, policy(format, 0, 1, 128, pin), "not of format ",
                    FORMATS[format]);
            else if (turn++ % 5 == 0)
                add(s, true, "Format", NULL, policy(format, 0, 1, 128, pin), "of format ",
                    FORMATS[format]);
        }
}

static void lengths(struct suite *s)
{
    static const struct {
        unsigned min, max, len;
    } CASES[] = { { 4, 8, 3 }, { 4, 8, 4 },   { 4, 8, 8 },       { 4, 8, 9 },       { 1, 1, 1 },
                  { 1, 1, 2 }, { 1, 128, 0 }, { 128, 128, 128 }, { 128, 128, 127 }, { 1, 128, 129 },
                  { 6, 6, 5 }, { 6, 6, 6 },   { 6, 6, 7 },       { 1, 128, 128 },   { 5, 20, 0 } };
    char digits[130];

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        bool good = CASES[i].len >= CASES[i].min && CASES[i].len <= CASES[i].max;

        memset(digits, '7', sizeof digits);
        add(s, good, "Length", NULL,
            policy(i % 2 == 0 ? 0 : 2, 0, CASES[i].min, CASES[i].max,
                   bytes_at(digits, CASES[i].len)),
            good ? "of a length that is allowed" : "too short or too long", "");
    }
    add(s, false, "Length", NULL, policy(2, 0, 1, 2, bytes_of("\xE2\x82\xAC")),
        "lengths count bytes, not characters", "");
}

static void puks(struct suite *s)
{
    static const size_t LENGTHS[] = { 0, 1, 127, 128, 129, 144 };
    char digits[150];

    suite_group(s, "puk", "", json_object());
    for (size_t i = 0; i < NITEMS(VALUES); i++)
        for (unsigned format = 0; format < NITEMS(FORMATS); format++) {
            const bool good = (VALUES[i].formats & 1U << format) != 0;

            if (good ? (i + format) % 9 == 0 : i % 2 == 0)
                add(s, good, "Format", !good && format == 2 ? "text" : NULL,
                    json_pack("{s:s, s:o}", "format", FORMATS[format], "puk",
                              hex(bytes_at(VALUES[i].bytes, VALUES[i].len))),
                    good ? "PUK of format " : "PUK not of format ", FORMATS[format]);
        }
    memset(digits, '1', sizeof digits);
    for (size_t i = 0; i < NITEMS(LENGTHS); i++) {
        bool good = LENGTHS[i] >= 1 && LENGTHS[i] <= 128;

        add(s, good, "Length", NULL,
            json_pack("{s:s, s:o}", "format", "numeric", "puk", hex(bytes_at(digits, LENGTHS[i]))),
            good ? "PUK of a length that is allowed" : "PUK too short or too long", "");
    }
}

void generate_pin(struct suite *s)
{
    suite_note(s, "Pattern", "POLICY_NOT_KEPT", "The PIN shows a pattern that its policy forbids.",
               "PINs that are easily guessed.", SECTION);
    suite_note(s, "NoPattern", "POLICY_NOT_KEPT", "The PIN shows none of the forbidden patterns.",
               "Users could not choose their PINs.", SECTION);
    suite_note(s, "Format", "POLICY_NOT_KEPT", "The characters of the value and its format.",
               "Values that cannot be typed in.", SECTION);
    suite_note(s, "Length", "POLICY_NOT_KEPT", "The length of the value, in bytes.",
               "Values that are easily guessed, or do not fit.", SECTION);
    suite_group(s, "pin", "", json_object());
    patterns(s);
    formats(s);
    lengths(s);
    puks(s);
    generate_pin_policy(s);
}
