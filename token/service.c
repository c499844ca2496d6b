#include "token/service.h"
#include "keygen2/objects.h"

enum {
    BODY_MAX = SKS_EXTENSION_DATA_MAX + 64 * 1024,
    REQUEST_SECONDS = 30,
};

static const char OCTETS[] = "application/octet-stream";

static void post_sks(void *ctx, const struct http_request *request, struct http_response *response)
{
    response->content_type = OCTETS;
    token_process(ctx, http_body(request), &response->body);
}

static bool is_slow(void *ctx, const struct http_request *request)
{
    return token_request_is_slow(ctx, http_body(request));
}

static const struct http_route ROUTES[] = {
    { "POST", "/sks", OCTETS, post_sks, is_slow },
};

void service_configure(struct http_config *config, struct token *token,
                       const struct bytes_list *hosts)
{
    *config = (struct http_config){
        .routes = ROUTES,
        .route_count = NITEMS(ROUTES),
        .ctx = token,
        .body_max = BODY_MAX,
        .request_time = REQUEST_SECONDS,
        .local_only = true,
        .hosts = hosts,
    };
}
