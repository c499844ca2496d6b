/* What the relay's life (relay.c) and one exchange (exchange.c) share. Nobody else includes this.
 */
#ifndef PROXY_RELAY_RELAY_INTERNAL_H
#define PROXY_RELAY_RELAY_INTERNAL_H

#include "keygen2/base/http_guard.h"
#include "proxy/message.h"
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

enum { EXCHANGE_FIELDS_MAX = 64 };

/* One direction. The body is kept for the transcript, the log and an attack. */
struct passage {
    struct buf body;
    uint64_t size; /* all of it */
    struct message message;
    char altered[300]; /* what an attack did to it */
    bool told;         /* to transcript and log */
};

/* A request and its answer. */
struct exchange {
    struct relay_connection *connection;
    uint32_t number;
    const char *method;
    struct http_field field[EXCHANGE_FIELDS_MAX]; /* of the request, in the connection's memory */
    size_t fields;
    bool counted, sending, answered;
    int64_t began;
    struct attack *attack;     /* on both messages; NULL: none */
    struct upstream_head head; /* of the answer */
    struct passage request, answer;
    struct sks_error err; /* status: SKS_OK while it goes well */
};

/** Value of a header; NULL if there is none of that name. */
const char *exchange_field(const struct http_field *field, size_t fields, const char *name);

/** Adds a piece to what is kept of a body. */
void exchange_keep(struct exchange *x, struct passage *passage, struct bytes piece);

/** A message has come whole: tells transcript and log, once. Before its last piece goes on. */
void exchange_tell(struct exchange *x, bool answer);

/** Begins the request to the other side. */
CHECKED enum sks_status exchange_send(struct exchange *x, int64_t length);

/** Queues the response and lets it go. NULL: MHD_NO. */
enum MHD_Result exchange_respond(struct MHD_Connection *mhd, unsigned status,
                                 struct MHD_Response *response);

/**
 * The request is not known to the other side, or that says nothing about it: the client is told so,
 * or sees its connection closed, as it would have without a relay.
 */
enum MHD_Result exchange_give_up(struct exchange *x, struct MHD_Connection *mhd,
                                 enum sks_status rc);

/** The rest of an exchange whose request is here whole, with an attack on both messages. */
enum MHD_Result exchange_attacked(struct exchange *x, struct MHD_Connection *mhd);

/* Callbacks of libmicrohttpd; `cls` is the relay. */
void *exchange_begins(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_arrives(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload_data,
                                 size_t *upload_data_size, void **con_cls);
void exchange_ends(void *cls, struct MHD_Connection *connection, void **con_cls,
                   enum MHD_RequestTerminationCode how);

#endif
