#include "token/api/token_link.h"

#include "keygen2/base/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sks_dialect *dialect_of(const struct token_link_config *config)
{
    return config->dialect == NULL ? &SKS_DIALECT_107 : config->dialect;
}

static const char OCTETS[] = "application/octet-stream";

enum { PATH_MAX_BYTES = 108 }; /* of a Unix socket: sun_path */

struct token_link {
    struct token_transport transport;
    struct token_link_config config;
    enum call_fate fate;
};

/* ---- HTTP: rig, "The SKS wire" ---- */

struct http_transport {
    struct http_client *client;
    char url[300];
    size_t base; /* length of the URL without the path */
    char socket[PATH_MAX_BYTES];
};

/* A refused HTTP request is not a call; after anything else the token may have acted. */
static enum sks_status check_answer(const struct http_exchange *exchange, enum call_fate *fate,
                                    struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if ((exchange->status >= 400 && exchange->status < 500) || exchange->status == 503)
        *fate = CALL_NOT_MADE;
    REQUIRE(exchange->status == 200, err, SKS_ERROR_EXTERNAL, "the token's server answered %u",
            exchange->status);
    REQUIRE(strcmp(exchange->content_type, OCTETS) == 0, err, SKS_ERROR_EXTERNAL,
            "the token's server answered with content type \"%s\"", exchange->content_type);
out:
    return rc;
}

static enum sks_status http_transport_exchange(void *ctx, struct bytes request, struct buf *answer,
                                               enum call_fate *fate, struct sks_error *err)
{
    struct http_transport *http = ctx;
    struct http_exchange exchange = { 0 };
    enum sks_status rc;

    rc = http_client_exchange(http->client, "POST", http->url, OCTETS, NULL, request, &exchange,
                              err);
    *fate = exchange.sent ? CALL_UNANSWERED : CALL_NOT_MADE;
    if (rc == SKS_OK)
        rc = check_answer(&exchange, fate, err);
    if (rc == SKS_OK) {
        put_raw(answer, buf_bytes(&exchange.body));
        rc = sks_explain(err, answer->status);
    }
    http_exchange_free(&exchange);
    return rc;
}

static void http_transport_timeout(void *ctx, unsigned seconds)
{
    struct http_transport *http = ctx;

    http_client_set_timeout(http->client, seconds);
}

static bool set_path(struct http_transport *http, const char *path)
{
    size_t room = sizeof http->url - http->base;

    return (size_t)snprintf(http->url + http->base, room, "%s", path) < room;
}

static void http_transport_path(void *ctx, const char *path)
{
    (void)set_path(ctx, path); /* dialects have short ones */
}

static void http_transport_close(void *ctx)
{
    struct http_transport *http = ctx;

    if (http == NULL)
        return;
    http_client_free(http->client);
    free(http);
}

/* Splits a token's URL into where to connect and what to ask for. */
static bool set_address(struct http_transport *http, const char *url, const char *path)
{
    size_t len = strlen(url);
    int used;

    if (strncmp(url, "unix:", 5) == 0) {
        used = snprintf(http->socket, sizeof http->socket, "%s", url + 5);
        http->base = (size_t)snprintf(http->url, sizeof http->url, "http://localhost");
        return used > 0 && (size_t)used < sizeof http->socket && set_path(http, path);
    }
    if (strncmp(url, "http://", 7) != 0 || url[7] == '\0')
        return false;
    len -= url[len - 1] == '/';
    if (len >= sizeof http->url)
        return false;
    memcpy(http->url, url, len);
    http->base = len;
    return set_path(http, path);
}

enum sks_status token_transport_open(const char *url, const struct token_link_config *config,
                                     struct token_transport *transport, struct sks_error *err)
{
    struct http_transport *http = calloc(1, sizeof *http);
    struct http_client_config client = {
        .never_twice = true, .bare = true, .timeout = config->timeout, .stop = config->stop
    };
    enum sks_status rc;

    *transport = (struct token_transport){ 0 };
    REQUIRE(http != NULL, err, SKS_ERROR_STORAGE, "no memory for a token link");
    REQUIRE(set_address(http, url, config->path == NULL ? dialect_of(config)->path : config->path),
            err, SKS_ERROR_OPTION,
            "'%.200s' is no address of a token: neither http://HOST:PORT nor unix:PATH of up to "
            "%zu octets",
            url, sizeof http->socket - 1);
    client.unix_socket = http->socket[0] == '\0' ? NULL : http->socket;
    TRY(http_client_new(&client, &http->client, err));
    *transport = (struct token_transport){ http, http_transport_exchange, http_transport_timeout,
                                           http_transport_path, http_transport_close };
    http = NULL;
out:
    http_transport_close(http);
    return rc;
}

enum sks_status token_link_open(const char *url, const struct token_link_config *config,
                                struct token_link **link, struct sks_error *err)
{
    struct token_transport transport;
    enum sks_status rc;

    *link = NULL;
    TRY(token_transport_open(url, config, &transport, err));
    rc = token_link_open_over(&transport, config, link, err);
out:
    return rc;
}

/* ---- any transport ---- */

enum sks_status token_link_open_over(const struct token_transport *transport,
                                     const struct token_link_config *config,
                                     struct token_link **link, struct sks_error *err)
{
    *link = calloc(1, sizeof **link);
    if (*link == NULL) {
        if (transport->close != NULL)
            transport->close(transport->ctx);
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for a token link");
    }
    (*link)->transport = *transport;
    (*link)->config = *config;
    return SKS_OK;
}

void token_link_close(struct token_link *link)
{
    if (link == NULL)
        return;
    if (link->transport.close != NULL)
        link->transport.close(link->transport.ctx);
    free(link);
}

enum call_fate token_link_fate(const struct token_link *link)
{
    return link->fate;
}

void token_link_set_dialect(struct token_link *link, const struct sks_dialect *dialect)
{
    link->config.dialect = dialect;
    if (link->transport.set_path != NULL)
        link->transport.set_path(link->transport.ctx, dialect->path);
}

void token_link_set_timeout(struct token_link *link, unsigned seconds)
{
    if (link->transport.set_timeout != NULL)
        link->transport.set_timeout(link->transport.ctx, seconds);
}

/* A body on its way: it may be altered, and is watched as it goes on. */
static enum sks_status cross(const struct token_link *link, const struct sks_method *method,
                             bool answer, struct buf *body, struct sks_error *err)
{
    const struct token_link_config *config = &link->config;
    struct token_event event = { method, answer, { 0 }, SKS_OK, NULL };
    enum sks_status rc = SKS_OK;

    if (config->alter != NULL)
        rc = config->alter(config->alter_ctx, method, answer, body, &event.altered, err);
    event.body = buf_bytes(body);
    if (answer && body->len > 0 && body->ptr[0] != SKS_OK)
        event.status = dialect_status(dialect_of(config), method, body->ptr[0]);
    if (config->watch != NULL)
        config->watch(config->watch_ctx, &event);
    return rc;
}

/* From the number that the dialect gives an error to its status. */
static enum sks_status translate(const struct token_link *link, const struct sks_method *method,
                                 enum sks_status number, struct sks_error *err)
{
    enum sks_status status =
        number == SKS_OK ? SKS_OK
                         : dialect_status(dialect_of(&link->config), method, (uint8_t)number);

    if (err != NULL && number != SKS_OK)
        err->status = status;
    return status;
}

/* The outputs point into the arena's copy, which lives longer than the buffer. */
static enum sks_status decode_answer(struct token_link *link, const struct sks_method *method,
                                     struct bytes body, union sks_out *out, struct arena *arena,
                                     struct sks_error *err)
{
    struct bytes kept = arena_copy(arena, body);
    union sks_out unwanted;
    enum sks_status rc;

    REQUIRE(kept.ptr != NULL, err, SKS_ERROR_STORAGE, "no memory for the answer");
    rc = sks_decode_response(kept, method, out == NULL ? &unwanted : out, arena, err);
    /* The status byte tells a token's own word from an answer that does not decode. */
    if (rc == SKS_OK || (body.len > 0 && body.ptr[0] == (uint8_t)rc)) {
        link->fate = CALL_ANSWERED;
        rc = translate(link, method, rc, err);
    }
out:
    return rc;
}

enum sks_status token_call(struct token_link *link, enum method_id method, const union sks_in *in,
                           union sks_out *out, struct arena *arena, struct sks_error *err)
{
    const struct sks_method *row = sks_method((uint8_t)method);

    link->fate = CALL_NOT_MADE;
    if (row == NULL)
        return sks_fail(err, SKS_ERROR_INTERNAL, "no method %d", (int)method);
    return token_call_row(link, row, in, out, arena, err);
}

enum sks_status token_call_row(struct token_link *link, const struct sks_method *row,
                               const union sks_in *in, union sks_out *out, struct arena *arena,
                               struct sks_error *err)
{
    struct buf request = { 0 }, answer = { 0 }; /* may hold PINs until buf_free() */
    enum sks_status rc;

    link->fate = CALL_NOT_MADE;
    sks_encode_request(&request, row, in);
    TRY(sks_explain(err, request.status));
    TRY(cross(link, row, false, &request, err));
    TRY(link->transport.exchange(link->transport.ctx, buf_bytes(&request), &answer, &link->fate,
                                 err));
    link->fate = CALL_UNANSWERED;
    TRY(cross(link, row, true, &answer, err));
    rc = decode_answer(link, row, buf_bytes(&answer), out, arena, err);
out:
    buf_free(&request);
    buf_free(&answer);
    return rc;
}
