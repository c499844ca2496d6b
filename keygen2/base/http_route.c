/* Which route is for a request, and who may ask. */
#include "keygen2/base/http_internal.h"
#include "keygen2/base/http_socket.h"

#include <string.h>
#include <strings.h>

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

unsigned http_find_route(struct http_request *request)
{
    const struct http_config *config = request->listener->server->config;
    unsigned status;

    if (config->local_only && !local_request(request, config))
        return MHD_HTTP_FORBIDDEN;
    status = find_route(request, config->routes, config->route_count);
    if (status == MHD_HTTP_NOT_FOUND && request->listener->control)
        status = find_route(request, config->control_routes, config->control_route_count);
    return status;
}

const char *http_allowed_methods(const struct http_request *request)
{
    const struct http_config *config = request->listener->server->config;
    bool get = false, post = false;
    const char *rest;

    for (size_t i = 0; i < config->route_count; i++)
        if (path_matches(&config->routes[i], request->path, &rest)) {
            get = get || strcmp(config->routes[i].method, "GET") == 0;
            post = post || strcmp(config->routes[i].method, "POST") == 0;
        }
    return get && post ? "GET, POST" : get ? "GET" : "POST";
}
