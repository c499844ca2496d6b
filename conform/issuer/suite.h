/* Conformance of a KeyGen2 issuer: docs/conform.md. */
#ifndef CONFORM_ISSUER_SUITE_H
#define CONFORM_ISSUER_SUITE_H

#include "conform/suite.h"

extern const struct suite ISSUER_SUITE;

#endif
