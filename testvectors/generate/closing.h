/* What a session must be to be closed. */
#ifndef TESTVECTORS_GENERATE_CLOSING_H
#define TESTVECTORS_GENERATE_CLOSING_H

#include "testvectors/generate/suite.h"

/** Adds its group of tests, with its note. */
void generate_closing(struct suite *s);

#endif
