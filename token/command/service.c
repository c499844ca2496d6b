#include "token/command/service.h"
#include "keygen2/base/log.h"
#include "keygen2/objects.h"
#include "token/api/control.h"
#include "token/api/dialect.h"
#include "token/deactivation.h"

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

static void post_sks_2010(void *ctx, const struct http_request *request,
                          struct http_response *response)
{
    response->content_type = OCTETS;
    token_process_as(ctx, &SKS_DIALECT_2010, http_body(request), &response->body);
}

static bool is_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    return token_request_is_slow(ctx, http_body(request), subject);
}

static void post_activate(void *ctx, const struct http_request *request,
                          struct http_response *response)
{
    union sks_out out = { 0 };
    struct sks_error err = { 0 };

    (void)request;
    response->content_type = OCTETS;
    if (token_activate(ctx, &out.activate.was_deactivated, &err) == SKS_OK)
        sks_encode_response(&response->body, &CONTROL_ACTIVATE, &out);
    else
        sks_encode_failure(&response->body, &err);
    log_info("activate: %s", err.status == SKS_OK ? "the token is active" : err.text);
}

static void post_copy(void *ctx, const struct http_request *request, struct http_response *response)
{
    char name[TOKEN_COPY_NAME_MAX];
    union sks_out out = { 0 };
    struct sks_error err = { 0 };

    (void)request;
    response->content_type = OCTETS;
    if (token_copy(ctx, name, &err) == SKS_OK) {
        out.copy.name = bytes_of(name);
        sks_encode_response(&response->body, &CONTROL_COPY, &out);
    } else {
        sks_encode_failure(&response->body, &err);
    }
    log_info("copy: %s", err.status == SKS_OK ? name : err.text);
}

static bool always_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    (void)ctx, (void)request, (void)subject;
    return true;
}

static const struct http_route ROUTES[] = {
    { "POST", "/sks", OCTETS, post_sks, is_slow },
    { "POST", "/sks/2010", OCTETS, post_sks_2010, is_slow },
};

static const struct http_route CONTROL_ROUTES[] = {
    { "POST", CONTROL_ACTIVATE_PATH, OCTETS, post_activate, always_slow },
    { "POST", CONTROL_COPY_PATH, OCTETS, post_copy, always_slow },
};

void service_configure(struct http_config *config, struct token *token,
                       const struct bytes_list *hosts)
{
    *config = (struct http_config){
        .routes = ROUTES,
        .route_count = NITEMS(ROUTES),
        .control_routes = CONTROL_ROUTES,
        .control_route_count = NITEMS(CONTROL_ROUTES),
        .ctx = token,
        .body_max = BODY_MAX,
        .request_time = REQUEST_SECONDS,
        .local_only = true,
        .hosts = hosts,
    };
}
