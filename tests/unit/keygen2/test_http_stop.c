/* The end of the server, while a request thread is at work. */
#include "keygen2/base/http_internal.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOMENT_US = 1000, LATE_US = 300000 };

static struct http_server *server;
static sem_t asked, may_go;
static atomic_uint handled;

static void handle(void *ctx, const struct http_request *request, struct http_response *response)
{
    (void)ctx, (void)request;
    atomic_fetch_add(&handled, 1);
    http_answer(response, 200, NULL, bytes_of("here"));
}

/* As one that waits for the database. */
static bool is_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    (void)ctx, (void)request;
    *subject = 0;
    (void)sem_post(&asked);
    (void)sem_wait(&may_go);
    return true;
}

static const struct http_route ROUTES[] = {
    { .method = "GET", .path = "/", .handle = handle, .slow = is_slow }
};
static const struct http_config CONFIG = {
    .routes = ROUTES,
    .route_count = NITEMS(ROUTES),
    .body_max = 1000,
    .request_time = 30,
    .threads = 1,
};

static int ask(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sks_error err = { 0 };
    const char *url;

    cr_assert_eq(http_server_listen(server, "127.0.0.1:0", NULL, NULL, &url, &err), SKS_OK, "%s",
                 err.text);
    place.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10));
    cr_assert_eq(connect(fd, (const struct sockaddr *)&place, sizeof place), 0);
    cr_assert_eq(write(fd, request, sizeof request - 1), (ssize_t)(sizeof request - 1));
    return fd;
}

/* Lets the request thread go on when the time of the stop is over, and the workers are gone. */
static void *go_on_too_late(void *arg)
{
    while (!atomic_load(&server->late))
        (void)usleep(MOMENT_US);
    (void)usleep(LATE_US);
    (void)sem_post(&may_go);
    return arg;
}

Test(http_stop, what_comes_to_the_workers_after_them_is_not_run, .timeout = 60)
{
    struct sks_error err = { 0 };
    char answer[1000] = "";
    pthread_t late;
    int client;

    (void)sem_init(&asked, 0, 0);
    (void)sem_init(&may_go, 0, 0);
    http_block_signals();
    cr_assert_eq(http_server_new(&CONFIG, &server, &err), SKS_OK, "%s", err.text);
    client = ask();
    (void)sem_wait(&asked);
    cr_assert_eq(pthread_create(&late, NULL, go_on_too_late, NULL), 0);
    http_server_drain(server, 0);
    http_server_free(server);
    (void)pthread_join(late, NULL);
    cr_expect_eq(atomic_load(&handled), 0);
    if (read(client, answer, sizeof answer - 1) > 0) /* else it was closed before */
        cr_expect_eq(strncmp(answer, "HTTP/1.1 503", 12), 0, "%s", answer);
    (void)close(client);
}
