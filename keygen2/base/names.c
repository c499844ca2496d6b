#include "keygen2/base/names.h"

const struct name NAMES_FORMAT[] = {
    { "numeric", FORMAT_NUMERIC },
    { "alphanumeric", FORMAT_ALPHANUMERIC },
    { "string", FORMAT_STRING },
    { "binary", FORMAT_BINARY },
    { NULL, 0 },
};
const struct name NAMES_GROUPING[] = {
    { "none", GROUPING_NONE },
    { "shared", GROUPING_SHARED },
    { "signature+standard", GROUPING_SIGNATURE_STANDARD },
    { "unique", GROUPING_UNIQUE },
    { NULL, 0 },
};
const struct name NAMES_PATTERN[] = {
    { "two-in-a-row", PATTERN_TWO_IN_A_ROW },   { "three-in-a-row", PATTERN_THREE_IN_A_ROW },
    { "sequence", PATTERN_SEQUENCE },           { "repeated", PATTERN_REPEATED },
    { "missing-group", PATTERN_MISSING_GROUP }, { NULL, 0 },
};
const struct name NAMES_INPUT_METHOD[] = {
    { "any", INPUT_METHOD_ANY },
    { "programmatic", INPUT_METHOD_PROGRAMMATIC },
    { "trusted-gui", INPUT_METHOD_TRUSTED_GUI },
    { NULL, 0 },
};
const struct name NAMES_BIOMETRIC[] = {
    { "none", BIOMETRIC_NONE },
    { "alternative", BIOMETRIC_ALTERNATIVE },
    { "combined", BIOMETRIC_COMBINED },
    { "exclusive", BIOMETRIC_EXCLUSIVE },
    { NULL, 0 },
};
const struct name NAMES_EXPORT[] = {
    { "none", PROTECTION_NONE },
    { "pin", PROTECTION_PIN },
    { "puk", PROTECTION_PUK },
    { "non-exportable", PROTECTION_NOT_ALLOWED },
    { NULL, 0 },
};
const struct name NAMES_DELETE[] = {
    { "none", PROTECTION_NONE },
    { "pin", PROTECTION_PIN },
    { "puk", PROTECTION_PUK },
    { "non-deletable", PROTECTION_NOT_ALLOWED },
    { NULL, 0 },
};
const struct name NAMES_APP_USAGE[] = {
    { "signature", APP_USAGE_SIGNATURE },
    { "authentication", APP_USAGE_AUTHENTICATION },
    { "encryption", APP_USAGE_ENCRYPTION },
    { "universal", APP_USAGE_UNIVERSAL },
    { NULL, 0 },
};
const struct name NAMES_ACTION[] = {
    { "manage", ACTION_MANAGE },
    { "unlock", ACTION_UNLOCK },
    { NULL, 0 },
};

bool name_to_value(const struct name *table, struct bytes text, uint8_t *value)
{
    for (; table->text != NULL; table++) {
        if (bytes_equal(bytes_of(table->text), text)) {
            *value = table->value;
            return true;
        }
    }
    return false;
}

const char *name_of_value(const struct name *table, uint8_t value)
{
    for (; table->text != NULL; table++)
        if (table->value == value)
            return table->text;
    return NULL;
}
