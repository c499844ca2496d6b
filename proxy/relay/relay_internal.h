/* What the relay's life (relay.c) and one exchange (exchange.c) share. Nobody else includes this.
 */
#ifndef PROXY_RELAY_RELAY_INTERNAL_H
#define PROXY_RELAY_RELAY_INTERNAL_H

#include "keygen2/base/http_guard.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/transcript.h"

#include <microhttpd.h>
#include <pthread.h>

struct relay {
    const struct relay_config *config;
    struct upstream_config upstream;
    struct MHD_Daemon *daemon;
    struct http_guard *guard;
    struct recorder *recorder;
    char url[512];
    atomic_bool stop; /* gives up what is in flight */
    atomic_uint_fast32_t connections, exchanges;
    pthread_mutex_t lock;
    pthread_cond_t less;
    unsigned in_flight;
    bool stopping; /* takes no new exchange */
};

/* A client's connection; one thread works for it. */
struct relay_connection {
    struct relay *relay;
    struct http_guarded *guarded;
    struct upstream *upstream; /* made for the first request */
    uint32_t number;
    char *target; /* of the request that is here: path and query as sent */
};

/* Callbacks of libmicrohttpd; `cls` is the relay. */
void *exchange_begins(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_arrives(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload_data,
                                 size_t *upload_data_size, void **con_cls);
void exchange_ends(void *cls, struct MHD_Connection *connection, void **con_cls,
                   enum MHD_RequestTerminationCode how);

#endif
