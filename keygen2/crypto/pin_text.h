/* PINs of people: what they type, what a policy asks of it, in words. Pure functions. */
#ifndef KEYGEN2_CRYPTO_PIN_TEXT_H
#define KEYGEN2_CRYPTO_PIN_TEXT_H

#include "keygen2/objects.h"

enum { PIN_POLICY_TEXT_MAX = 400 };

/**
 * Turns what a user typed into the bytes of a PIN or PUK: hexadecimal digits for the binary
 * format, the characters themselves for all others.
 *
 * @param format  enum sks_format
 * @param pin     the PIN is appended: a secret
 * @return SKS_ERROR_OPTION with a text if the digits are not hexadecimal
 */
CHECKED enum sks_status pin_from_text(uint8_t format, struct bytes typed, struct buf *pin,
                                      struct sks_error *err);

/** What the elements of a format are, in words: "digits". */
const char *pin_elements_text(uint8_t format);

/**
 * Checks length, format and patterns. SKS V1.07, 5.5 "PIN Patterns" and 5.6 "PIN and PUK Formats".
 *
 * @param err  says what the policy wants where the PIN breaks it, and never the PIN
 * @return SKS_ERROR_OPTION if the PIN breaks the policy
 */
CHECKED enum sks_status pin_check(const struct pin_policy *policy, struct bytes pin,
                                  struct sks_error *err);

/** What a policy asks for, in words: "4 to 8 digits; no three equal ones in a row". */
void pin_policy_text(const struct pin_policy *policy, char text[PIN_POLICY_TEXT_MAX]);

#endif
