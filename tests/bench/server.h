/* A sks-token that serves a store, and the way to it through a Unix socket. */
#ifndef TESTS_BENCH_SERVER_H
#define TESTS_BENCH_SERVER_H

#include "keygen2/base/bytes.h"

struct server;

/** Starts $SKS_BUILD/sks-token (default build/) and waits until it answers; ends the program if it
 * does not. The master key is the environment's. */
struct server *server_start(const char *folder);

/** One call: the body goes, the answer's body is appended. */
void server_exchange(struct server *server, struct bytes request, struct buf *answer);

void server_stop(struct server *server);

#endif
