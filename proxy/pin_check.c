#include "proxy/pin_check.h"

#include "keygen2/base/base64.h"

#include <stdio.h>
#include <string.h>

/* What each format calls its elements, and which bytes it takes. */
static const struct {
    const char *elements;
    const char *only; /* the characters it takes; NULL: see pin_check() */
} FORMATS[] = {
    [FORMAT_NUMERIC] = { "digits", "0123456789" },
    [FORMAT_ALPHANUMERIC] = { "digits or capital letters A-Z",
                              "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
    [FORMAT_STRING] = { "bytes of text", NULL },
    [FORMAT_BINARY] = { "bytes, typed as hexadecimal digits", NULL },
};

enum sks_status pin_from_text(const struct pin_policy *policy, struct bytes typed, struct buf *pin,
                              struct sks_error *err)
{
    enum sks_status rc;

    if (policy->format != FORMAT_BINARY) {
        put_raw(pin, typed);
        return sks_explain(err, pin->status);
    }
    rc = hex_decode(typed, pin);
    if (rc == SKS_ERROR_OPTION)
        rc = sks_fail(err, rc, "a binary PIN is typed as an even number of hexadecimal digits");
    return rc;
}

/* ---- patterns ---- */

static bool has_row(struct bytes pin, size_t limit)
{
    size_t row = 1;

    for (size_t i = 1; i < pin.len; i++) {
        row = pin.ptr[i] == pin.ptr[i - 1] ? row + 1 : 1;
        if (row == limit)
            return true;
    }
    return false;
}

static bool has_row_of_two(struct bytes pin, uint8_t format)
{
    (void)format;
    return has_row(pin, 2);
}

static bool has_row_of_three(struct bytes pin, uint8_t format)
{
    (void)format;
    return has_row(pin, 3);
}

/* A constant step of +1 or -1 over the whole PIN; one byte alone is no sequence. */
static bool is_sequence(struct bytes pin, uint8_t format)
{
    uint8_t step = pin.len < 2 ? 0 : (uint8_t)(pin.ptr[1] - pin.ptr[0]);

    (void)format;
    if (step != 1 && step != UINT8_MAX)
        return false;
    for (size_t i = 2; i < pin.len; i++)
        if ((uint8_t)(pin.ptr[i] - pin.ptr[i - 1]) != step)
            return false;
    return true;
}

static bool has_repeated(struct bytes pin, uint8_t format)
{
    (void)format;
    for (size_t i = 1; i < pin.len; i++)
        if (memchr(pin.ptr, pin.ptr[i], i) != NULL)
            return true;
    return false;
}

/* Capitals and digits; for a string also small letters and something else. */
static bool misses_group(struct bytes pin, uint8_t format)
{
    bool upper = false, lower = false, digit = false, other = false;

    for (size_t i = 0; i < pin.len; i++) {
        uint8_t c = pin.ptr[i];

        if (c >= 'A' && c <= 'Z')
            upper = true;
        else if (c >= 'a' && c <= 'z')
            lower = true;
        else if (c >= '0' && c <= '9')
            digit = true;
        else
            other = true;
    }
    return !upper || !digit || (format == FORMAT_STRING && (!lower || !other));
}

static const struct pattern {
    uint8_t bit;
    bool (*broken)(struct bytes pin, uint8_t format);
    const char *rule;
} PATTERNS[] = {
    { PATTERN_TWO_IN_A_ROW, has_row_of_two, "no two equal ones in a row" },
    { PATTERN_THREE_IN_A_ROW, has_row_of_three, "no three equal ones in a row" },
    { PATTERN_SEQUENCE, is_sequence, "no sequence like 1234 or 9876" },
    { PATTERN_REPEATED, has_repeated, "none twice" },
    { PATTERN_MISSING_GROUP, misses_group, "at least one of each kind of character" },
};

void pin_policy_text(const struct pin_policy *policy, char text[PIN_POLICY_TEXT_MAX])
{
    char length[32];
    size_t len;

    (void)snprintf(length, sizeof length, "%u to %u", policy->min_length, policy->max_length);
    if (policy->min_length == policy->max_length)
        (void)snprintf(length, sizeof length, "%u", policy->min_length);
    len = (size_t)snprintf(text, PIN_POLICY_TEXT_MAX, "%s %s", length,
                           policy->format < NITEMS(FORMATS) ? FORMATS[policy->format].elements
                                                            : "elements");
    for (size_t i = 0; i < NITEMS(PATTERNS) && len < PIN_POLICY_TEXT_MAX; i++)
        if ((policy->pattern_restrictions & PATTERNS[i].bit) != 0)
            len +=
                (size_t)snprintf(text + len, PIN_POLICY_TEXT_MAX - len, "; %s", PATTERNS[i].rule);
}

static enum sks_status refuse(const struct pin_policy *policy, const char *problem,
                              struct sks_error *err)
{
    char wanted[PIN_POLICY_TEXT_MAX];

    pin_policy_text(policy, wanted);
    return sks_fail(err, SKS_ERROR_OPTION, "the PIN %s; policy %.*s wants %s", problem,
                    (int)policy->id.len, (const char *)policy->id.ptr, wanted);
}

static bool fits_format(uint8_t format, struct bytes pin)
{
    const char *only = format < NITEMS(FORMATS) ? FORMATS[format].only : NULL;

    for (size_t i = 0; only != NULL && i < pin.len; i++)
        if (memchr(only, pin.ptr[i], strlen(only)) == NULL)
            return false;
    return format != FORMAT_STRING || bytes_is_utf8(pin);
}

enum sks_status pin_check(const struct pin_policy *policy, struct bytes pin, struct sks_error *err)
{
    if (pin.len < policy->min_length)
        return refuse(policy, "is too short", err);
    if (pin.len > policy->max_length)
        return refuse(policy, "is too long", err);
    if (!fits_format(policy->format, pin))
        return refuse(policy, "has a character that does not belong there", err);
    for (size_t i = 0; i < NITEMS(PATTERNS); i++)
        if ((policy->pattern_restrictions & PATTERNS[i].bit) != 0 &&
            PATTERNS[i].broken(pin, policy->format))
            return refuse(policy, "is too easy to guess", err);
    return SKS_OK;
}

/* ---- grouping ---- */

bool pin_is_shared(uint8_t grouping, uint8_t app_usage, uint8_t other_app_usage)
{
    switch (grouping) {
    case GROUPING_SHARED:
        return true;
    case GROUPING_SIGNATURE_STANDARD:
        return (app_usage == APP_USAGE_SIGNATURE) == (other_app_usage == APP_USAGE_SIGNATURE);
    case GROUPING_UNIQUE:
        return app_usage == other_app_usage;
    default:
        return false;
    }
}

bool pin_must_differ(uint8_t grouping)
{
    return grouping == GROUPING_SIGNATURE_STANDARD || grouping == GROUPING_UNIQUE;
}
