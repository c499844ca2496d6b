/* The head of a relayed request, as libcurl is to send it: what the client sent, and nothing else.
 */
#ifndef PROXY_RELAY_REQUEST_HEAD_H
#define PROXY_RELAY_REQUEST_HEAD_H

#include "proxy/relay/upstream.h"

#include <curl/curl.h>

struct request_head {
    const char *to; /* of struct upstream_config */
    const char *method, *target;
    const struct http_field *field;
    size_t fields;
    int64_t length; /* as in upstream_begin() */
};

/** True for a header of one connection, which no relay hands on (RFC 9110, 7.6.1). */
bool http_field_is_local(const char *name);

/**
 * Sets URL, method and headers.
 *
 * @param lines  out: to be freed when the exchange is over
 * @return false for a target that is none, or without memory
 */
bool request_head_set(const struct request_head *head, CURL *curl, struct curl_slist **lines);

#endif
