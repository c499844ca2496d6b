/* One line of the log, and one count, for each request. */
#ifndef ISSUER_REQUEST_LOG_H
#define ISSUER_REQUEST_LOG_H

#include "keygen2/base/http_server.h"

/**
 * The observer of the issuer's server. Neither cookies nor bodies nor values of queries are in the
 * line.
 *
 * @param issuer  struct issuer
 */
void request_seen(void *issuer, const struct http_request *request, const struct http_seen *seen);

#endif
