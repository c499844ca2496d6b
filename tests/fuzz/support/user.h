/* Calls without a session key: of the user, and of anybody who reaches the token. */
#ifndef TESTS_FUZZ_SUPPORT_USER_H
#define TESTS_FUZZ_SUPPORT_USER_H

#include "tests/fuzz/support/world.h"

/**
 * Makes one call of any method of the table but createProvisioningSession. Fields that are known by
 * name get values that may fit, the others whatever the input says. Methods with a MAC are refused.
 */
void user_step(struct world *world, struct input *input);

#endif
