/* The issuer's URLs. */
#ifndef ISSUER_ROUTES_H
#define ISSUER_ROUTES_H

#include "keygen2/base/http_server.h"

/* Their ctx is a struct issuer. */
extern const struct http_route ISSUER_ROUTES[];
extern const size_t ISSUER_ROUTES_COUNT;

#endif
