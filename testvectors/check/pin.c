#include "keygen2/crypto/pin_rules.h"
#include "testvectors/kinds.h"

static uint8_t value_of(struct subject *s, const struct name *table, const json_t *name)
{
    uint8_t value = 0;

    if (!json_is_string(name) || !name_to_value(table, bytes_of(json_string_value(name)), &value))
        subject_break(s, "no such name");
    return value;
}

static const char *violation(struct subject *s)
{
    const json_t *patterns;
    struct pin_policy policy = { .format = value_of(s, NAMES_FORMAT, subject_value(s, "format")) };

    if (subject_is(s, "puk"))
        return puk_violation(policy.format, subject_bytes(s, "puk"));
    policy.min_length = (uint16_t)subject_number(s, "minLength");
    policy.max_length = (uint16_t)subject_number(s, "maxLength");
    patterns = subject_value(s, "patternRestrictions");
    for (size_t i = 0; i < json_array_size(patterns); i++)
        policy.pattern_restrictions |= value_of(s, NAMES_PATTERN, json_array_get(patterns, i));
    return pin_violation(&policy, subject_bytes(s, "pin"));
}

enum sks_status subject_check_pin(struct subject *s)
{
    const char *why;

    if (subject_is(s, "policy"))
        return subject_check_transcript(s);
    why = violation(s);
    return why == NULL ? SKS_OK : sks_fail(&s->err, SKS_ERROR_OPTION, "the value %s", why);
}
