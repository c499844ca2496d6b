/* One request and its answer, handed on as they come, and kept for the transcript. */
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "proxy/relay/relay_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK = 32 * 1024 };

static const struct relay_config *config_of(const struct exchange *x)
{
    return x->connection->relay->config;
}

/* ---- the transcript, and the log ---- */

static bool is_watched(const struct exchange *x)
{
    return config_of(x)->verbose || x->connection->relay->recorder != NULL;
}

static bool is_attacked(const struct exchange *x)
{
    return x->attack != NULL;
}

void exchange_keep(struct exchange *x, struct passage *passage, struct bytes piece)
{
    if (is_watched(x) || is_attacked(x))
        transcript_keep(&passage->body, &passage->size, piece);
    else
        passage->size += piece.len;
}

const char *exchange_field(const struct http_field *field, size_t fields, const char *name)
{
    for (size_t i = 0; i < fields; i++)
        if (strcasecmp(field[i].name, name) == 0)
            return field[i].value;
    return NULL;
}

static void record(struct exchange *x, const struct passage *passage, bool answer)
{
    const struct http_field *field = answer ? x->head.field : x->field;
    size_t fields = answer ? x->head.fields : x->fields;
    struct transcript_header *header = calloc(fields + 1, sizeof *header);
    char *decoded = passage->message.decoded == NULL
                        ? NULL
                        : json_dumps(passage->message.decoded, JSON_COMPACT);
    char time[TRANSCRIPT_TIME_MAX];
    struct transcript_line line = {
        .connection = x->connection->number,
        .exchange = x->number,
        .hop = (uint8_t)passage->message.hop,
        .direction = answer ? TRANSCRIPT_ANSWER : TRANSCRIPT_REQUEST,
        .name = bytes_of(passage->message.name),
        .method = bytes_of(answer ? NULL : x->method),
        .target = bytes_of(answer ? NULL : x->connection->target),
        .status = answer ? x->head.status : 0,
        .body = buf_bytes(&passage->body),
        .cut = passage->size > passage->body.len,
        .decoded = bytes_of(decoded),
        .altered = bytes_of(passage->altered),
    };

    transcript_time(time);
    line.time = bytes_of(time);
    line.headers.item = header;
    line.headers.count = header == NULL ? 0 : transcript_headers(field, fields, header);
    recorder_add(x->connection->relay->recorder, &line);
    free(decoded);
    free(header);
}

static void log_exchange(const struct exchange *x)
{
    double ms = (double)(clock_monotonic_us() - x->began) / 1000;

    log_info("%u.%u %s %s %s %llu bytes: %u %s %llu bytes, %.1f ms%s%s", x->connection->number,
             x->number, x->method, x->connection->target, x->request.message.name,
             (unsigned long long)x->request.size, x->head.status, x->answer.message.name,
             (unsigned long long)x->answer.size, ms, x->err.text[0] == '\0' ? "" : ": ",
             x->err.text);
}

/* A message has come whole: called once for each, before its last piece goes on. */
void exchange_tell(struct exchange *x, bool answer)
{
    struct passage *passage = answer ? &x->answer : &x->request;
    const char *type = answer ? exchange_field(x->head.field, x->head.fields, "Content-Type")
                              : exchange_field(x->field, x->fields, "Content-Type");

    if (passage->told || !is_watched(x))
        return;
    passage->told = true;
    message_read(type, buf_bytes(&passage->body), answer ? &x->request.message : NULL,
                 &passage->message);
    if (x->connection->relay->recorder != NULL)
        record(x, passage, answer);
    message_free(&passage->message);
    if (answer && config_of(x)->verbose)
        log_exchange(x);
}

/* ---- the request ---- */

void *exchange_begins(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct relay *relay = cls;
    struct relay_connection *c =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    if (c == NULL)
        return NULL;
    http_guard_begin(relay->guard, c->guarded);
    free(c->target);
    c->target = strdup(uri);
    return NULL;
}

static enum MHD_Result take_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct exchange *x = ctx;

    (void)kind;
    if (x->fields == EXCHANGE_FIELDS_MAX)
        return MHD_NO;
    x->field[x->fields].name = (char *)(uintptr_t)name;
    x->field[x->fields++].value = (char *)(uintptr_t)(value == NULL ? "" : value);
    return MHD_YES;
}

static int64_t body_length(const struct exchange *x)
{
    const char *length = exchange_field(x->field, x->fields, "Content-Length");

    if (exchange_field(x->field, x->fields, "Transfer-Encoding") != NULL)
        return UPSTREAM_LENGTH_UNKNOWN;
    return length == NULL ? 0 : strtoll(length, NULL, 10);
}

/* False if the relay is stopping. */
static bool enter_flight(struct exchange *x)
{
    struct relay *relay = x->connection->relay;

    (void)pthread_mutex_lock(&relay->lock);
    x->counted = !relay->stopping;
    relay->in_flight += x->counted;
    (void)pthread_mutex_unlock(&relay->lock);
    return x->counted;
}

static enum sks_status begin(struct exchange *x)
{
    struct relay_connection *c = x->connection;
    enum sks_status rc = SKS_OK;

    REQUIRE(enter_flight(x), &x->err, SKS_ERROR_NOT_AVAILABLE, "the relay is stopping");
    REQUIRE(c->target != NULL, &x->err, SKS_ERROR_STORAGE, "no memory for a request");
    REQUIRE(x->fields < EXCHANGE_FIELDS_MAX, &x->err, SKS_ERROR_OPTION, "more than %d headers",
            EXCHANGE_FIELDS_MAX - 1);
    if (c->upstream == NULL)
        TRY(upstream_new(&c->relay->upstream, &c->upstream, &x->err));
    if (is_attacked(x))
        return SKS_OK; /* begun when the body is known */
    rc = exchange_send(x, body_length(x));
out:
    return rc;
}

enum sks_status exchange_send(struct exchange *x, int64_t length)
{
    struct relay_connection *c = x->connection;
    enum sks_status rc;

    TRY(upstream_begin(c->upstream, x->method, c->target, x->field, x->fields, length, &x->err));
    x->sending = true;
out:
    return rc;
}

static struct exchange *new_exchange(struct relay_connection *c, struct MHD_Connection *mhd,
                                     const char *method)
{
    struct exchange *x = c == NULL ? NULL : calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->connection = c;
    x->method = method;
    x->number = (uint32_t)++c->relay->exchanges;
    x->began = clock_monotonic_us();
    x->attack = config_of(x)->attack != NULL ? config_of(x)->attack
                                             : watched_attack_now(config_of(x)->watched);
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, take_field, x);
    return x;
}

/* ---- the answer ---- */

static ssize_t read_answer(void *ctx, uint64_t position, char *to, size_t max)
{
    struct exchange *x = ctx;
    int64_t len = upstream_read(x->connection->upstream, to, max);

    (void)position;
    if (len > 0)
        exchange_keep(x, &x->answer, bytes_at(to, (size_t)len));
    if (len <= 0 || (int64_t)x->answer.size == x->head.length)
        exchange_tell(x, true);
    return len > 0    ? (ssize_t)len
           : len == 0 ? (ssize_t)MHD_CONTENT_READER_END_OF_STREAM
                      : (ssize_t)MHD_CONTENT_READER_END_WITH_ERROR;
}

enum MHD_Result exchange_respond(struct MHD_Connection *mhd, unsigned status,
                                 struct MHD_Response *response)
{
    enum MHD_Result sent = MHD_NO;

    if (response != NULL) {
        sent = MHD_queue_response(mhd, status, response);
        MHD_destroy_response(response);
    }
    return sent;
}

static bool has_body(const struct exchange *x)
{
    return x->head.length != 0 && x->head.status != MHD_HTTP_NO_CONTENT &&
           x->head.status != MHD_HTTP_NOT_MODIFIED;
}

static enum MHD_Result hand_back(struct exchange *x, struct MHD_Connection *mhd)
{
    uint64_t size = !has_body(x)         ? 0
                    : x->head.length < 0 ? MHD_SIZE_UNKNOWN
                                         : (uint64_t)x->head.length;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, BLOCK, read_answer, x, NULL);

    for (size_t i = 0; response != NULL && i < x->head.fields; i++)
        (void)MHD_add_response_header(response, x->head.field[i].name, x->head.field[i].value);
    if (size == 0 || strcmp(x->method, "HEAD") == 0)
        exchange_tell(x, true);
    return exchange_respond(mhd, x->head.status, response);
}

/* The request is not known to the other side, or it says nothing about it: the client is told so,
 * or sees its connection closed, as it would have without a relay. */
enum MHD_Result exchange_give_up(struct exchange *x, struct MHD_Connection *mhd, enum sks_status rc)
{
    bool has_left = x->sending && upstream_has_sent(x->connection->upstream);
    struct MHD_Response *response;
    char text[600];

    log_error("%u.%u %s %s: %s", x->connection->number, x->number, x->method,
              x->connection->target == NULL ? "" : x->connection->target, x->err.text);
    exchange_tell(x, true);
    if (has_left)
        return MHD_NO;
    (void)snprintf(text, sizeof text, "relay: %s\n", x->err.text);
    response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    if (response != NULL)
        (void)MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
    return exchange_respond(
        mhd, rc == SKS_ERROR_OPTION ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_SERVICE_UNAVAILABLE,
        response);
}

static enum MHD_Result finish(struct exchange *x, struct MHD_Connection *mhd)
{
    struct relay_connection *c = x->connection;
    enum sks_status rc = x->err.status;

    x->answered = true;
    http_guard_rest(c->relay->guard, c->guarded);
    if (is_attacked(x) && rc == SKS_OK)
        return exchange_attacked(x, mhd);
    exchange_tell(x, false);
    if (rc == SKS_OK)
        rc = upstream_finish(c->upstream, &x->head, &x->err);
    return rc == SKS_OK ? hand_back(x, mhd) : exchange_give_up(x, mhd, rc);
}

enum MHD_Result exchange_arrives(void *cls, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *upload_data,
                                 size_t *upload_data_size, void **con_cls)
{
    struct exchange *x = *con_cls;
    struct bytes piece = bytes_at(upload_data, *upload_data_size);

    (void)cls, (void)url, (void)version;
    if (x == NULL) {
        *con_cls = x = new_exchange(
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context, mhd,
            method);
        if (x != NULL)
            (void)!begin(x); /* a failure is told when the request is here */
        return x == NULL ? MHD_NO : MHD_YES;
    }
    if (piece.len == 0)
        return x->answered ? MHD_YES : finish(x, mhd);
    *upload_data_size = 0;
    if (!x->answered)
        exchange_keep(x, &x->request, piece);
    if (!x->answered && x->sending)
        upstream_send(x->connection->upstream, piece);
    return MHD_YES;
}

void exchange_ends(void *cls, struct MHD_Connection *mhd, void **con_cls,
                   enum MHD_RequestTerminationCode how)
{
    struct relay *relay = cls;
    struct exchange *x = *con_cls;

    (void)mhd, (void)how;
    *con_cls = NULL;
    if (x == NULL)
        return;
    http_guard_idle(relay->guard, x->connection->guarded);
    if (x->sending)
        upstream_end(x->connection->upstream);
    if (x->counted) {
        (void)pthread_mutex_lock(&relay->lock);
        relay->in_flight--;
        (void)pthread_cond_broadcast(&relay->less);
        (void)pthread_mutex_unlock(&relay->lock);
    }
    buf_free(&x->request.body);
    buf_free(&x->answer.body);
    free(x);
}
