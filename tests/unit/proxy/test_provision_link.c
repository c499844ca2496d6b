/* The two links over real sockets: addresses, and what is known of a call without an answer. */
#include "keygen2/base/http_server.h"
#include "proxy/issuer_link.h"
#include "token/api/token_link.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sks_error err;
static struct arena arena;

/* ---- a server that answers as told ---- */

static struct {
    unsigned status;
    const char *type;
    struct bytes body;
    unsigned requests;
} answer;

static void reply(void *ctx, const struct http_request *request, struct http_response *response)
{
    (void)ctx, (void)request;
    answer.requests++;
    http_answer(response, answer.status, answer.type, answer.body);
}

static const struct http_route ROUTES[] = {
    { "POST", "/sks", "application/octet-stream", reply, NULL },
};
static const struct http_config CONFIG = {
    .routes = ROUTES, .route_count = NITEMS(ROUTES), .body_max = 100000, .request_time = 10
};

static struct http_server *server;
static char folder[] = "/tmp/sks-link-XXXXXX";

static const char *start(const char *address)
{
    const char *url;

    cr_assert_eq(http_server_new(&CONFIG, &server, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(http_server_listen(server, address, NULL, NULL, &url, &err), SKS_OK, "%s",
                 err.text);
    return url;
}

static void tear_down(void)
{
    http_server_free(server);
    arena_free(&arena);
}

TestSuite(token_link, .fini = tear_down);

static struct token_link *open_link(const char *url)
{
    static const struct token_link_config CONFIG_OF_LINK = { .timeout = 10 };
    struct token_link *link;

    cr_assert_eq(token_link_open(url, &CONFIG_OF_LINK, &link, &err), SKS_OK, "%s", err.text);
    return link;
}

static const struct {
    unsigned status;
    const char *type;
    struct bytes body;
    enum sks_status result;
    enum call_fate fate;
} ANSWERS[] = {
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\0\0\0\0\5", 5 },
      SKS_OK,
      CALL_ANSWERED },
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\4\0\2no", 5 },
      SKS_ERROR_MAC,
      CALL_ANSWERED },
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\13\0\2no", 5 },
      SKS_ERROR_EXTERNAL,
      CALL_ANSWERED },
    /* No answer of this method: nobody knows. */
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\0\0\0\0", 4 },
      SKS_ERROR_EXTERNAL,
      CALL_UNANSWERED },
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\0\0\0\0\5\5", 6 },
      SKS_ERROR_EXTERNAL,
      CALL_UNANSWERED },
    { 200,
      "application/octet-stream",
      { (const uint8_t *)"\16\0\2no", 5 },
      SKS_ERROR_EXTERNAL,
      CALL_UNANSWERED },
    { 200, "text/html", { (const uint8_t *)"\0\0\0\0\5", 5 }, SKS_ERROR_EXTERNAL, CALL_UNANSWERED },
    { 500, "text/plain", { (const uint8_t *)"x", 1 }, SKS_ERROR_EXTERNAL, CALL_UNANSWERED },
    /* The server did not take it for a call. */
    { 403, "text/plain", { (const uint8_t *)"x", 1 }, SKS_ERROR_EXTERNAL, CALL_NOT_MADE },
};

static void check_answers(struct token_link *link)
{
    union sks_in in = { .get_key_handle = { 1, bytes_of("Key.1") } };
    union sks_out out;

    for (size_t i = 0; i < NITEMS(ANSWERS); i++) {
        answer.status = ANSWERS[i].status;
        answer.type = ANSWERS[i].type;
        answer.body = ANSWERS[i].body;
        cr_expect_eq(token_call(link, GET_KEY_HANDLE, &in, &out, &arena, &err), ANSWERS[i].result,
                     "%zu: %s", i, err.text);
        cr_expect_eq(token_link_fate(link), ANSWERS[i].fate, "%zu: %d", i, token_link_fate(link));
        cr_expect_eq(answer.requests, i + 1, "each call once");
    }
    cr_expect_eq(token_call(link, GET_KEY_HANDLE, &in, NULL, &arena, &err), SKS_ERROR_EXTERNAL);
}

Test(token_link, over_tcp)
{
    const char *url = start("127.0.0.1:0");
    char with_slash[PATH_MAX];
    struct token_link *link = open_link(url);

    check_answers(link);
    token_link_close(link);
    answer.requests = 0;
    (void)snprintf(with_slash, sizeof with_slash, "%s/", url);
    link = open_link(with_slash);
    check_answers(link);
    token_link_close(link);
}

Test(token_link, over_a_unix_socket)
{
    char address[64];
    struct token_link *link;

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(address, sizeof address, "unix:%s/s", folder);
    link = open_link(start(address));
    check_answers(link);
    token_link_close(link);
    http_server_free(server);
    server = NULL;
    (void)unlink(address + 5);
    (void)rmdir(folder);
}

Test(token_link, nobody_there)
{
    struct token_link *link = open_link("http://127.0.0.1:1");

    cr_assert_eq(token_call(link, GET_DEVICE_INFO, NULL, NULL, &arena, &err), SKS_ERROR_EXTERNAL);
    cr_assert_eq(token_link_fate(link), CALL_NOT_MADE);
    token_link_close(link);
}

Test(token_link, addresses)
{
    static const char *const WRONG[] = { "",      "127.0.0.1:1", "https://h", "http://",
                                         "unix:", "ftp://h",     "UNIX:/x" };
    static const struct token_link_config NOTHING = { 0 };
    struct token_link *link;
    char path[200];

    for (size_t i = 0; i < NITEMS(WRONG); i++)
        cr_expect_eq(token_link_open(WRONG[i], &NOTHING, &link, &err), SKS_ERROR_OPTION, "%s",
                     WRONG[i]);
    memset(path, 'x', sizeof path);
    memcpy(path, "unix:/", 6);
    path[sizeof path - 1] = '\0';
    cr_expect_eq(token_link_open(path, &NOTHING, &link, &err), SKS_ERROR_OPTION);
    cr_expect_null(link);
}

Test(issuer_link, addresses)
{
    static const char *const RIGHT[] = { "http://h/kg2/a", "https://h:1/kg2/a", "http://h",
                                         "https://[::1]:8/x" };
    static const char *const WRONG[] = { "",
                                         "h/kg2/a",
                                         "ftp://h/x",
                                         "http:///x",
                                         "http://h/x?y",
                                         "http://h/x#y",
                                         "http://h/ x",
                                         "http://h/\xC3\xA4",
                                         "http://u:p@h/x",
                                         "not a url" };
    static const struct issuer_link_config NOTHING = { 0 };
    struct issuer_link *link;
    char url[1100];

    for (size_t i = 0; i < NITEMS(RIGHT); i++) {
        cr_expect_eq(issuer_link_open(RIGHT[i], &NOTHING, &link, &err), SKS_OK, "%s", err.text);
        cr_expect_str_eq(issuer_link_url(link), RIGHT[i]);
        issuer_link_close(link);
    }
    for (size_t i = 0; i < NITEMS(WRONG); i++)
        cr_expect_eq(issuer_link_open(WRONG[i], &NOTHING, &link, &err), SKS_ERROR_OPTION, "%s",
                     WRONG[i]);
    memset(url, 'x', sizeof url);
    memcpy(url, "http://h/", 9);
    url[1001] = '\0';
    cr_expect_eq(issuer_link_open(url, &NOTHING, &link, &err), SKS_ERROR_OPTION);
    url[1000] = '\0';
    cr_expect_eq(issuer_link_open(url, &NOTHING, &link, &err), SKS_OK);
    issuer_link_close(link);
}
