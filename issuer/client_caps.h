/*
 * What one address, and all together, may have of the issuer. Kept in memory and bounded; every
 * call takes a time that does not depend on how many clients there are.
 *
 * An IPv6 client counts by its network of 64 bits. Loopback addresses have no limits of their own
 * unless they were asked for: a balancer or a relay on the same machine comes from there. Where the
 * caps are NULL there are none.
 */
#ifndef ISSUER_CLIENT_CAPS_H
#define ISSUER_CLIENT_CAPS_H

#include "keygen2/base/http_server.h"

enum {
    CAPS_SESSIONS_DEFAULT = 10000,
    CAPS_ADDRESS_SESSIONS_DEFAULT = 200,
    CAPS_ADDRESS_REQUESTS_DEFAULT = 50, /* a second */
    CAPS_SESSIONS_MAX = 1000000,
    CAPS_REQUESTS_MAX = 1000000,
    CAPS_ADDRESS_TEXT = 48,
};

/* 0 in each: the default. */
struct client_limits {
    uint32_t sessions;         /* open, in all */
    uint32_t address_sessions; /* open, begun by one address */
    uint32_t address_requests; /* of one address, a second; twice as many at once */
};

enum caps_answer { CAPS_GRANTED, CAPS_FULL, CAPS_ADDRESS_FULL };

struct client_caps;

/** NULL without memory. */
struct client_caps *client_caps_new(const struct client_limits *limits);

/** NULL is allowed. */
void client_caps_free(struct client_caps *caps);

/** Counts a request; false if its address made too many. */
bool client_caps_request(struct client_caps *caps, const struct http_address *from);

/** Counts a try of a code; false if the address was wrong too often just now. */
bool client_caps_guess(struct client_caps *caps, const struct http_address *from);

/** The code was right: that try does not count. */
void client_caps_right(struct client_caps *caps, const struct http_address *from);

/** Seconds until one who has guessed too often may try again. */
enum { CAPS_GUESS_SECONDS = 30 };

/**
 * Counts a session that begins.
 *
 * @param from     NULL: nobody knows, as after a restart; it counts in all only
 * @param cookie   SHA-256 of its cookie
 * @param expires  seconds since 1970: then it counts no more
 */
enum caps_answer client_caps_open(struct client_caps *caps, const struct http_address *from,
                                  struct bytes cookie, int64_t expires);

/** Counts it no more. One that is not counted is no error. */
void client_caps_close(struct client_caps *caps, struct bytes cookie);

/** The address as people write it. */
void http_address_text(const struct http_address *address, char text[CAPS_ADDRESS_TEXT]);

#endif
