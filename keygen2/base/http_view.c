/* What handlers see of a request, and what they say to it. */
#include "keygen2/base/http_internal.h"
#include "keygen2/base/http_socket.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <string.h>

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

static const struct http_address LOOPBACK = { .octet = { [15] = 1 } };

struct http_address http_client_address(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct http_address address = LOOPBACK;

    if (info != NULL && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)info->client_addr;

        address = (struct http_address){ .octet = { [10] = 0xFF, [11] = 0xFF } };
        memcpy(address.octet + 12, &v4->sin_addr, 4);
    } else if (info != NULL && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)info->client_addr;

        memcpy(address.octet, &v6->sin6_addr, sizeof address.octet);
    }
    return address;
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

void http_address(const struct http_request *request, char *text, size_t size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    socket_address_text(info == NULL ? NULL : info->client_addr, text, size);
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
