/* The filters of lookups. */
#ifndef TESTVECTORS_GENERATE_SEARCH_FILTER_H
#define TESTVECTORS_GENERATE_SEARCH_FILTER_H

#include "testvectors/generate/suite.h"

/** Adds their group of tests, with its notes. */
void generate_filters(struct suite *s);

#endif
