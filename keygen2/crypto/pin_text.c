#include "keygen2/crypto/pin_text.h"

#include "keygen2/base/base64.h"
#include "keygen2/crypto/pin_rules.h"

#include <stdio.h>

/* What each format calls its elements. */
static const char *const ELEMENTS[] = {
    [FORMAT_NUMERIC] = "digits",
    [FORMAT_ALPHANUMERIC] = "digits or capital letters A-Z",
    [FORMAT_STRING] = "bytes of text",
    [FORMAT_BINARY] = "bytes, typed as hexadecimal digits",
};

const char *pin_elements_text(uint8_t format)
{
    return format < NITEMS(ELEMENTS) ? ELEMENTS[format] : "elements";
}

enum sks_status pin_from_text(uint8_t format, struct bytes typed, struct buf *pin,
                              struct sks_error *err)
{
    enum sks_status rc;

    if (format != FORMAT_BINARY) {
        put_raw(pin, typed);
        return sks_explain(err, pin->status);
    }
    rc = hex_decode(typed, pin);
    if (rc == SKS_ERROR_OPTION)
        rc = sks_fail(err, rc,
                      "a binary PIN or PUK is typed as an even number of hexadecimal digits");
    return rc;
}

/* What each pattern asks for, in words. */
static const struct {
    uint8_t bit;
    const char *rule;
} PATTERNS[] = {
    { PATTERN_TWO_IN_A_ROW, "no two equal ones in a row" },
    { PATTERN_THREE_IN_A_ROW, "no three equal ones in a row" },
    { PATTERN_SEQUENCE, "no sequence like 1234 or 9876" },
    { PATTERN_REPEATED, "none twice" },
    { PATTERN_MISSING_GROUP, "at least one of each kind of character" },
};

void pin_policy_text(const struct pin_policy *policy, char text[PIN_POLICY_TEXT_MAX])
{
    char length[32];
    size_t len;

    (void)snprintf(length, sizeof length, "%u to %u", policy->min_length, policy->max_length);
    if (policy->min_length == policy->max_length)
        (void)snprintf(length, sizeof length, "%u", policy->min_length);
    len = (size_t)snprintf(text, PIN_POLICY_TEXT_MAX, "%s %s", length,
                           pin_elements_text(policy->format));
    for (size_t i = 0; i < NITEMS(PATTERNS) && len < PIN_POLICY_TEXT_MAX; i++)
        if ((policy->pattern_restrictions & PATTERNS[i].bit) != 0)
            len +=
                (size_t)snprintf(text + len, PIN_POLICY_TEXT_MAX - len, "; %s", PATTERNS[i].rule);
}

enum sks_status pin_check(const struct pin_policy *policy, struct bytes pin, struct sks_error *err)
{
    const char *violation = pin_violation(policy, pin);
    char wanted[PIN_POLICY_TEXT_MAX];

    if (violation == NULL)
        return SKS_OK;
    pin_policy_text(policy, wanted);
    return sks_fail(err, SKS_ERROR_OPTION, "the PIN %s; %s%.*s wants %s", violation,
                    policy->id.len == 0 ? "its policy" : "policy ", (int)policy->id.len,
                    (const char *)policy->id.ptr, wanted);
}
