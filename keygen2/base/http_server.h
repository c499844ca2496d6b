/*
 * An HTTP server behind a table of routes; knows nothing of SKS.
 *
 * Requests are read whole before a handler sees them: bounded in size (413) and time (closed
 * without an answer). A handler that may take long says so by its route's slow(): the connection
 * is then suspended and a worker thread runs it, so that no request thread ever waits.
 */
#ifndef KEYGEN2_BASE_HTTP_SERVER_H
#define KEYGEN2_BASE_HTTP_SERVER_H

#include "keygen2/base/arena.h"

struct http_request;

enum { HTTP_HEADERS_MAX = 8 };

enum { HTTP_RETRY_SECONDS = 5 }; /* Retry-After of a server that stops */

/* Filled by a handler; starts as 200 with no body. All text must live in the arena or longer. */
struct http_response {
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct buf body;          /* wiped after it was sent */
    struct {
        const char *name, *value;
    } header[HTTP_HEADERS_MAX];
    size_t headers;
    struct arena *arena; /* lives as long as the response */
    /* For the observer: whom the request is about, and why it was refused; NULL: nothing to say. */
    const char *subject, *cause;
};

/* Where a request comes from: an IPv6 address, or an IPv4 one mapped into it; ::1 for a Unix
 * socket. */
struct http_address {
    uint8_t octet[16];
};

typedef void http_handler(void *ctx, const struct http_request *request,
                          struct http_response *response);

struct http_route {
    const char *method;       /* "GET" or "POST"; several rows may share a path */
    const char *path;         /* exact; or a prefix, if it ends in '/' */
    const char *content_type; /* of a POST, without parameters; else 415. NULL: any */
    http_handler *handle;
    /* NULL: never. @param subject  out: requests of one subject are handled one after the other;
     * stays 0 for none */
    bool (*slow)(void *ctx, const struct http_request *request, uint64_t *subject);
};

/* What became of a request, as the observer of a server is told. */
struct http_seen {
    const struct http_route *route; /* NULL: there is none for it */
    unsigned status;                /* 0: no answer was given */
    size_t received, sent;          /* bytes of the two bodies */
    int64_t microseconds;           /* from its head to its answer */
    const char *subject, *cause;    /* of the response; the server's own refusals have a cause */
};

struct http_config {
    const struct http_route *routes;
    size_t route_count;
    void *ctx;             /* handed to the handlers */
    size_t body_max;       /* bytes of a request body */
    unsigned request_time; /* seconds for a request to arrive whole */
    unsigned threads;      /* request threads a listener, at most 16; 0: 2 */
    unsigned workers;      /* threads for slow requests, all listeners together; 0: 64 at most */
    /* False: the request is not handled, the response is as it was set. NULL: all are. */
    bool (*admit)(void *ctx, const struct http_request *request, struct http_response *response);
    /* Local servers (a token): refuse with 403 a request that carries an Origin, or whose Host is
     * neither loopback nor in `hosts`. */
    bool local_only;
    const struct bytes_list *hosts;
    unsigned connections_max;                /* a listener; 0: 1000 */
    const struct http_route *control_routes; /* besides the others, on control listeners alone */
    size_t control_route_count;
    /* Called once for each request whose head came whole, before its answer leaves; by any thread.
     * NULL: nobody looks. */
    void (*observe)(void *ctx, const struct http_request *request, const struct http_seen *seen);
};

struct http_server;

/**
 * Makes a server that does not listen yet.
 *
 * @param config  kept: it and all it points to must outlive the server
 */
CHECKED enum sks_status http_server_new(const struct http_config *config,
                                        struct http_server **server, struct sks_error *err);

/**
 * Adds a listener and starts to answer on it.
 *
 * @param address  "HOST:PORT" (port 0 picks a free one) or "unix:PATH" (made with mode 0600; a
 *                 stale socket at PATH is replaced, a live one is an error)
 * @param cert_pem, key_pem  certificate chain and key, PEM text, for https; NULL for http. All
 *                 https listeners of a process show the same (http_tls.h, which can renew it)
 * @param url      out: "http://HOST:PORT", "https://HOST:PORT" or "unix:PATH" with the real port;
 *                 kept by the server
 */
CHECKED enum sks_status http_server_listen(struct http_server *server, const char *address,
                                           const char *cert_pem, const char *key_pem,
                                           const char **url, struct sks_error *err);

/**
 * As http_server_listen(), without TLS, but this listener has the control routes as well. On all
 * others they are 404.
 */
CHECKED enum sks_status http_server_listen_control(struct http_server *server, const char *address,
                                                   struct sks_error *err);

/**
 * Before a server is freed: goes on answering, until no connection is left. One that is idle is
 * closed after a second, and so is one that sends nothing; what is half sent has three.
 *
 * @param seconds  at most; http_server_free() waits no longer than that for what is in flight
 */
void http_server_drain(struct http_server *server, unsigned seconds);

/** Finishes what is in flight, at most some seconds, closes all and frees. NULL is allowed. */
void http_server_free(struct http_server *server);

/** Path of the request, decoded, without query, e.g. "/kg2/demo". */
const char *http_path(const struct http_request *request);

/** What follows a route's path that ends in '/', e.g. "demo"; "" for an exact route. */
const char *http_path_rest(const struct http_request *request);

/** "GET" or "POST". */
const char *http_method(const struct http_request *request);

/** Value of a query parameter, NULL if absent. */
const char *http_query(const struct http_request *request, const char *name);

/** Value of a request header, NULL if absent. */
const char *http_header(const struct http_request *request, const char *name);

/** Value of a cookie, NULL if absent. */
const char *http_cookie(const struct http_request *request, const char *name);

/** The body, whole. */
struct bytes http_body(const struct http_request *request);

/** The other end of the connection. */
struct http_address http_client_address(const struct http_request *request);

/** URL of the listener that the request came in on, as http_server_listen() gave it. */
const char *http_listener_url(const struct http_request *request);

/** DER of the certificate that this connection's handshake showed; empty over http. Lives as long
 * as the request. */
struct bytes http_shown_certificate(const struct http_request *request);
/**
 * The address that the request came from, without its port; "unix" on a Unix socket.
 *
 * @param text  out: cut at `size` bytes
 */
void http_address(const struct http_request *request, char *text, size_t size);

/** True on an https listener. */
bool http_is_tls(const struct http_request *request);

/** Sets status, content type and a text body. */
void http_answer(struct http_response *response, unsigned status, const char *content_type,
                 struct bytes body);

/** Adds a response header; more than HTTP_HEADERS_MAX are dropped. */
void http_set_header(struct http_response *response, const char *name, const char *value);

/** Blocks SIGTERM and SIGINT in this and all later threads; call first in main(). SIGPIPE and
 * SIGXFSZ are ignored: what they tell of is an error of a write. */
void http_block_signals(void);

/** The next SIGTERM or SIGINT ends the process. */
void http_unblock_signals(void);

/** Waits for SIGTERM or SIGINT; returns its number. */
int http_wait_for_signal(void);

#endif
