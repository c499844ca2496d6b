/* The HTTP client against a small server that misbehaves as told. */
#include "tests/unit/support/keygen2/http_peer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- what goes out and comes back ---- */

Test(http_client, one_exchange)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    cr_assert_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    start("aa", "HTTP/1.1 302 Found\r\nContent-Type: text/x; charset=u\r\nLocation: /there\r\n"
                "Set-Cookie: a=b; Path=/; HttpOnly\r\nContent-Length: 3\r\n\r\nyes");
    client = new_client((struct http_client_config){ 0 });
    cr_assert_eq(post(client, bytes_of("hello"), &exchange), SKS_OK, "%s", err.text);
    cr_assert_eq(exchange.status, 302);
    cr_assert(exchange.sent);
    cr_assert_str_eq(exchange.content_type, "text/x; charset=u");
    cr_assert_str_eq(exchange.location, "/there");
    cr_assert(bytes_equal(buf_bytes(&exchange.body), bytes_of("yes")));
    cr_assert_eq(exchange.leaf.len, 0);
    cr_assert_not_null(strstr(server.request, "POST /x HTTP/1.1\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\nContent-Type: text/y\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\n\r\nhello"));
    cr_assert_null(strcasestr(server.request, "\r\nExpect:"));
    cr_assert_null(strcasestr(server.request, "\r\nCookie:"));
    cr_assert_eq(get(client, &exchange), SKS_OK);
    cr_assert_not_null(strstr(server.request, "GET /x HTTP/1.1\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\nCookie: a=b\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\nAccept: text/z\r\n"));
    cr_assert_null(strcasestr(server.request, "\r\nContent-"));
    cr_assert_eq(server.connections, 1);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

/* Nothing is there that could be lost with the connection. */
Test(http_client, the_answer_may_be_asked_for_in_front_of_the_body)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    start("h", "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
               "Content-Length: 0\r\n\r\n");
    client = new_client((struct http_client_config){ .ask_first = true });
    cr_assert_eq(post(client, bytes_of("hello"), &exchange), SKS_OK, "%s", err.text);
    cr_assert_eq(exchange.status, 413);
    cr_assert_not_null(strstr(server.request, "\r\nExpect: 100-continue\r\n"));
    cr_assert_null(strstr(server.request, "hello"));
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

Test(http_client, by_hand)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    start("aaa", "HTTP/1.1 405 No\r\nAllow: GET\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    client = new_client((struct http_client_config){ .bare = true, .keep_head = true });
    http_client_set_cookie(client, "c=d");
    cr_assert_eq(http_client_exchange(client, "PUT", server.url, "text/y", NULL, bytes_of("hello"),
                                      &exchange, &err),
                 SKS_OK, "%s", err.text);
    cr_assert(bytes_equal(buf_bytes(&exchange.head),
                          bytes_of("HTTP/1.1 405 No\r\nAllow: GET\r\nSet-Cookie: a=b\r\n"
                                   "Content-Length: 0\r\n\r\n")));
    cr_assert_not_null(strstr(server.request, "PUT /x HTTP/1.1\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\nCookie: c=d\r\n"));
    cr_assert_not_null(strstr(server.request, "\r\n\r\nhello"));
    cr_assert_eq(http_client_exchange(client, "DELETE", server.url, NULL, NULL, bytes_of(""),
                                      &exchange, &err),
                 SKS_OK);
    cr_assert_not_null(strstr(server.request, "DELETE /x HTTP/1.1\r\n"));
    http_client_set_cookie(client, NULL);
    cr_assert_eq(get(client, &exchange), SKS_OK);
    cr_assert_not_null(strstr(server.request, "GET /x HTTP/1.1\r\n"), "no method of before");
    cr_assert_null(strcasestr(server.request, "\r\nCookie:"));
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

Test(http_client, one_url_after_the_other)
{
    static const char *const PATHS[] = { "", "?q=1", "", "", "/a%20b", "/../z" };
    static const char *const SEEN[] = { "/x", "/x?q=1", "/x", "/x", "/x/a%20b", "/z" };
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    char url[100], line[100];

    start("aaaaaa", OK_ANSWER);
    client = new_client((struct http_client_config){ 0 });
    for (size_t i = 0; i < NITEMS(PATHS); i++) {
        cr_expect_eq(http_client_exchange(client, "GET", "http://", NULL, NULL, bytes_of(""),
                                          &exchange, &err),
                     SKS_ERROR_EXTERNAL);
        cr_expect_not_null(strstr(err.text, "http://: "), "%s", err.text);
        (void)snprintf(url, sizeof url, "%s%s", server.url, PATHS[i]);
        (void)snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", SEEN[i]);
        cr_assert_eq(
            http_client_exchange(client, "GET", url, NULL, NULL, bytes_of(""), &exchange, &err),
            SKS_OK, "%s", err.text);
        cr_expect(strncmp(server.request, line, strlen(line)) == 0, "%s", server.request);
    }
    cr_expect_eq(server.connections, 1);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

/* A text without "http://" is an address of its own, and no place at the server before. */
Test(http_client, no_url_is_part_of_the_last_one)
{
    static const char *const OTHERS[] = { "127.0.0.1:1/x", "/x", "127.0.0.1:1" };
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    start("aaaa", OK_ANSWER);
    client = new_client((struct http_client_config){ 0 });
    for (size_t i = 0; i < NITEMS(OTHERS); i++) {
        cr_assert_eq(http_client_exchange(client, "GET", server.url, NULL, NULL, bytes_of(""),
                                          &exchange, &err),
                     SKS_OK, "%s", err.text);
        cr_expect_eq(http_client_exchange(client, "GET", OTHERS[i], NULL, NULL, bytes_of(""),
                                          &exchange, &err),
                     SKS_ERROR_EXTERNAL, "%s is asked of %s", OTHERS[i], server.url);
        cr_expect_eq(server.whole, i + 1);
    }
    cr_expect_eq(
        http_client_exchange(client, "GET", server.url, NULL, NULL, bytes_of(""), &exchange, &err),
        SKS_OK);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

Test(http_client, an_answer_is_bounded)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    start("cc", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789");
    client = new_client((struct http_client_config){ .body_max = 8 });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert_not_null(strstr(err.text, "too large"));
    cr_assert(exchange.sent);
    http_client_free(client);
    client = new_client((struct http_client_config){ .body_max = 9 });
    cr_assert_eq(get(client, &exchange), SKS_OK);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
}

Test(http_client, other_protocols_are_not_spoken)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client = new_client((struct http_client_config){ 0 });

    cr_assert_eq(http_client_exchange(client, "GET", "file:///etc/hosts", NULL, NULL,
                                      (struct bytes){ 0 }, &exchange, &err),
                 SKS_ERROR_EXTERNAL);
    cr_assert(!exchange.sent);
    cr_assert_eq(http_client_exchange(client, "GET", "http://127.0.0.1:1/", NULL, NULL,
                                      (struct bytes){ 0 }, &exchange, &err),
                 SKS_ERROR_EXTERNAL);
    cr_assert(!exchange.sent, "no connection, nothing sent");
    http_client_free(client);
}

Test(http_client, over_a_unix_socket)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    char folder[] = "/tmp/sks-http-XXXXXX";

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    server.script = "a";
    server.answer = OK_ANSWER;
    server.request = calloc(1, REQUEST_MAX);
    server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(server.listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(server.listener, 8), 0);
    (void)snprintf(server.url, sizeof server.url, "http://localhost/x");
    run();
    client = new_client((struct http_client_config){ .unix_socket = address.sun_path });
    cr_assert_eq(post(client, bytes_of("x"), &exchange), SKS_OK, "%s", err.text);
    cr_assert_eq(exchange.status, 200);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
}

/* ---- a kept connection that died ---- */

struct broken {
    const char *script;
    size_t body;
    bool never_twice;
    enum sks_status second; /* outcome of the second request */
    unsigned whole;         /* requests that the server got whole, in all */
};

static void check_broken(struct broken broken)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    uint8_t *body = calloc(1, broken.body);
    enum sks_status rc;

    memset(&server, 0, sizeof server);
    start(broken.script, OK_ANSWER);
    client = new_client((struct http_client_config){ .never_twice = broken.never_twice });
    cr_assert_eq(post(client, bytes_of("first"), &exchange), SKS_OK, "%s", err.text);
    if (*broken.script == ANSWER_CLOSE)
        (void)sem_wait(&server.closed); /* a request on its way before the end is another story */
    rc = post(client, bytes_at(body, broken.body), &exchange);
    cr_expect_eq(rc, broken.second, "%s: %d %s", broken.script, rc, err.text);
    cr_expect(exchange.sent);
    http_exchange_free(&exchange);
    http_client_free(client);
    stop();
    cr_expect_eq(server.whole, broken.whole, "%s: %u whole requests", broken.script, server.whole);
    free(body);
}

/* The control: this is what libcurl does on its own, and what these servers would notice. */
Test(http_client, a_request_may_be_sent_again_unless_told)
{
    check_broken((struct broken){ "ada", 6, false, SKS_OK, 3 });
    check_broken((struct broken){ "ada", 100000, false, SKS_OK, 3 });
}

Test(http_client, a_request_is_never_sent_twice)
{
    check_broken((struct broken){ "ada", 1, true, SKS_ERROR_EXTERNAL, 2 });
    check_broken((struct broken){ "ada", 6, true, SKS_ERROR_EXTERNAL, 2 });
    check_broken((struct broken){ "ada", 100000, true, SKS_ERROR_EXTERNAL, 2 });
    check_broken((struct broken){ "aba", 1000000, true, SKS_ERROR_EXTERNAL, 1 });
}

Test(http_client, a_connection_closed_in_between_is_replaced)
{
    check_broken((struct broken){ "ca", 6, true, SKS_OK, 2 });
    check_broken((struct broken){ "ca", 6, false, SKS_OK, 2 });
}

/* ---- giving up ---- */

static volatile sig_atomic_t stop_flag;

static void *raise_flag(void *unused)
{
    (void)unused;
    (void)usleep(100000);
    stop_flag = 1;
    return NULL;
}

Test(http_client, the_flag_ends_an_exchange)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    pthread_t thread;

    start("s", "");
    client = new_client((struct http_client_config){ .stop = &stop_flag });
    cr_assert_eq(pthread_create(&thread, NULL, raise_flag, NULL), 0);
    cr_assert_eq(get(client, &exchange), SKS_ERROR_USER_ABORT);
    cr_assert_str_eq(err.text, "interrupted");
    (void)pthread_join(thread, NULL);
    http_client_free(client);
    stop();
}

Test(http_client, silence_has_an_end)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;

    start("s", "");
    client = new_client((struct http_client_config){ .timeout = 1 });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert(exchange.sent);
    http_client_free(client);
    stop();
}
