/* Policies, groups and tries, call by call. */
#ifndef TESTVECTORS_GENERATE_PIN_POLICY_H
#define TESTVECTORS_GENERATE_PIN_POLICY_H

#include "testvectors/generate/suite.h"

/** Adds their groups of tests, with their notes. */
void generate_pin_policy(struct suite *s);

#endif
