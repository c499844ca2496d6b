/* The numbers of errors on the two URLs, from status to wire and back. */
#include "keygen2/base/http_server.h"
#include "token/api/token_link.h"

#include <criterion/criterion.h>
#include <string.h>

/* The draft's table, and how V1.07's statuses go into it; close: of closeProvisioningSession. */
static const struct {
    enum sks_status status;
    uint8_t number, close;
} DRAFT[] = {
    { SKS_ERROR_AUTHORIZATION, 1, 6 },   { SKS_ERROR_NOT_ALLOWED, 9, 6 },
    { SKS_ERROR_STORAGE, 2, 2 },         { SKS_ERROR_MAC, 3, 3 },
    { SKS_ERROR_CRYPTO, 4, 6 },          { SKS_ERROR_NO_SESSION, 5, 5 },
    { SKS_ERROR_NO_KEY, 7, 6 },          { SKS_ERROR_ALGORITHM, 8, 6 },
    { SKS_ERROR_OPTION, 9, 6 },          { SKS_ERROR_INTERNAL, 10, 10 },
    { SKS_ERROR_EXTERNAL, 11, 11 },      { SKS_ERROR_USER_ABORT, 12, 12 },
    { SKS_ERROR_NOT_AVAILABLE, 13, 13 },
};

Test(dialect, numbers)
{
    const struct sks_method *close = sks_method(CLOSE_PROVISIONING_SESSION);
    const struct sks_method *other = sks_method(CREATE_KEY_ENTRY);

    cr_assert_eq(NITEMS(DRAFT), SKS_ERROR_NOT_AVAILABLE);
    for (size_t i = 0; i < NITEMS(DRAFT); i++) {
        cr_expect_eq(dialect_number(&SKS_DIALECT_2010, other, DRAFT[i].status), DRAFT[i].number);
        cr_expect_eq(dialect_number(&SKS_DIALECT_2010, NULL, DRAFT[i].status), DRAFT[i].number);
        cr_expect_eq(dialect_number(&SKS_DIALECT_2010, close, DRAFT[i].status), DRAFT[i].close);
        cr_expect_eq(dialect_number(&SKS_DIALECT_107, close, DRAFT[i].status), DRAFT[i].status);
    }
}

Test(dialect, statuses)
{
    const struct sks_method *close = sks_method(CLOSE_PROVISIONING_SESSION);
    const struct sks_method *other = sks_method(CREATE_KEY_ENTRY);

    for (size_t i = 0; i < NITEMS(DRAFT); i++) {
        enum sks_status status = DRAFT[i].status;
        bool shares = DRAFT[i].number == 9, ends = DRAFT[i].close == 6;

        cr_expect_eq(dialect_status(&SKS_DIALECT_2010, other, DRAFT[i].number),
                     shares ? SKS_ERROR_OPTION : status);
        cr_expect_eq(dialect_status(&SKS_DIALECT_2010, close, DRAFT[i].close),
                     ends ? SKS_ERROR_OPTION : status);
        cr_expect_eq(dialect_status(&SKS_DIALECT_107, close, (uint8_t)status), status);
    }
    cr_expect_eq(dialect_status(&SKS_DIALECT_2010, close, 9), SKS_ERROR_OPTION,
                 "a close that did not decode");
    cr_expect_eq(dialect_status(&SKS_DIALECT_2010, other, 6), SKS_ERROR_EXTERNAL,
                 "END_SESSION is of the close alone");
    cr_expect_eq(dialect_status(&SKS_DIALECT_2010, other, 14), SKS_ERROR_EXTERNAL);
}

Test(dialect, methods)
{
    const uint8_t own_107[] = { CREATE_PROVISIONING_SESSION }, own_2010[] = { CREATE_SESSION_2010 };
    struct sks_error err = { 0 };

    cr_expect(dialect_check_method(&SKS_DIALECT_107, bytes_at(own_107, 1), &err) == SKS_OK);
    cr_expect(dialect_check_method(&SKS_DIALECT_2010, bytes_at(own_2010, 1), &err) == SKS_OK);
    cr_expect(dialect_check_method(&SKS_DIALECT_107, bytes_at(own_2010, 1), &err) ==
              SKS_ERROR_OPTION);
    cr_expect(strcmp(err.text, "unknown method id 24 on /sks") == 0, "%s", err.text);
    cr_expect(dialect_check_method(&SKS_DIALECT_2010, bytes_at(own_107, 1), &err) ==
              SKS_ERROR_OPTION);
    cr_expect(strcmp(err.text, "unknown method id 2 on /sks/2010") == 0, "%s", err.text);
    cr_expect(dialect_check_method(&SKS_DIALECT_107, (struct bytes){ 0 }, &err) == SKS_OK,
              "the codec refuses it");
}

/* ---- the caller's side ---- */

static struct {
    uint8_t body[8];
    size_t len;
} canned;

static enum sks_status give_canned(void *ctx, struct bytes request, struct buf *answer,
                                   enum call_fate *fate, struct sks_error *err)
{
    (void)ctx, (void)request, (void)err;
    *fate = CALL_ANSWERED;
    put_raw(answer, bytes_at(canned.body, canned.len));
    return answer->status;
}

static void keep_status(void *ctx, const struct token_event *event)
{
    if (event->answer)
        *(enum sks_status *)ctx = event->status;
}

static void expect_call(const struct sks_dialect *dialect, enum method_id method, uint8_t number,
                        enum sks_status status)
{
    const struct token_transport transport = { .exchange = give_canned };
    enum sks_status watched = SKS_OK;
    const struct token_link_config config = { .dialect = dialect,
                                              .watch = keep_status,
                                              .watch_ctx = &watched };
    const union sks_in in = { 0 };
    struct token_link *link;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    canned.len = 5;
    memcpy(canned.body, (const uint8_t[]){ number, 0, 2, 'n', 'o' }, canned.len);
    cr_assert(token_link_open_over(&transport, &config, &link, &err) == SKS_OK);
    cr_expect_eq(token_call(link, method, &in, NULL, &arena, &err), status);
    cr_expect_eq(err.status, status);
    cr_expect_str_eq(err.text, "no");
    cr_expect_eq(watched, status);
    cr_expect_eq(token_link_fate(link), CALL_ANSWERED);
    token_link_close(link);
    arena_free(&arena);
}

Test(dialect, a_link_tells_statuses)
{
    expect_call(NULL, ENUMERATE_KEYS, 5, SKS_ERROR_CRYPTO);
    expect_call(&SKS_DIALECT_107, ENUMERATE_KEYS, 5, SKS_ERROR_CRYPTO);
    expect_call(&SKS_DIALECT_2010, ENUMERATE_KEYS, 5, SKS_ERROR_NO_SESSION);
    expect_call(&SKS_DIALECT_2010, CREATE_SESSION_2010, 4, SKS_ERROR_CRYPTO);
    expect_call(&SKS_DIALECT_2010, CLOSE_PROVISIONING_SESSION, 6, SKS_ERROR_OPTION);
}

static void answer_deactivate(void *ctx, const struct http_request *request,
                              struct http_response *response)
{
    const union sks_out out = { .deactivate = { 1 } };

    (void)ctx, (void)request;
    response->content_type = "application/octet-stream";
    sks_encode_response(&response->body, sks_method(DEACTIVATE), &out);
}

static const struct http_route ROUTES[] = {
    { "POST", "/sks/2010", "application/octet-stream", answer_deactivate, NULL },
};
static const struct http_config SERVER = {
    .routes = ROUTES, .route_count = NITEMS(ROUTES), .body_max = 1000, .request_time = 10
};

Test(dialect, a_link_takes_the_url_of_its_dialect)
{
    static const struct sks_dialect *const DIALECT[] = { &SKS_DIALECT_107, &SKS_DIALECT_2010 };
    struct http_server *server;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    const char *url;

    cr_assert(http_server_new(&SERVER, &server, &err) == SKS_OK);
    cr_assert(http_server_listen(server, "127.0.0.1:0", NULL, NULL, &url, &err) == SKS_OK);
    for (size_t i = 0; i < NITEMS(DIALECT); i++) {
        const struct token_link_config config = { .dialect = DIALECT[i] };
        struct token_link *link;

        cr_assert(token_link_open(url, &config, &link, &err) == SKS_OK);
        cr_expect_eq(token_call(link, DEACTIVATE, NULL, NULL, &arena, &err),
                     i == 0 ? SKS_ERROR_EXTERNAL : SKS_OK, "404 on the other");
        token_link_set_dialect(link, DIALECT[1 - i]);
        cr_expect_eq(token_call(link, DEACTIVATE, NULL, NULL, &arena, &err),
                     i == 0 ? SKS_OK : SKS_ERROR_EXTERNAL, "after a change");
        token_link_close(link);
    }
    http_server_free(server);
    arena_free(&arena);
}
