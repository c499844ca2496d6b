/* A user call that is encoded once and made many times, in-process or over the wire. */
#ifndef TESTS_BENCH_PREPARED_H
#define TESTS_BENCH_PREPARED_H

#include "tests/bench/server.h"
#include "token/api/calls.h"
#include "token/token.h"

#define SKS_ALGORITHM "https://webpki.github.io/sks/algorithm#"
#define XMLDSIG_MORE "http://www.w3.org/2001/04/xmldsig-more#"

/* Where calls go: one of the two. */
struct place {
    struct token *token;
    struct server *server;
};

struct prepared {
    struct place place;
    struct buf request;
    const uint32_t *handle; /* the keys, in turns */
    unsigned handles;
};

/** A call of a user method; set handle and handles, free the request with buf_free(). */
struct prepared prepare(const struct place *place, enum method_id id, const char *algorithm,
                        const char *pin, struct bytes data);

/** Makes the call on one of the keys; ends the program unless it succeeds. @param ctx prepared */
void run_prepared(void *ctx, unsigned number);

#endif
