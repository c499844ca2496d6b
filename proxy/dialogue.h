/* The KeyGen2 side of the client: a table of what may come, and what is done with it. */
#ifndef PROXY_DIALOGUE_H
#define PROXY_DIALOGUE_H

#include "proxy/enrolment.h"

/**
 * Runs one enrolment to its end. Where it fails, both ends are told: the token's session is
 * aborted, and the issuer's given up.
 *
 * @param e        its given members are set, all else is zero
 * @param outcome  out: borrows from e
 */
void dialogue_run(struct enrolment *e, struct outcome *outcome);

#endif
