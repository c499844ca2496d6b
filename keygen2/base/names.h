/* The enumerations of SKS and KeyGen2, each with the names that KeyGen2 gives its values. */
#ifndef KEYGEN2_BASE_NAMES_H
#define KEYGEN2_BASE_NAMES_H

#include "keygen2/base/bytes.h"

/* SKS V1.07, 5 "Objects": values as they stand in wire calls and MACs. */
enum sks_format { FORMAT_NUMERIC, FORMAT_ALPHANUMERIC, FORMAT_STRING, FORMAT_BINARY };
enum sks_grouping {
    GROUPING_NONE,
    GROUPING_SHARED,
    GROUPING_SIGNATURE_STANDARD,
    GROUPING_UNIQUE,
};
enum sks_pattern {
    PATTERN_TWO_IN_A_ROW = 1,
    PATTERN_THREE_IN_A_ROW = 2,
    PATTERN_SEQUENCE = 4,
    PATTERN_REPEATED = 8,
    PATTERN_MISSING_GROUP = 16,
    PATTERN_ALL = 31,
};
enum sks_input_method { INPUT_METHOD_ANY, INPUT_METHOD_PROGRAMMATIC, INPUT_METHOD_TRUSTED_GUI };
enum sks_biometric {
    BIOMETRIC_NONE,
    BIOMETRIC_ALTERNATIVE,
    BIOMETRIC_COMBINED,
    BIOMETRIC_EXCLUSIVE,
};
enum sks_protection { /* of export and of delete */
                      PROTECTION_NONE,
                      PROTECTION_PIN,
                      PROTECTION_PUK,
                      PROTECTION_NOT_ALLOWED,
};
enum sks_app_usage {
    APP_USAGE_SIGNATURE,
    APP_USAGE_AUTHENTICATION,
    APP_USAGE_ENCRYPTION,
    APP_USAGE_UNIVERSAL,
};
enum sks_action { ACTION_MANAGE, ACTION_UNLOCK };

/* getKeyProtectionInfo.protectionStatus and .keyBackup are sets of bits. */
enum {
    PROTECTION_STATUS_PIN = 1,
    PROTECTION_STATUS_PUK = 2,
    PROTECTION_STATUS_PIN_BLOCKED = 4,
    PROTECTION_STATUS_PUK_BLOCKED = 8,
    PROTECTION_STATUS_DEVICE_PIN = 16,
    KEY_BACKUP_IMPORTED = 1,
    KEY_BACKUP_EXPORTED = 2,
};

/* One field's names: a null name ends the table. */
struct name {
    const char *text;
    uint8_t value;
};

extern const struct name NAMES_FORMAT[];
extern const struct name NAMES_GROUPING[];
extern const struct name NAMES_PATTERN[]; /* values are bits */
extern const struct name NAMES_INPUT_METHOD[];
extern const struct name NAMES_BIOMETRIC[];
extern const struct name NAMES_EXPORT[]; /* differ in the name of NOT_ALLOWED */
extern const struct name NAMES_DELETE[];
extern const struct name NAMES_APP_USAGE[];
extern const struct name NAMES_ACTION[];

/** Finds the value of a name; false if the table has no such name. */
bool name_to_value(const struct name *table, struct bytes text, uint8_t *value);

/** Name of a value, NULL if the table has none. */
const char *name_of_value(const struct name *table, uint8_t value);

#endif
