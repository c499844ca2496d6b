/*
 * A small server for the tests of the HTTP client, which misbehaves as told: one thread, a script
 * of what to do with each request, and a count of the requests that arrived whole.
 */
#ifndef TESTS_UNIT_SUPPORT_KEYGEN2_HTTP_PEER_H
#define TESTS_UNIT_SUPPORT_KEYGEN2_HTTP_PEER_H

#include "keygen2/base/http_client.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>

enum { REQUEST_MAX = 2 * 1024 * 1024 };

/* What the server does with a request, one letter each; after the last letter it stops. */
#define ANSWER 'a'       /* and keeps the connection */
#define ANSWER_CLOSE 'c' /* and closes it */
#define DROP 'd'         /* reads it whole, closes without an answer */
#define DROP_IN_BODY 'b' /* closes once some of the body is there */
#define ANSWER_HEAD 'h'  /* answers the head, and closes without any of the body */
#define SILENCE 's'      /* reads it whole, never answers, until the client is gone */

struct server {
    int listener;
    char url[64];
    const char *script, *answer;
    SSL_CTX *tls;
    pthread_t thread;
    unsigned connections, whole; /* requests that arrived whole */
    char *request;               /* the last one */
    sem_t closed;                /* posted for each connection that the server has closed */
};

extern struct server server;
extern struct sks_error err; /* of the last exchange */

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nok"

/** Starts the thread, on a listener that is there. */
void run(void);

/** Listens on a free port of 127.0.0.1, with TLS if `server.tls` is set, and starts the thread. */
void start(const char *script, const char *answer);

/** Ends the server's thread: no more connections. */
void stop(void);

/** @param config  a time-out of 0 is ten seconds here */
struct http_client *new_client(struct http_client_config config);

/** One exchange with the server. */
enum sks_status post(struct http_client *client, struct bytes body, struct http_exchange *exchange);
enum sks_status get(struct http_client *client, struct http_exchange *exchange);

#endif
