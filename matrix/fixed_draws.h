/* What an issuer would draw anew for each session, and a key then shows by what it does: in a rig
 * it is the same in each, so that two sessions that did the same leave the same. */
#ifndef MATRIX_FIXED_DRAWS_H
#define MATRIX_FIXED_DRAWS_H

#include "issuer/profile.h"

/** Gives the symmetric keys of profiles a value where they have none. */
void fix_draws(struct profile_list *profiles);

#endif
