/*
 * The far side of a relayed connection: libcurl, fed and read piece by piece, so that nothing waits
 * for a body's end. One exchange at a time; its connection is kept for the next.
 */
#ifndef PROXY_RELAY_UPSTREAM_H
#define PROXY_RELAY_UPSTREAM_H

#include "keygen2/base/bytes.h"

#include <stdatomic.h>

struct upstream;

struct upstream_config {
    const char *to;      /* "http(s)://HOST:PORT[/PREFIX]" or "unix:PATH" */
    const char *ca_file; /* PEM; NULL: the system's */
    bool insecure;
    unsigned timeout;        /* seconds for an exchange */
    const atomic_bool *stop; /* true: give up */
};

struct http_field {
    char *name, *value;
};

/* What is known of an answer before its body. Valid until the next upstream_begin(). */
struct upstream_head {
    unsigned status;
    const struct http_field *field; /* all but those of the connection itself */
    size_t fields;
    int64_t length; /* of the body; -1: its end tells */
};

enum { UPSTREAM_LENGTH_UNKNOWN = -1 };

/** True if `to` is an address of the kinds above. */
bool upstream_address_is(const char *to);

/** @param config  kept */
CHECKED enum sks_status upstream_new(const struct upstream_config *config,
                                     struct upstream **upstream, struct sks_error *err);

/**
 * Begins a request.
 *
 * @param target  path and query as the client sent them, beginning with '/'
 * @param field   end-to-end headers; Host is upstream's own
 * @param length  bytes of the body; 0: none, UPSTREAM_LENGTH_UNKNOWN: chunked
 */
CHECKED enum sks_status upstream_begin(struct upstream *upstream, const char *method,
                                       const char *target, const struct http_field *field,
                                       size_t fields, int64_t length, struct sks_error *err);

/** Sends a piece of the body; returns when it is taken, or nobody will take it any more. */
void upstream_send(struct upstream *upstream, struct bytes piece);

/** The request is complete: waits for the head of its answer. */
CHECKED enum sks_status upstream_finish(struct upstream *upstream, struct upstream_head *head,
                                        struct sks_error *err);

/** After a failure: something of the request has left, so the other end may have acted on it. */
bool upstream_has_sent(const struct upstream *upstream);

/**
 * Reads on in the body of the answer.
 *
 * @return bytes put there; 0 at the end; -1 if it ended too early
 */
int64_t upstream_read(struct upstream *upstream, void *to, size_t size);

/** Lets the exchange go, finished or not. */
void upstream_end(struct upstream *upstream);

/** NULL is allowed. */
void upstream_free(struct upstream *upstream);

#endif
