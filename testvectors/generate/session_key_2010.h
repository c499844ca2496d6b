/* The session key of the 2010 profile, which the token draws. */
#ifndef TESTVECTORS_GENERATE_SESSION_KEY_2010_H
#define TESTVECTORS_GENERATE_SESSION_KEY_2010_H

#include "testvectors/generate/suite.h"

/** Adds its group of tests, with its notes. */
void generate_session_key_2010(struct suite *s);

#endif
