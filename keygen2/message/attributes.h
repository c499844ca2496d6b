/* Rows for JSON tables: the attributes of keys and PIN policies as KeyGen2 names them. Messages and
 * issuer profiles say them alike, in structs that have a member `key` or `policy`. */
#ifndef KEYGEN2_MESSAGE_ATTRIBUTES_H
#define KEYGEN2_MESSAGE_ATTRIBUTES_H

#include "keygen2/message/keygen2.h"

enum {
    KEY_PARAMETERS_MAX = 8, /* bytes of an RSA exponent */
    ENDORSED_MAX = 255,     /* the SKS wire counts them in one byte */
};

#define AT_MEMBER(type, member) .offset = offsetof(type, member)

/* clang-format off */

/* KeyGen2, keyEntrySpecifier: what follows its "id", without "mac". */
#define KEY_ATTRIBUTES(type)                                                                       \
    { "enablePinCaching", JSON_FLAG, JSON_OPTIONAL, AT_MEMBER(type, key.enable_pin_caching) },     \
    { "appUsage", JSON_NAME, JSON_MANDATORY, AT_MEMBER(type, key.app_usage),                       \
      .with = NAMES_APP_USAGE },                                                                   \
    { "keyAlgorithm", JSON_URI, JSON_MANDATORY, AT_MEMBER(type, key.key_algorithm) },              \
    { "keyParameters", JSON_BINARY, JSON_OPTIONAL, AT_MEMBER(type, key.key_parameters), .min = 1,  \
      .max = KEY_PARAMETERS_MAX },                                                                 \
    { "endorsedAlgorithms", JSON_URIS, JSON_OPTIONAL, AT_MEMBER(type, key.endorsed_algorithms),    \
      .min = 1, .max = ENDORSED_MAX },                                                             \
    { "serverSeed", JSON_BINARY, JSON_OPTIONAL, AT_MEMBER(type, key.server_seed), .min = 1,        \
      .max = SKS_SERVER_SEED_MAX },                                                                \
    { "biometricProtection", JSON_NAME, JSON_OPTIONAL, AT_MEMBER(type, key.biometric_protection),  \
      .with = NAMES_BIOMETRIC, .fallback = BIOMETRIC_NONE },                                       \
    { "deleteProtection", JSON_NAME, JSON_OPTIONAL, AT_MEMBER(type, key.delete_protection),        \
      .with = NAMES_DELETE, .fallback = PROTECTION_NONE },                                         \
    { "exportProtection", JSON_NAME, JSON_OPTIONAL, AT_MEMBER(type, key.export_protection),        \
      .with = NAMES_EXPORT, .fallback = PROTECTION_NOT_ALLOWED },                                  \
    { "friendlyName", JSON_TEXT, JSON_OPTIONAL, AT_MEMBER(type, key.friendly_name),                \
      .max = SKS_FRIENDLY_NAME_MAX }

/* KeyGen2, pinPolicySpecifier: what follows its "id", without "mac" and its keys. */
#define PIN_POLICY_ATTRIBUTES(type)                                                                \
    { "minLength", JSON_USHORT, JSON_MANDATORY, AT_MEMBER(type, policy.min_length),                \
      .max = SKS_PIN_MAX },                                                                        \
    { "maxLength", JSON_USHORT, JSON_MANDATORY, AT_MEMBER(type, policy.max_length),                \
      .max = SKS_PIN_MAX },                                                                        \
    { "retryLimit", JSON_USHORT, JSON_MANDATORY, AT_MEMBER(type, policy.retry_limit), .min = 1,    \
      .max = SKS_RETRY_LIMIT_MAX },                                                                \
    { "format", JSON_NAME, JSON_MANDATORY, AT_MEMBER(type, policy.format), .with = NAMES_FORMAT }, \
    { "userModifiable", JSON_FLAG, JSON_OPTIONAL, AT_MEMBER(type, policy.user_modifiable),         \
      .fallback = true },                                                                          \
    { "grouping", JSON_NAME, JSON_OPTIONAL, AT_MEMBER(type, policy.grouping),                      \
      .with = NAMES_GROUPING, .fallback = GROUPING_NONE },                                         \
    { "inputMethod", JSON_NAME, JSON_OPTIONAL, AT_MEMBER(type, policy.input_method),               \
      .with = NAMES_INPUT_METHOD, .fallback = INPUT_METHOD_ANY },                                  \
    { "patternRestrictions", JSON_NAMES, JSON_OPTIONAL,                                            \
      AT_MEMBER(type, policy.pattern_restrictions), .min = 1, .with = NAMES_PATTERN }

/* clang-format on */

#endif
