/* `sks-issuer serve`. */
#ifndef ISSUER_SERVE_H
#define ISSUER_SERVE_H

#include "issuer/client_caps.h"
#include "keygen2/base/program.h"

struct serve_options {
    const char *data;             /* folder */
    const char *http, *https;     /* HOST:PORT; neither given: both at their default */
    const char *ca_key, *ca_cert; /* PEM files; NULL: made in the data folder, and kept there */
    const char *public_url;       /* NULL: each listener's own */
    const char *profiles;         /* folder; NULL: that of the data folder, or the shipped one */
    const char *tls_name;         /* that our TLS certificate is made for; NULL: of public_url */
    const char *seen_certificate; /* PEM file; NULL: our own */
    struct texts trust;           /* none: DATA/trust */
    uint32_t purge_after;         /* days; 0: nothing is purged */
    uint32_t stop_seconds;        /* for what is under way when the stop comes */
    const char *log_format;       /* "text" or "json"; NULL: text */
    const char *manage;           /* HOST:PORT of the management listener; NULL: none */
    bool manage_any;              /* it may be off the loopback */
    uint32_t server_keys;         /* RSA keys made ahead, of each size that a profile uses */
    const char *crl_url;          /* NULL: PUBLIC-URL/crl */
    uint32_t crl_life;            /* seconds; 0: the default */
    const char *external_ca;      /* command; NULL: our own CA */
    uint32_t external_ca_seconds; /* 0: the default */
    struct client_limits limits;
};

enum { STOP_SECONDS_DEFAULT = 10 };

#define HTTP_DEFAULT "127.0.0.1:8080"
#define HTTPS_DEFAULT "127.0.0.1:8443"

/** Serves until SIGTERM or SIGINT; SIGHUP reads the trusted certificates, the key management keys
 * and the TLS certificate again. */
enum exit_code serve(struct serve_options *options);

/** The host of a URL in `host`, without brackets and port; false if it is no http(s) URL. */
bool url_host(const char *url, char *host, size_t size);

#endif
