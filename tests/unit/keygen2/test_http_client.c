/*
 * The HTTP client against small servers that misbehave as told: one thread, a script of what to
 * do with each request, and a count of the requests that arrived whole.
 */
#include "keygen2/base/http_client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static struct server server;
static struct sks_error err;

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

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nok"

static void run(void)
{
    cr_assert_eq(sem_init(&server.closed, 0, 0), 0);
    cr_assert_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void start(const char *script, const char *answer)
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

/* Ends the server's thread: no more connections. */
static void stop(void)
{
    (void)shutdown(server.listener, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.listener);
    free(server.request);
}

static struct http_client *new_client(struct http_client_config config)
{
    struct http_client *client;

    config.timeout = config.timeout == 0 ? 10 : config.timeout;
    cr_assert_eq(http_client_new(&config, &client, &err), SKS_OK, "%s", err.text);
    return client;
}

static enum sks_status post(struct http_client *client, struct bytes body,
                            struct http_exchange *exchange)
{
    return http_client_exchange(client, "POST", server.url, "text/y", NULL, body, exchange, &err);
}

static enum sks_status get(struct http_client *client, struct http_exchange *exchange)
{
    return http_client_exchange(client, "GET", server.url, NULL, "text/z", (struct bytes){ 0 },
                                exchange, &err);
}

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

/* ---- TLS ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

    cr_assert_eq(X509_set_version(x509, 2), 1);
    cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1), 1);
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
    cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x509), 600));
    cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test",
                                            -1, -1, 0),
                 1);
    cr_assert_eq(X509_set_issuer_name(x509, name), 1);
    cr_assert_eq(X509_set_pubkey(x509, key), 1);
    cr_assert_eq(X509_add_ext(x509, san, -1), 1);
    cr_assert_gt(X509_sign(x509, key, EVP_sha256()), 0);
    X509_EXTENSION_free(san);
    return x509;
}

static void start_tls(X509 **x509, char ca_file[32], long versions_max)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *pem;
    int fd;

    *x509 = make_certificate(key);
    server.tls = SSL_CTX_new(TLS_server_method());
    cr_assert_eq(SSL_CTX_use_certificate(server.tls, *x509), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey(server.tls, key), 1);
    cr_assert_eq(SSL_CTX_set_max_proto_version(server.tls, versions_max), 1);
    SSL_CTX_set_security_level(server.tls, 0);
    EVP_PKEY_free(key);
    strcpy(ca_file, "/tmp/sks-ca-XXXXXX");
    fd = mkstemp(ca_file);
    pem = fdopen(fd, "w");
    cr_assert_not_null(pem);
    cr_assert_eq(PEM_write_X509(pem, *x509), 1);
    cr_assert_eq(fclose(pem), 0);
}

Test(http_client, the_leaf_is_told_on_each_exchange)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    uint8_t *der = NULL;
    char ca_file[32];
    int len;

    start_tls(&x509, ca_file, 0);
    len = i2d_X509(x509, &der);
    start("aaca", OK_ANSWER);
    client = new_client((struct http_client_config){ .ca_file = ca_file });
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(post(client, bytes_of("x"), &exchange), SKS_OK, "%s", err.text);
        cr_assert(bytes_equal(buf_bytes(&exchange.leaf), bytes_at(der, (size_t)len)), "%d", i);
    }
    cr_assert_eq(server.connections, 2, "three on the kept connection, one on a new one");
    OPENSSL_free(der);
    http_exchange_free(&exchange);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}

Test(http_client, a_certificate_is_checked_unless_told)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    char ca_file[32];

    start_tls(&x509, ca_file, 0);
    start("a", OK_ANSWER);
    client = new_client((struct http_client_config){ 0 });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert_not_null(strstr(err.text, "certificate"), "%s", err.text);
    cr_assert(!exchange.sent);
    http_client_free(client);
    client = new_client((struct http_client_config){ .insecure = true });
    cr_assert_eq(get(client, &exchange), SKS_OK, "%s", err.text);
    cr_assert_gt(exchange.leaf.len, 0);
    http_exchange_free(&exchange);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}

Test(http_client, old_tls_is_not_spoken)
{
    struct http_exchange exchange = { 0 };
    struct http_client *client;
    X509 *x509;
    char ca_file[32];

    start_tls(&x509, ca_file, TLS1_1_VERSION);
    start("a", OK_ANSWER);
    client = new_client((struct http_client_config){ .ca_file = ca_file });
    cr_assert_eq(get(client, &exchange), SKS_ERROR_EXTERNAL);
    cr_assert(!exchange.sent);
    http_client_free(client);
    (void)unlink(ca_file);
    stop();
}
