#include "tests/unit/support/keygen2/http_peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct server server;
struct sks_error err;

struct wire {
    int fd;
    SSL *ssl;
};

static ssize_t wire_read(struct wire *wire, char *to, size_t size)
{
    return wire->ssl != NULL ? SSL_read(wire->ssl, to, (int)size) : read(wire->fd, to, size);
}

static void wire_write(struct wire *wire, const char *text)
{
    ssize_t put = wire->ssl != NULL ? SSL_write(wire->ssl, text, (int)strlen(text))
                                    : write(wire->fd, text, strlen(text));

    cr_assert_eq((size_t)put, strlen(text));
}

static size_t body_length(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");

    return field == NULL ? 0 : strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

/* Reads as much of one request as the action wants; false at the end of the connection. */
static bool read_request(struct wire *wire, char action)
{
    size_t len = 0, head, wanted = SIZE_MAX;

    while (len < wanted) {
        ssize_t got = wire_read(wire, server.request + len, REQUEST_MAX - len - 1);
        const char *end;

        if (got <= 0)
            return false;
        len += (size_t)got;
        server.request[len] = '\0';
        if ((end = strstr(server.request, "\r\n\r\n")) == NULL)
            continue;
        if (action == ANSWER_HEAD)
            return true;
        head = (size_t)(end + 4 - server.request);
        wanted = head + body_length(server.request);
        if (action == DROP_IN_BODY && len > head && len < wanted)
            return true;
    }
    server.whole++;
    return true;
}

static void serve_connection(struct wire *wire)
{
    while (*server.script != '\0') {
        char action = *server.script;

        if (!read_request(wire, action))
            return;
        server.script++;
        if (action == ANSWER || action == ANSWER_CLOSE || action == ANSWER_HEAD)
            wire_write(wire, server.answer);
        if (action == SILENCE)
            (void)read_request(wire, action);
        if (action != ANSWER)
            return;
    }
}

static void *serve(void *unused)
{
    (void)unused;
    while (*server.script != '\0') {
        struct wire wire = { .fd = accept(server.listener, NULL, NULL) };

        if (wire.fd < 0)
            break;
        server.connections++;
        if (server.tls != NULL) {
            wire.ssl = SSL_new(server.tls);
            (void)SSL_set_fd(wire.ssl, wire.fd);
        }
        if (wire.ssl == NULL || SSL_accept(wire.ssl) == 1)
            serve_connection(&wire);
        SSL_free(wire.ssl);
        (void)close(wire.fd);
        (void)sem_post(&server.closed);
    }
    return NULL;
}

void run(void)
{
    cr_assert_eq(sem_init(&server.closed, 0, 0), 0);
    cr_assert_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

void start(const char *script, const char *answer)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;

    server.script = script;
    server.answer = answer;
    server.request = calloc(1, REQUEST_MAX);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(server.listener, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(server.listener, 8), 0);
    cr_assert_eq(getsockname(server.listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(server.url, sizeof server.url, "%s://127.0.0.1:%u/x",
                   server.tls == NULL ? "http" : "https", ntohs(address.sin_port));
    run();
}

void stop(void)
{
    (void)shutdown(server.listener, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.listener);
    free(server.request);
}

struct http_client *new_client(struct http_client_config config)
{
    struct http_client *client;

    config.timeout = config.timeout == 0 ? 10 : config.timeout;
    cr_assert_eq(http_client_new(&config, &client, &err), SKS_OK, "%s", err.text);
    return client;
}

enum sks_status post(struct http_client *client, struct bytes body, struct http_exchange *exchange)
{
    return http_client_exchange(client, "POST", server.url, "text/y", NULL, body, exchange, &err);
}

enum sks_status get(struct http_client *client, struct http_exchange *exchange)
{
    return http_client_exchange(client, "GET", server.url, NULL, "text/z", (struct bytes){ 0 },
                                exchange, &err);
}
