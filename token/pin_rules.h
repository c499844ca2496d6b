/* What makes a PIN or PUK acceptable: length, format, patterns. SKS V1.07, 5 "PIN Patterns". */
#ifndef TOKEN_PIN_RULES_H
#define TOKEN_PIN_RULES_H

#include "keygen2/objects.h"

/** NULL if the value obeys the policy, else what is wrong with it, for an ErrorString. */
const char *pin_violation(const struct pin_policy *policy, struct bytes pin);

/** NULL if the value is a legal PUK of the format, else what is wrong with it. */
const char *puk_violation(uint8_t format, struct bytes puk);

#endif
