/* One request: read whole, routed, handled here or by a worker, answered. */
#include "keygen2/base/http_internal.h"
#include "keygen2/base/http_socket.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct http_request {
    struct work work; /* first: a worker gets the request by it */
    struct listener *listener;
    struct MHD_Connection *connection;
    const struct http_route *route;
    const char *method, *path, *rest;
    struct buf body;
    size_t dropped;  /* bytes of a body that nobody will read */
    unsigned refuse; /* status to answer whatever the body is, 0: none */
    bool in_flight, handled, answered;
    bool told; /* that its body is too large, before its end: what still comes is dropped */
    struct arena arena;
    struct http_response response;
};

/* ---- what handlers see ---- */

const char *http_path(const struct http_request *request)
{
    return request->path;
}

const char *http_path_rest(const struct http_request *request)
{
    return request->rest;
}

const char *http_method(const struct http_request *request)
{
    return request->method;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_cookie(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_COOKIE_KIND, name);
}

struct bytes http_body(const struct http_request *request)
{
    return buf_bytes(&request->body);
}

const char *http_listener_url(const struct http_request *request)
{
    return request->listener->url;
}

struct bytes http_shown_certificate(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        request->listener->tls
            ? MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
            : NULL;
    const gnutls_datum_t *shown =
        info == NULL ? NULL : gnutls_certificate_get_ours(info->tls_session);

    return shown == NULL ? (struct bytes){ 0 } : bytes_at(shown->data, shown->size);
}

bool http_is_tls(const struct http_request *request)
{
    return request->listener->tls;
}

void http_answer(struct http_response *response, unsigned status, const char *content_type,
                 struct bytes body)
{
    response->status = status;
    response->content_type = content_type;
    buf_reset(&response->body);
    put_raw(&response->body, body);
}

void http_set_header(struct http_response *response, const char *name, const char *value)
{
    if (response->headers == HTTP_HEADERS_MAX)
        return;
    response->header[response->headers].name = name;
    response->header[response->headers++].value = value;
}

/* ---- one request ---- */

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
    http_guard_idle(listener->server->guard, info->socket_context);
    leave_flight(request);
    buf_free(&request->body);
    buf_free(&request->response.body);
    arena_free(&request->arena);
    free(request);
}

static bool local_request(const struct http_request *request, const struct http_config *config)
{
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);

    if (http_header(request, "Origin") != NULL || host == NULL)
        return false;
    if (host_is_loopback(host))
        return true;
    for (size_t i = 0; config->hosts != NULL && i < config->hosts->count; i++) {
        size_t len = config->hosts->item[i].len;

        if (strncasecmp(host, (const char *)config->hosts->item[i].ptr, len) == 0 &&
            (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return false;
}

static bool path_matches(const struct http_route *route, const char *path, const char **rest)
{
    size_t len = strlen(route->path);
    bool prefix = len > 1 && route->path[len - 1] == '/';

    if (prefix ? strncmp(route->path, path, len) != 0 : strcmp(route->path, path) != 0)
        return false;
    *rest = path + len;
    return true;
}

static bool type_matches(const char *wanted, const char *given)
{
    size_t len = given == NULL ? 0 : strcspn(given, "; \t");

    return wanted == NULL || (len == strlen(wanted) && strncasecmp(wanted, given, len) == 0);
}

/* Finds the route, or the status that says why there is none. */
static unsigned find_route(struct http_request *request, const struct http_route *routes,
                           size_t count)
{
    unsigned status = MHD_HTTP_NOT_FOUND;

    for (size_t i = 0; i < count; i++) {
        const struct http_route *route = &routes[i];

        if (!path_matches(route, request->path, &request->rest))
            continue;
        if (strcmp(route->method, request->method) != 0) {
            status = MHD_HTTP_METHOD_NOT_ALLOWED;
            continue;
        }
        if (!type_matches(route->content_type, http_header(request, MHD_HTTP_HEADER_CONTENT_TYPE)))
            return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
        request->route = route;
        return 0;
    }
    return status;
}

static unsigned route_request(struct http_request *request, const struct http_config *config)
{
    unsigned status;

    if (config->local_only && !local_request(request, config))
        return MHD_HTTP_FORBIDDEN;
    status = find_route(request, config->routes, config->route_count);
    if (status == MHD_HTTP_NOT_FOUND && request->listener->control)
        status = find_route(request, config->control_routes, config->control_route_count);
    return status;
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
    if (status == MHD_HTTP_CONTENT_TOO_LARGE || status == MHD_HTTP_SERVICE_UNAVAILABLE)
        http_set_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        http_set_header(response, MHD_HTTP_HEADER_RETRY_AFTER, HTTP_RETRY_SECONDS);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        http_set_header(response, MHD_HTTP_HEADER_ALLOW,
                        request->listener->server->config->local_only ? "POST" : "GET, POST");
    return send_response(request);
}

static enum MHD_Result first_look(struct http_request *request)
{
    const struct http_config *config = request->listener->server->config;
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

    request->refuse = route_request(request, config);
    if (length != NULL && strtoull(length, NULL, 10) > config->body_max)
        return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE);
    return MHD_YES;
}

/*
 * A chunked body tells its size only by going on. libmicrohttpd takes no answer before a body's
 * end, so over http the answer is written past it; then we read on a little, that the sender may
 * find it.
 */
static enum MHD_Result tell_too_large(struct http_request *request)
{
    static const char answer[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                                 "Content-Length: 0\r\n\r\n";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (request->listener->tls)
        return MHD_NO;
    request->told = true;
    return send(info->connect_fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL) ==
                   (ssize_t)(sizeof answer - 1)
               ? MHD_YES
               : MHD_NO;
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
        if (request->dropped + body->len > 2 * max && !request->told &&
            tell_too_large(request) == MHD_NO)
            return MHD_NO;
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
    if (!request->handled && request->route->slow != NULL &&
        request->route->slow(server->config->ctx, request, &request->work.subject)) {
        MHD_suspend_connection(request->connection);
        request->work.run = run_in_worker;
        workers_add(server->workers, &request->work);
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
