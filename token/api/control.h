/* What the control socket of a serving token answers besides the SKS wire, in the wire's form. */
#ifndef TOKEN_API_CONTROL_H
#define TOKEN_API_CONTROL_H

#include "token/api/calls.h"

#define CONTROL_ACTIVATE_PATH "/control/activate"

/** Its row: no input; output wasDeactivated. No row of SKS_METHODS: the path names it. */
extern const struct sks_method CONTROL_ACTIVATE;

#endif
