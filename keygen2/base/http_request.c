/* One request: read whole, routed, handled here or by a worker, answered. */
#include "keygen2/base/clock.h"
#include "keygen2/base/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* The first line is here. Nothing is allocated yet: only when the head is whole will libmicrohttpd
 * also tell us of the end. */
void *http_request_begins(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    (void)uri;
    http_guard_begin(listener->server->guard, info->socket_context);
    return NULL;
}

static struct http_request *new_request(struct listener *listener,
                                        struct MHD_Connection *connection)
{
    struct http_request *request = calloc(1, sizeof *request);

    if (request == NULL)
        return NULL;
    request->listener = listener;
    request->connection = connection;
    request->began = clock_monotonic_us();
    request->response = (struct http_response){ .status = MHD_HTTP_OK, .arena = &request->arena };
    return request;
}

/* False if the server is stopping: what was here before is finished, nothing new is begun. */
static bool enter_flight(struct http_request *request)
{
    struct http_server *server = request->listener->server;

    (void)pthread_mutex_lock(&server->lock);
    request->in_flight = !server->stopping;
    server->in_flight += request->in_flight;
    (void)pthread_mutex_unlock(&server->lock);
    return request->in_flight;
}

static void leave_flight(struct http_request *request)
{
    struct http_server *server = request->listener->server;

    if (!request->in_flight)
        return;
    (void)pthread_mutex_lock(&server->lock);
    server->in_flight--;
    (void)pthread_cond_broadcast(&server->less);
    (void)pthread_mutex_unlock(&server->lock);
}

static void observe(struct http_request *request, unsigned status)
{
    const struct http_config *config = request->listener->server->config;
    const struct http_response *response = &request->response;
    const struct http_seen seen = {
        .route = request->route,
        .status = status,
        .received = request->body.len + request->dropped,
        .sent = response->body.len,
        .microseconds = clock_monotonic_us() - request->began,
        .subject = response->subject,
        .cause = response->cause,
    };

    if (config->observe != NULL && !request->seen)
        config->observe(config->ctx, request, &seen);
    request->seen = true;
}

void http_request_ends(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how)
{
    struct listener *listener = cls;
    struct http_request *request = *con_cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    (void)how;
    if (request == NULL)
        return;
    *con_cls = NULL;
    if (!request->seen)
        request->response.cause = "closed before the request was here whole";
    observe(request, 0);
    http_guard_idle(listener->server->guard, info->socket_context);
    leave_flight(request);
    buf_free(&request->body);
    buf_free(&request->response.body);
    arena_free(&request->arena);
    free(request);
}

static void wipe_body(void *cls)
{
    struct buf *body = cls;

    buf_free(body);
    free(body);
}

/* libmicrohttpd frees the body when it was sent, so it moves to memory of its own. */
static struct MHD_Response *make_response(struct http_response *from)
{
    struct buf *body = malloc(sizeof *body);
    struct MHD_Response *response;

    if (body == NULL)
        return NULL;
    *body = from->body;
    from->body = (struct buf){ 0 };
    response = MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->ptr,
                                                                      wipe_body, body);
    if (response == NULL)
        wipe_body(body);
    else if (from->content_type != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, from->content_type);
    for (size_t i = 0; response != NULL && i < from->headers; i++)
        (void)MHD_add_response_header(response, from->header[i].name, from->header[i].value);
    return response;
}

static enum MHD_Result send_response(struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct MHD_Response *response;
    enum MHD_Result sent;

    request->answered = true;
    http_guard_rest(request->listener->server->guard, info->socket_context);
    observe(request, request->response.status);
    response = make_response(&request->response);
    if (response == NULL)
        return MHD_NO;
    sent = MHD_queue_response(request->connection, request->response.status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result refuse(struct http_request *request, unsigned status)
{
    const char *text = MHD_get_reason_phrase_for(status);
    struct http_response *response = &request->response;

    http_answer(response, status, "text/plain; charset=utf-8", bytes_of(text));
    put_text(&response->body, "\n");
    response->cause = text;
    if (status == MHD_HTTP_CONTENT_TOO_LARGE || status == MHD_HTTP_SERVICE_UNAVAILABLE)
        http_set_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        http_set_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
                        arena_printf(response->arena, "%d", HTTP_RETRY_SECONDS));
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        http_set_header(response, MHD_HTTP_HEADER_ALLOW, http_allowed_methods(request));
    return send_response(request);
}

/*
 * libmicrohttpd takes no answer in the middle of a body, and behind one that it takes in front of
 * it closes at once: with the body unread, which tears the connection down under whoever still
 * sends, answer and all. So over http the answer is written past it; then we read on a little, that
 * the sender may find it.
 */
static bool tell_too_large(struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const char *cause = MHD_get_reason_phrase_for(MHD_HTTP_CONTENT_TOO_LARGE);
    time_t now = (time_t)clock_now();
    char date[40] = "", answer[400];
    struct tm utc;
    int len;

    request->refuse = MHD_HTTP_CONTENT_TOO_LARGE;
    request->response.cause = cause;
    if (request->listener->tls)
        return false;
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    len = snprintf(answer, sizeof answer,
                   "HTTP/1.1 %d %s\r\nConnection: close\r\nDate: %s\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s\n",
                   MHD_HTTP_CONTENT_TOO_LARGE, cause, date, strlen(cause) + 1, cause);
    request->told =
        send(info->connect_fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
    if (request->told) {
        (void)shutdown(info->connect_fd, SHUT_WR); /* nothing comes behind it */
        observe(request, MHD_HTTP_CONTENT_TOO_LARGE);
    }
    return request->told;
}

static enum MHD_Result first_look(struct http_request *request)
{
    const struct http_config *config = request->listener->server->config;
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    request->refuse = http_find_route(request);
    if (length != NULL && strtoull(length, NULL, 10) > config->body_max && !tell_too_large(request))
        return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE);
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *size)
{
    size_t max = request->listener->server->config->body_max;
    struct buf *body = &request->body;

    if (request->refuse == 0 && *size > max - body->len)
        request->refuse = MHD_HTTP_CONTENT_TOO_LARGE;
    if (request->refuse == 0) {
        put_raw(body, bytes_at(data, *size));
        if (body->status != SKS_OK)
            return MHD_NO;
    } else {
        request->dropped += *size; /* read on, so that the sender comes to read the answer */
        if (request->dropped + body->len > 2 * max && !request->told && !tell_too_large(request)) {
            observe(request, 0);
            return MHD_NO;
        }
        if (request->dropped + body->len > 3 * max)
            return MHD_NO;
    }
    *size = 0;
    return MHD_YES;
}

static void run_handler(struct http_request *request)
{
    const struct http_config *config = request->listener->server->config;

    request->route->handle(config->ctx, request, &request->response);
    if (request->response.body.status != SKS_OK)
        http_answer(&request->response, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL, bytes_of(NULL));
    request->handled = true;
}

static void run_in_worker(struct work *work)
{
    struct http_request *request = (struct http_request *)work;

    if (request->listener->server->late)
        request->refuse = MHD_HTTP_SERVICE_UNAVAILABLE;
    else
        run_handler(request);
    MHD_resume_connection(request->connection);
}

static enum MHD_Result handle(struct http_request *request)
{
    struct http_server *server = request->listener->server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (request->told)
        return MHD_NO; /* answered already: close */
    http_guard_rest(server->guard, info->socket_context);
    if (request->refuse != 0)
        return refuse(request, request->refuse);
    if (!request->in_flight && !enter_flight(request))
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE);
    if (!request->handled && server->config->admit != NULL &&
        !server->config->admit(server->config->ctx, request, &request->response))
        request->handled = true;
    if (!request->handled && request->route->slow != NULL &&
        request->route->slow(server->config->ctx, request, &request->work.subject)) {
        MHD_suspend_connection(request->connection);
        request->work.run = run_in_worker;
        if (!workers_add(server->workers, &request->work)) { /* it came too late to the stop */
            request->refuse = MHD_HTTP_SERVICE_UNAVAILABLE;
            MHD_resume_connection(request->connection);
        }
        return MHD_YES;
    }
    if (!request->handled)
        run_handler(request);
    return send_response(request);
}

enum MHD_Result http_request_arrives(void *cls, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version,
                                     const char *upload_data, size_t *upload_data_size,
                                     void **con_cls)
{
    struct http_request *request = *con_cls;
    bool first = request == NULL;

    (void)version;
    if (first)
        *con_cls = request = new_request(cls, connection);
    if (request == NULL)
        return MHD_NO; /* no memory for it */
    request->method = method;
    request->path = url;
    if (first)
        return first_look(request);
    if (request->answered) {
        *upload_data_size = 0;
        return MHD_YES;
    }
    return *upload_data_size != 0 ? take_body(request, upload_data, upload_data_size)
                                  : handle(request);
}
