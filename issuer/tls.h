/* The issuer's TLS certificate, and which one a session's client has seen. */
#ifndef ISSUER_TLS_H
#define ISSUER_TLS_H

#include "keygen2/base/bytes.h"

struct tls_leaf;

struct tls_certificates {
    struct bytes seen; /* DER; what all clients see, where that is not ours; else empty */
    struct buf certificate_pem, key_pem; /* as read at first, for http_server_listen() */
    _Atomic(struct tls_leaf *) newest;
};

/** Reads tls.pem and tls.key of a data folder. @param tls free with tls_free() */
CHECKED enum sks_status tls_load(struct tls_certificates *tls, const char *folder,
                                 struct sks_error *err);

/** Reads them again, for all connections that come; on failure all stays what it was. One thread
 * at a time. */
CHECKED enum sks_status tls_renew(struct tls_certificates *tls, const char *folder,
                                  struct sks_error *err);

/**
 * DER of the certificate that a client sees.
 *
 * @param shown  by the connection; empty if it is not known
 */
struct bytes tls_seen(const struct tls_certificates *tls, struct bytes shown);

void tls_free(struct tls_certificates *tls);

#endif
