/* `sks-issuer healthcheck`: is a server well? */
#ifndef ISSUER_HEALTHCHECK_H
#define ISSUER_HEALTHCHECK_H

#include "keygen2/base/program.h"

struct health_options {
    const char *http, *https; /* of serve; NULL: its defaults */
    const char *ca;           /* PEM; NULL: the system's */
    const char *profile;      /* NULL: the first that lets anybody begin */
    bool insecure, json;
    uint32_t seconds;
};

/** @param url  "http(s)://HOST:PORT"; NULL: where serve listens by these options */
enum exit_code healthcheck(const struct health_options *options, const char *url);

#endif
