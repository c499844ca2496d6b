#include "tests/bench/server.h"
#include "keygen2/base/http_client.h"
#include "tests/bench/child.h"
#include "tests/plain/support/own_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    char address[STORE_FOLDER_MAX + 16]; /* unix:PATH */
    struct child *child;
    struct http_client *client;
};

static const char *path_of_socket(const struct server *s)
{
    return s->address + sizeof "unix:" - 1;
}

struct server *server_start(const char *folder)
{
    struct http_client_config config = { .never_twice = true };
    struct server *s = calloc(1, sizeof *s);
    char ready[256];

    must(s != NULL, "memory");
    (void)snprintf(s->address, sizeof s->address, "unix:%s/bench.sock", folder);
    s->child = child_start(
        "sks-token",
        (const char *const[]){ "serve", "--store", folder, "--listen", s->address, NULL }, ready,
        sizeof ready);
    config.unix_socket = path_of_socket(s);
    must(http_client_new(&config, &s->client, NULL) == SKS_OK, "HTTP client");
    return s;
}

void server_exchange(struct server *server, struct bytes request, struct buf *answer)
{
    struct http_exchange exchange = { 0 };

    must(http_client_exchange(server->client, "POST", "http://localhost/sks",
                              "application/octet-stream", NULL, request, &exchange,
                              NULL) == SKS_OK &&
             exchange.status == 200,
         "exchange");
    put_raw(answer, buf_bytes(&exchange.body));
    http_exchange_free(&exchange);
}

void server_stop(struct server *server)
{
    http_client_free(server->client);
    child_stop(server->child);
    (void)unlink(path_of_socket(server));
    free(server);
}
