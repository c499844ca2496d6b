/*
 * One token, from the side of its callers: a call goes out, its answer comes back. Knows the wire
 * and nothing else, so that every program that talks to a token can use it. Not for two threads.
 */
#ifndef TOKEN_API_TOKEN_LINK_H
#define TOKEN_API_TOKEN_LINK_H

#include "token/api/dialect.h"

#include <signal.h>

struct token_link;

/* What is known of the last call. */
enum call_fate {
    CALL_ANSWERED,   /* the token said what became of it: success, or a status and a text */
    CALL_NOT_MADE,   /* it did not reach the token, or not as a call */
    CALL_UNANSWERED, /* it has left, and nobody knows whether it took effect */
};

/* A call going out, or its answer coming in; for traces. */
struct token_event {
    const struct sks_method *method;
    bool answer;
    struct bytes body;
    enum sks_status status; /* of an answer; its number in the body is the dialect's */
    const char *altered;    /* what was done to it on its way; NULL: nothing */
};

/* How a body travels: HTTP in the programs, recorded bytes in tests. */
struct token_transport {
    void *ctx;
    /* Appends the answer's body. *fate says what is known if there is none. */
    enum sks_status (*exchange)(void *ctx, struct bytes request, struct buf *answer,
                                enum call_fate *fate, struct sks_error *err);
    void (*set_timeout)(void *ctx, unsigned seconds); /* NULL: it has none */
    void (*set_path)(void *ctx, const char *path);    /* NULL: it has none */
    void (*close)(void *ctx);                         /* NULL: nothing to close */
};

struct token_link_config {
    const struct sks_dialect *dialect; /* NULL: SKS_DIALECT_107 */
    const char *path;                  /* behind the URL; NULL: the dialect's */
    unsigned timeout;                  /* seconds for one call; 0: 120 */
    const volatile sig_atomic_t *stop; /* not 0: give up the call; NULL: never */
    void (*watch)(void *ctx, const struct token_event *event); /* NULL: nobody watches */
    void *watch_ctx;
    /* Alters a body on its way, for tests of the ends: NULL: nobody does. *altered tells what was
     * done, if anything. A failure stands for a body that does not go on. */
    enum sks_status (*alter)(void *ctx, const struct sks_method *method, bool answer,
                             struct buf *body, const char **altered, struct sks_error *err);
    void *alter_ctx;
};

/**
 * Makes a link; nothing is sent yet.
 *
 * @param url     "http://HOST:PORT" or "unix:PATH"
 * @param config  copied
 * @param link    out: free with token_link_close()
 * @return SKS_ERROR_OPTION if the URL is neither
 */
CHECKED enum sks_status token_link_open(const char *url, const struct token_link_config *config,
                                        struct token_link **link, struct sks_error *err);

/**
 * The way over HTTP alone, for those who have bodies of their own.
 *
 * @param config     path, dialect, timeout and stop count
 * @param transport  out: end it with its close()
 * @return as token_link_open()
 */
CHECKED enum sks_status token_transport_open(const char *url,
                                             const struct token_link_config *config,
                                             struct token_transport *transport,
                                             struct sks_error *err);

/** As token_link_open(), over a transport of the caller's, which the link closes. */
CHECKED enum sks_status token_link_open_over(const struct token_transport *transport,
                                             const struct token_link_config *config,
                                             struct token_link **link, struct sks_error *err);

/**
 * Makes one call. It is never sent twice.
 *
 * @param method  a row of SKS_METHODS
 * @param in      inputs; NULL for a method without
 * @param out     out: outputs, which point into the arena; NULL if nobody wants them
 * @param err     the token's ErrorString, or what went wrong on the way
 * @return the token's status, or SKS_ERROR_EXTERNAL or SKS_ERROR_USER_ABORT for a call without
 *         an answer: token_link_fate() tells them apart
 */
CHECKED enum sks_status token_call(struct token_link *link, enum method_id method,
                                   const union sks_in *in, union sks_out *out, struct arena *arena,
                                   struct sks_error *err);

/** As token_call(), of a row that need not be one of SKS_METHODS. */
CHECKED enum sks_status token_call_row(struct token_link *link, const struct sks_method *row,
                                       const union sks_in *in, union sks_out *out,
                                       struct arena *arena, struct sks_error *err);

/** What is known of the last token_call(). */
enum call_fate token_link_fate(const struct token_link *link);

/** Makes the next calls in another dialect, at its own path; handles serve in both. */
void token_link_set_dialect(struct token_link *link, const struct sks_dialect *dialect);

/** Changes the seconds for one call. */
void token_link_set_timeout(struct token_link *link, unsigned seconds);

/** NULL is allowed. */
void token_link_close(struct token_link *link);

#endif
