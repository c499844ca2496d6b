/*
 * A transparent relay of HTTP: for KeyGen2 between a client and an issuer, for the SKS wire between
 * a middleware and a token. Bodies are handed on as they come; a connection of a client has one of
 * its own to the other side, and a thread. Nothing is rewritten, so an issuer behind it has to be
 * told its address (`sks-issuer serve --public-url`).
 */
#ifndef PROXY_RELAY_RELAY_H
#define PROXY_RELAY_RELAY_H

#include "proxy/attack/watched.h"
#include "proxy/relay/upstream.h"

struct relay;

struct relay_config {
    const char *listen;             /* "HOST:PORT" (port 0: a free one) or "unix:PATH" */
    const char *cert_pem, *key_pem; /* PEM text, for https; NULL: http */
    const char *to;                 /* as in struct upstream_config, with what follows */
    const char *ca_file;
    bool insecure;
    unsigned timeout;      /* seconds for an exchange with the other side */
    const char *record;    /* file of the transcript; NULL: none */
    struct attack *attack; /* what it does to the messages, which are then read whole; NULL: none */
    struct watched_attack *watched; /* where that is looked up for each exchange; NULL: nowhere */
    bool verbose;                   /* a line an exchange in the log */
    unsigned connections;           /* of clients at a time */
};

/**
 * Starts to answer.
 *
 * @param config  kept
 * @param url     out: where it listens; kept by the relay
 */
CHECKED enum sks_status relay_start(const struct relay_config *config, struct relay **relay,
                                    const char **url, struct sks_error *err);

/**
 * Lets what is in flight finish, at most some seconds, and frees. NULL is allowed.
 *
 * @return SKS_ERROR_EXTERNAL if the transcript is not complete
 */
CHECKED enum sks_status relay_stop(struct relay *relay, struct sks_error *err);

#endif
