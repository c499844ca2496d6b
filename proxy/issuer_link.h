/* The issuer over HTTP: messages out and in, and what its redirects mean. rig, "KeyGen2 over HTTP".
 */
#ifndef PROXY_ISSUER_LINK_H
#define PROXY_ISSUER_LINK_H

#include "keygen2/base/arena.h"
#include "keygen2/base/http_client.h"

#include <signal.h>

struct issuer_link;

/* How requests travel: HTTP in the program, recorded answers in tests. As http_client_exchange().
 */
struct issuer_transport {
    void *ctx;
    enum sks_status (*exchange)(void *ctx, const char *method, const char *url,
                                const char *content_type, const char *accept, struct bytes body,
                                struct http_exchange *exchange, struct sks_error *err);
    enum sks_status (*cookies)(void *ctx, struct buf *lines);      /* NULL: it keeps none */
    enum sks_status (*add_cookies)(void *ctx, struct bytes lines); /* as cookies */
    void (*set_timeout)(void *ctx, unsigned seconds);              /* NULL: it has none */
    void (*close)(void *ctx);                                      /* NULL: nothing to close */
};

struct issuer_link_config {
    const char *ca_file; /* PEM; NULL: the system's */
    bool insecure;
    unsigned timeout; /* seconds for one exchange; 0: 120 */
    const volatile sig_atomic_t *stop;
};

enum reply_kind {
    REPLY_NONE,     /* no whole answer, or one that means nothing here */
    REPLY_MESSAGE,  /* 200: the next request is in `message` */
    REPLY_DONE,     /* 302 to /done: it counts the session as succeeded */
    REPLY_FAILED,   /* 302 to /failed */
    REPLY_PENDING,  /* 302 to /pending: it has not decided yet */
    REPLY_AWAY,     /* 302 to anywhere else */
    REPLY_REJECTED, /* 4xx: it did not take the message */
};

/* Free with issuer_reply_free(). */
struct issuer_reply {
    enum reply_kind kind;
    unsigned status; /* HTTP; 0: no answer */
    struct buf message;
    char location[2048]; /* of a redirect, absolute; "" if it leads to another server */
    char text[200];      /* what it says of a refusal, or where such a redirect leads; cleaned */
};

/* What a page of the issuer's says about a session. Slices point into the arena; never NULL. */
struct issuer_verdict {
    struct bytes verdict, cause;
    size_t size; /* of the page */
};

/**
 * Makes a link; nothing is sent yet.
 *
 * @param url  main URL, "http(s)://HOST[:PORT]/PATH" without query: the issuerUri, byte for byte
 * @param link out: free with issuer_link_close()
 * @return SKS_ERROR_OPTION if it is no such URL
 */
CHECKED enum sks_status issuer_link_open(const char *url, const struct issuer_link_config *config,
                                         struct issuer_link **link, struct sks_error *err);

/** As issuer_link_open(), over a transport of the caller's, which the link closes. */
CHECKED enum sks_status issuer_link_open_over(const char *url,
                                              const struct issuer_transport *transport,
                                              struct issuer_link **link, struct sks_error *err);

/** The main URL. */
const char *issuer_link_url(const struct issuer_link *link);

/** DER of the TLS certificate of the first exchange, empty over http. */
struct bytes issuer_link_certificate(const struct issuer_link *link);

/** Appends the cookies of the issuer, for issuer_link_add_cookies(). */
CHECKED enum sks_status issuer_link_cookies(const struct issuer_link *link, struct buf *lines);

/** Takes cookies that another link had. @param lines  of issuer_link_cookies() */
CHECKED enum sks_status issuer_link_add_cookies(const struct issuer_link *link, struct bytes lines);

/**
 * Takes one cookie that a person knows.
 *
 * @param cookie  "NAME=VALUE"
 * @return SKS_ERROR_OPTION if it is none
 */
CHECKED enum sks_status issuer_link_add_cookie(const struct issuer_link *link, const char *cookie,
                                               struct sks_error *err);

/**
 * GET with a query, or POST of a message.
 *
 * @param query    "init=true", "abort=true", up to 200 characters; NULL: POST the message
 * @param message  of a POST
 * @param reply    out: starts as {0}
 * @return SKS_OK for any answer; SKS_ERROR_EXTERNAL or SKS_ERROR_USER_ABORT if there was none;
 *         SKS_ERROR_NOT_ALLOWED if the server now shows another TLS certificate
 */
CHECKED enum sks_status issuer_link_exchange(struct issuer_link *link, const char *query,
                                             struct bytes message, struct issuer_reply *reply,
                                             struct sks_error *err);

/**
 * Reads the page that a redirect points to.
 *
 * @param session_id  the page must be about this session; empty: any
 * @return SKS_ERROR_EXTERNAL if there is no such page; as issuer_link_exchange() otherwise
 */
CHECKED enum sks_status issuer_link_verdict(struct issuer_link *link, const char *location,
                                            struct bytes session_id, struct issuer_verdict *verdict,
                                            struct arena *arena, struct sks_error *err);

/** Changes the seconds for one exchange. */
void issuer_link_set_timeout(struct issuer_link *link, unsigned seconds);

/** Takes any content type, and any TLS certificate after the first. */
void issuer_link_set_blind(struct issuer_link *link, bool blind);

void issuer_reply_free(struct issuer_reply *reply);

/** NULL is allowed. */
void issuer_link_close(struct issuer_link *link);

#endif
