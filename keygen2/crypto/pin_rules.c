#include "keygen2/crypto/pin_rules.h"

struct characters {
    bool upper, lower, digit, other;
};

static struct characters classify(struct bytes value)
{
    struct characters has = { 0 };

    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];

        if (c >= 'A' && c <= 'Z')
            has.upper = true;
        else if (c >= 'a' && c <= 'z')
            has.lower = true;
        else if (c >= '0' && c <= '9')
            has.digit = true;
        else
            has.other = true;
    }
    return has;
}

static bool fits_format(uint8_t format, struct bytes value)
{
    struct characters has = classify(value);

    switch (format) {
    case FORMAT_NUMERIC:
        return !has.upper && !has.lower && !has.other;
    case FORMAT_ALPHANUMERIC: /* digits and upper case only */
        return !has.lower && !has.other;
    case FORMAT_STRING:
        return bytes_is_utf8(value);
    default:
        return true;
    }
}

static bool misses_group(uint8_t format, struct bytes pin)
{
    struct characters has = classify(pin);

    return !has.upper || !has.digit || (format == FORMAT_STRING && (!has.lower || !has.other));
}

/* A constant step of +1 or -1 over the whole value. */
static bool is_sequence(struct bytes pin)
{
    uint8_t step = pin.len < 2 ? 0 : (uint8_t)(pin.ptr[1] - pin.ptr[0]);

    if (step != 1 && step != UINT8_MAX)
        return false;
    for (size_t i = 1; i < pin.len; i++)
        if ((uint8_t)(pin.ptr[i] - pin.ptr[i - 1]) != step)
            return false;
    return true;
}

static bool has_repeated(struct bytes pin)
{
    bool seen[256] = { false };

    for (size_t i = 0; i < pin.len; i++) {
        if (seen[pin.ptr[i]])
            return true;
        seen[pin.ptr[i]] = true;
    }
    return false;
}

static bool has_in_a_row(struct bytes pin, size_t limit)
{
    size_t row = 1;

    for (size_t i = 1; i < pin.len; i++) {
        row = pin.ptr[i] == pin.ptr[i - 1] ? row + 1 : 1;
        if (row == limit)
            return true;
    }
    return false;
}

const char *pin_violation(const struct pin_policy *policy, struct bytes pin)
{
    uint8_t patterns = policy->pattern_restrictions;

    if (pin.len < policy->min_length)
        return "is too short";
    if (pin.len > policy->max_length)
        return "is too long";
    if (!fits_format(policy->format, pin))
        return "has a character that its format does not allow";
    if ((patterns & PATTERN_MISSING_GROUP) != 0 && misses_group(policy->format, pin))
        return "lacks a kind of character";
    if ((patterns & PATTERN_SEQUENCE) != 0 && is_sequence(pin))
        return "is a sequence";
    if ((patterns & PATTERN_REPEATED) != 0 && has_repeated(pin))
        return "has a character twice";
    if ((patterns & PATTERN_TWO_IN_A_ROW) != 0 && has_in_a_row(pin, 2))
        return "has two equal characters in a row";
    if ((patterns & PATTERN_THREE_IN_A_ROW) != 0 && has_in_a_row(pin, 3))
        return "has three equal characters in a row";
    return NULL;
}

const char *puk_violation(uint8_t format, struct bytes puk)
{
    if (puk.len == 0 || puk.len > SKS_PIN_MAX)
        return "is not 1 to 128 bytes long";
    if (!fits_format(format, puk))
        return "has a character that its format does not allow";
    return NULL;
}

int pin_group(uint8_t grouping, uint8_t app_usage)
{
    switch (grouping) {
    case GROUPING_SHARED:
        return 0;
    case GROUPING_SIGNATURE_STANDARD:
        return app_usage == APP_USAGE_SIGNATURE ? 0 : 1;
    case GROUPING_UNIQUE:
        return app_usage;
    default:
        return -1;
    }
}
