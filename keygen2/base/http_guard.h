/*
 * Deadlines of connections. libmicrohttpd's own timeout starts anew with every byte, so somebody
 * who sends one byte now and then could hold a connection for ever; here a request has an absolute
 * time to arrive whole, and one that does not is cut off.
 */
#ifndef KEYGEN2_BASE_HTTP_GUARD_H
#define KEYGEN2_BASE_HTTP_GUARD_H

#include "keygen2/base/status.h"

#include <stddef.h>

struct http_guard;
struct http_guarded; /* one connection */

/**
 * Starts the watching thread; NULL if that fails.
 *
 * @param seconds  for a request to arrive
 * @param crowd    with more connections than that, who sends nothing or is slow has little time
 */
struct http_guard *http_guard_new(unsigned seconds, size_t crowd);

/** Stops and frees; all connections must be gone. NULL is allowed. */
void http_guard_free(struct http_guard *guard);

/** From now on idle connections are cut after a second, and those that have sent nothing; a request
 * that arrives has three seconds for it. Returns how many connections there are. */
size_t http_guard_drain(struct http_guard *guard);

/** A connection was opened: its first request must arrive in time. NULL without memory. */
struct http_guarded *http_guard_open(struct http_guard *guard, int fd);

/** The connection is closed now. NULL is allowed, here and below. */
void http_guard_close(struct http_guard *guard, struct http_guarded *connection);

/** A request began to arrive. */
void http_guard_begin(struct http_guard *guard, struct http_guarded *connection);

/** The request is here, or its answer is on its way: no deadline of ours. */
void http_guard_rest(struct http_guard *guard, struct http_guarded *connection);

/** The answer is out: the connection may wait idle for a while. */
void http_guard_idle(struct http_guard *guard, struct http_guarded *connection);

#endif
