/* `sks-proxy healthcheck`: a round trip through a relay to what stands behind it. */
#ifndef PROXY_HEALTHCHECK_H
#define PROXY_HEALTHCHECK_H

#include "keygen2/base/program.h"

struct proxy_health_options {
    const char *listen, *to, *tls_certificate; /* of the relay */
    const char *hop;     /* "token" or "issuer"; NULL: by `to`, or by trying */
    const char *ca;      /* of the relay's https; NULL: the system's */
    const char *profile; /* of the issuer; NULL: the first that needs no code */
    bool insecure, json;
    uint32_t seconds;
};

extern const struct option_row PROXY_HEALTH_OPTIONS[];

void proxy_health_defaults(void *options);
enum exit_code proxy_healthcheck(void *options, char **operands, size_t count);

#endif
