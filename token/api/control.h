/* What the control socket of a serving token answers besides the SKS wire, in the wire's form. */
#ifndef TOKEN_API_CONTROL_H
#define TOKEN_API_CONTROL_H

#include "token/api/calls.h"

#define CONTROL_ACTIVATE_PATH "/control/activate"
#define CONTROL_COPY_PATH "/control/copy"

/* Their rows, none of SKS_METHODS: the paths name them. No inputs. */
extern const struct sks_method CONTROL_ACTIVATE; /* output wasDeactivated */
extern const struct sks_method CONTROL_COPY;     /* output name, of the file; see token_copy() */

#endif
