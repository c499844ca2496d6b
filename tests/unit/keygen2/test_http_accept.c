/* Which request thread gets a connection, and what of those that are too many. */
#include "keygen2/base/http_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 4, EACH = 3, ALL = THREADS * EACH, SOON_MS = 5000, NEVER_MS = 300 };

static struct http_server *server;
static struct sockaddr_in place;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t handler[ALL + 1]; /* of each request */
static unsigned requests;

static void handle(void *ctx, const struct http_request *request, struct http_response *response)
{
    (void)ctx, (void)request;
    (void)pthread_mutex_lock(&lock);
    cr_assert_lt(requests, ALL + 1U);
    handler[requests++] = pthread_self();
    (void)pthread_mutex_unlock(&lock);
    http_answer(response, 200, NULL, bytes_of("here"));
}

static const struct http_route ROUTES[] = { { .method = "GET", .path = "/", .handle = handle } };
static const struct http_config CONFIG = {
    .routes = ROUTES,
    .route_count = NITEMS(ROUTES),
    .body_max = 1000,
    .request_time = 30,
    .threads = THREADS,
    .connections_max = ALL,
};

static void set_up(void)
{
    struct sks_error err = { 0 };
    const char *url;

    http_block_signals();
    cr_assert_eq(http_server_new(&CONFIG, &server, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(http_server_listen(server, "127.0.0.1:0", NULL, NULL, &url, &err), SKS_OK, "%s",
                 err.text);
    place = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10)),
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
}

static void tear_down(void)
{
    http_server_free(server);
}

TestSuite(http_accept, .init = set_up, .fini = tear_down, .timeout = 60);

static int connect_client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (const struct sockaddr *)&place, sizeof place), 0);
    return fd;
}

static void ask(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    cr_assert_eq(write(fd, request, sizeof request - 1), (ssize_t)(sizeof request - 1));
}

static bool is_answered(int fd, int milliseconds)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    char answer[1000] = "";

    return poll(&wait, 1, milliseconds) == 1 && read(fd, answer, sizeof answer - 1) > 0 &&
           strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

static unsigned handled_by(pthread_t thread)
{
    unsigned count = 0;

    for (unsigned i = 0; i < requests; i++)
        count += pthread_equal(handler[i], thread) != 0;
    return count;
}

Test(http_accept, each_thread_gets_as_many)
{
    int client[ALL];

    for (unsigned i = 0; i < ALL; i++)
        client[i] = connect_client(); /* all of them, before any asks */
    for (unsigned i = 0; i < ALL; i++) {
        ask(client[i]);
        cr_assert(is_answered(client[i], SOON_MS));
    }
    cr_assert_eq(requests, ALL);
    for (unsigned i = 0; i < ALL; i++)
        cr_expect_eq(handled_by(handler[i]), EACH);
    for (unsigned i = 0; i < ALL; i++)
        (void)close(client[i]);
}

Test(http_accept, one_too_many_waits_for_room)
{
    int client[ALL], late;

    for (unsigned i = 0; i < ALL; i++) {
        client[i] = connect_client();
        ask(client[i]);
        cr_assert(is_answered(client[i], SOON_MS));
    }
    late = connect_client();
    ask(late);
    cr_expect_not(is_answered(late, NEVER_MS));
    (void)close(client[ALL / 2]);
    cr_expect(is_answered(late, SOON_MS));
    cr_expect_eq(handled_by(handler[ALL]), EACH + 1, "where one went");
    (void)close(late);
    for (unsigned i = 0; i < ALL; i++)
        if (i != ALL / 2)
            (void)close(client[i]);
}

/* The threads' rooms come back, however often. */
Test(http_accept, many_one_after_the_other)
{
    for (unsigned i = 0; i < 50 * ALL; i++) {
        int client = connect_client();

        requests = 0;
        ask(client);
        cr_assert(is_answered(client, SOON_MS));
        (void)close(client);
    }
}
