/* `sks-issuer serve`. */
#ifndef ISSUER_SERVE_H
#define ISSUER_SERVE_H

#include "keygen2/base/program.h"

struct serve_options {
    const char *data;             /* folder */
    const char *http, *https;     /* HOST:PORT; neither given: both at their default */
    const char *public_url;       /* NULL: each listener's own */
    const char *profiles;         /* folder; NULL: that of the data folder, or the shipped one */
    const char *seen_certificate; /* PEM file; NULL: our own */
    struct texts trust;           /* none: DATA/trust */
    uint32_t purge_after;         /* days; 0: nothing is purged */
    uint32_t stop_seconds;        /* for what is under way when the stop comes */
};

enum { STOP_SECONDS_DEFAULT = 10 };

/** Serves until SIGTERM or SIGINT; SIGHUP reads the trusted certificates, the key management keys
 * and the TLS certificate again. */
enum exit_code serve(struct serve_options *options);

/** The host of a URL in `host`, without brackets and port; false if it is no http(s) URL. */
bool url_host(const char *url, char *host, size_t size);

#endif
