#include "token/command/protection.h"
#include "keygen2/crypto/pin_text.h"

#include <stdio.h>

static bool has(const struct key_protection_out *p, unsigned status)
{
    return (p->protection_status & status) != 0;
}

/* ---- in short ---- */

static const char *pin_short(const struct key_protection_out *p, struct arena *arena)
{
    if (has(p, PROTECTION_STATUS_DEVICE_PIN))
        return "device PIN";
    if (!has(p, PROTECTION_STATUS_PIN))
        return NULL;
    return arena_printf(arena, "PIN%s%s%s", has(p, PROTECTION_STATUS_PIN_BLOCKED) ? " blocked" : "",
                        has(p, PROTECTION_STATUS_PUK) ? "+PUK" : "",
                        has(p, PROTECTION_STATUS_PUK_BLOCKED) ? " blocked" : "");
}

const char *protection_short(const struct key_protection_out *p, struct arena *arena)
{
    const char *pin = pin_short(p, arena), *text;

    if (p->biometric_protection == BIOMETRIC_NONE)
        return pin == NULL ? "none" : pin;
    if (pin == NULL || p->biometric_protection == BIOMETRIC_EXCLUSIVE)
        return "biometrics";
    text = arena_printf(arena, "%s %s biometrics", pin,
                        p->biometric_protection == BIOMETRIC_COMBINED ? "and" : "or");
    return text == NULL ? "?" : text;
}

/* ---- drawn ---- */

static const char *const GROUPINGS[] = {
    [GROUPING_NONE] = "for this key alone",
    [GROUPING_SHARED] = "one for all keys of its policy",
    [GROUPING_SIGNATURE_STANDARD] =
        "one for the signature keys of its policy, another for the rest",
    [GROUPING_UNIQUE] = "one for each usage among the keys of its policy",
};

static const char *const INPUT_METHODS[] = {
    [INPUT_METHOD_ANY] = NULL,
    [INPUT_METHOD_PROGRAMMATIC] = "to be given by programs",
    [INPUT_METHOD_TRUSTED_GUI] = "to be typed into a trusted GUI",
};

static void line(const char *start, const char *text)
{
    if (text != NULL)
        (void)printf("%s%s\n", start, text);
}

static void draw_puk(const struct key_protection_out *p, struct arena *arena)
{
    line("    |", "           |");
    line("    |           +--PUK-->  ", "PUK");
    line("    |                      ", pin_elements_text(p->puk_format));
    line("    |                      ", puk_tries_text(p, arena));
}

static void draw_pin(const struct key_protection_out *p, struct arena *arena)
{
    static const char start[] = "    |          ";
    const struct pin_policy policy = pin_policy_of(p);
    char wanted[PIN_POLICY_TEXT_MAX];

    pin_policy_text(&policy, wanted);
    line("    +--PIN-->  ", "PIN");
    line(start, wanted);
    line(start, p->grouping < NITEMS(GROUPINGS) ? GROUPINGS[p->grouping] : "?");
    (void)printf("%schosen by the %s; the user may %schange it\n", start,
                 p->user_defined ? "user" : "issuer", p->user_modifiable ? "" : "not ");
    line(start, p->input_method < NITEMS(INPUT_METHODS) ? INPUT_METHODS[p->input_method] : "?");
    line(start, p->enable_pin_caching ? "may be remembered by programs" : NULL);
    line(start, pin_tries_text(p, arena));
    if (has(p, PROTECTION_STATUS_PUK))
        draw_puk(p, arena);
    line("    |", "");
}

static const char *use_text(const struct key_protection_out *p)
{
    bool pin = has(p, PROTECTION_STATUS_PIN | PROTECTION_STATUS_DEVICE_PIN);

    switch (p->biometric_protection) {
    case BIOMETRIC_ALTERNATIVE:
        return "with the PIN, or a biometric check";
    case BIOMETRIC_COMBINED:
        return "with the PIN and a biometric check";
    case BIOMETRIC_EXCLUSIVE:
        return "with a biometric check";
    default:
        return pin ? "with the PIN" : "by whoever reaches the token";
    }
}

static const char *permission_text(uint8_t protection)
{
    static const char *const TEXTS[] = {
        [PROTECTION_NONE] = "by whoever reaches the token",
        [PROTECTION_PIN] = "with the PIN",
        [PROTECTION_PUK] = "with the PUK",
        [PROTECTION_NOT_ALLOWED] = "never",
    };

    return protection < NITEMS(TEXTS) ? TEXTS[protection] : "?";
}

void protection_draw(const struct key_view *key, struct arena *arena)
{
    const struct key_protection_out *p = &key->protection;

    (void)printf("  %s\n", key_title(key, arena));
    line("    |", "");
    if (has(p, PROTECTION_STATUS_DEVICE_PIN)) {
        line("    +--PIN-->  ", "device PIN");
        line("    |          ", "one for all keys that the device protects itself");
        line("    |", "");
    } else if (has(p, PROTECTION_STATUS_PIN)) {
        draw_pin(p, arena);
    }
    line("    +--used----->  ", use_text(p));
    line("    +--exported->  ", permission_text(p->export_protection));
    line("    +--deleted-->  ", permission_text(p->delete_protection));
}

/* ---- JSON ---- */

static json_t *patterns_json(uint8_t patterns)
{
    json_t *array = json_array();

    for (const struct name *name = NAMES_PATTERN; name->text != NULL; name++)
        if ((patterns & name->value) != 0)
            (void)json_array_append_new(array, json_string(name->text));
    return array;
}

static json_t *tries_json(bool blocked, unsigned limit, unsigned errors)
{
    unsigned left = errors < limit && !blocked ? limit - errors : 0;

    /* Without a limit nothing is counted, and nothing is ever left. */
    return json_pack("{s:i, s:o, s:b}", "retryLimit", (int)limit, "triesLeft",
                     limit == 0 ? json_null() : json_integer(left), "blocked", (int)blocked);
}

static json_t *pin_json(const struct key_protection_out *p)
{
    json_t *pin;

    if (!has(p, PROTECTION_STATUS_PIN))
        return json_null();
    pin = tries_json(has(p, PROTECTION_STATUS_PIN_BLOCKED), p->retry_limit, p->pin_error_count);
    (void)json_object_update_new(
        pin,
        json_pack("{s:s, s:i, s:i, s:o, s:s, s:s, s:b, s:b, s:b}", "format",
                  value_text(NAMES_FORMAT, p->format), "minLength", (int)p->min_length, "maxLength",
                  (int)p->max_length, "patternRestrictions", patterns_json(p->pattern_restrictions),
                  "grouping", value_text(NAMES_GROUPING, p->grouping), "inputMethod",
                  value_text(NAMES_INPUT_METHOD, p->input_method), "userDefined",
                  (int)p->user_defined, "userModifiable", (int)p->user_modifiable,
                  "enablePinCaching", (int)p->enable_pin_caching));
    return pin;
}

static json_t *puk_json(const struct key_protection_out *p)
{
    json_t *puk;

    if (!has(p, PROTECTION_STATUS_PUK))
        return json_null();
    puk = tries_json(has(p, PROTECTION_STATUS_PUK_BLOCKED), p->puk_retry_limit, p->puk_error_count);
    (void)json_object_set_new(puk, "format", json_string(value_text(NAMES_FORMAT, p->puk_format)));
    return puk;
}

json_t *protection_json(const struct key_protection_out *p)
{
    return json_pack("{s:o, s:o, s:b, s:s, s:s, s:s}", "pin", pin_json(p), "puk", puk_json(p),
                     "devicePin", (int)has(p, PROTECTION_STATUS_DEVICE_PIN), "biometricProtection",
                     value_text(NAMES_BIOMETRIC, p->biometric_protection), "exportProtection",
                     value_text(NAMES_EXPORT, p->export_protection), "deleteProtection",
                     value_text(NAMES_DELETE, p->delete_protection));
}
