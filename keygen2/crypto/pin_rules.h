/* What makes a PIN or PUK acceptable: length, format, patterns, grouping. SKS V1.07, 5. The token
 * asks before it takes one, the middleware before it sends one. */
#ifndef KEYGEN2_CRYPTO_PIN_RULES_H
#define KEYGEN2_CRYPTO_PIN_RULES_H

#include "keygen2/objects.h"

/** NULL if the value obeys the policy, else what is wrong with it: "is too short". */
const char *pin_violation(const struct pin_policy *policy, struct bytes pin);

/** NULL if the value is a legal PUK of the format, else what is wrong with it. */
const char *puk_violation(uint8_t format, struct bytes puk);

/**
 * Which group of its policy a key belongs to: keys of one group have one PIN, keys of different
 * groups different ones. SKS V1.07, "PIN Grouping".
 *
 * @return 0 and up; -1 with grouping none, where each key is alone and nothing is compared
 */
int pin_group(uint8_t grouping, uint8_t app_usage);

#endif
