/* The cases for a live token. */
#ifndef CONFORM_TOKEN_SUITE_H
#define CONFORM_TOKEN_SUITE_H

#include "conform/suite.h"

extern const struct suite TOKEN_SUITE;

#endif
