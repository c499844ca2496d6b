/* What the parts of the HTTP server share: the server, its listeners, its life (http_server.c), who
 * gets a connection (http_accept.c), one request on its way (http_request.c), its route
 * (http_route.c), and what handlers see of it (http_view.c). Nobody else includes this. */
#ifndef KEYGEN2_BASE_HTTP_INTERNAL_H
#define KEYGEN2_BASE_HTTP_INTERNAL_H

#include "keygen2/base/arena.h"
#include "keygen2/base/http_guard.h"
#include "keygen2/base/http_server.h"
#include "keygen2/base/workers.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { LISTENERS_MAX = 4, THREADS_MAX = 16, URL_SIZE = 512 };

/* A daemon of libmicrohttpd with one thread. */
struct request_thread {
    struct MHD_Daemon *daemon;
    atomic_uint connections;
};

struct listener {
    struct http_server *server;
    struct request_thread thread[THREADS_MAX];
    unsigned threads, connections_max; /* the second: of each */
    unsigned turn;                     /* of the one to get the next connection */
    int fd, stop;                      /* the socket; it is readable when to stop */
    pthread_t acceptor;
    bool accepts;
    bool tls;
    bool control; /* it has the control routes */
    char url[URL_SIZE];
};

struct http_server {
    const struct http_config *config;
    struct http_guard *guard;
    struct workers *workers;
    pthread_mutex_t lock;
    pthread_cond_t less;
    unsigned in_flight; /* requests that are here whole and not yet answered */
    bool stopping;
    struct timespec until; /* the stop is to be over then; 0: it has not begun */
    atomic_bool late;      /* to stop: what still waits for a worker is refused */
    struct listener listener[LISTENERS_MAX];
    size_t listeners;
};

struct http_request {
    struct work work; /* first: a worker gets the request by it */
    struct listener *listener;
    struct MHD_Connection *connection;
    const struct http_route *route;
    const char *method, *path, *rest;
    struct buf body;
    size_t dropped;  /* bytes of a body that nobody will read */
    unsigned refuse; /* status to answer whatever the body is, 0: none */
    bool in_flight, handled, answered;
    bool told; /* that its body is too large, before its end: what still comes is dropped */
    bool seen; /* by the observer */
    int64_t began;
    struct arena arena;
    struct http_response response;
};

/** Starts the thread that accepts connections for the daemons of a listener. */
bool http_accept_start(struct listener *l);

/** Stops it, and listening. Connections go on. */
void http_accept_stop(struct listener *l);

/** A connection is gone: its thread has room for another. */
void http_accept_closed(struct listener *l, const struct MHD_Daemon *daemon);

/* Callbacks of libmicrohttpd; `cls` is the listener, but the guard for the connection's. */
void *http_request_begins(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_request_arrives(void *cls, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version,
                                     const char *upload_data, size_t *upload_data_size,
                                     void **con_cls);
void http_request_ends(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how);

/** Sets the route of a request. @return 0, or the status that says why it has none */
unsigned http_find_route(struct http_request *request);

/** For the header Allow. */
const char *http_allowed_methods(const struct http_request *request);

#endif
