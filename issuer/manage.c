#include "issuer/manage.h"
#include "issuer/data_folder.h"
#include "issuer/metrics.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/http_server.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    BODY_MAX = 1024, /* nobody need send one */
    REQUEST_SECONDS = 10,
    CONNECTIONS = 64,
    WORKERS = 4,
    LOOK_EVERY_MS = 1000, /* who asks more often gets the same answer */
};

static const char METRICS_TYPE[] = "text/plain; version=0.0.4; charset=utf-8";
static const char TEXT_TYPE[] = "text/plain; charset=utf-8";

struct management {
    struct issuer *issuer;
    const char *data;
    struct http_config config;
    struct http_server *server;
    pthread_mutex_t lock; /* of what follows */
    bool looked, healthy;
    int64_t looked_at;
    struct sks_error reason;
};

/* ---- GET /healthz ---- */

static void look(struct management *m)
{
    bool healthy;

    m->reason = (struct sks_error){ 0 };
    healthy = data_folder_look(m->data, &m->reason) == SKS_OK &&
              key_management_look(&m->issuer->key_management, m->data, &m->reason) == SKS_OK &&
              session_store_probe(&m->issuer->store, clock_now(), &m->reason) == SKS_OK;
    if (!healthy && (m->healthy || !m->looked))
        log_error("not healthy: %s", m->reason.text);
    else if (healthy && m->looked && !m->healthy)
        log_info("healthy again");
    m->healthy = healthy;
    m->looked = true;
    m->looked_at = clock_monotonic_ms();
}

static void get_health(void *ctx, const struct http_request *request,
                       struct http_response *response)
{
    struct management *m = ctx;

    (void)request;
    http_set_header(response, "Cache-Control", "no-store");
    if (atomic_load(&m->issuer->stopping)) { /* who sends people here has to know at once */
        http_answer(response, 503, TEXT_TYPE, bytes_of("stopping\n"));
        return;
    }
    (void)pthread_mutex_lock(&m->lock);
    if (!m->looked || clock_monotonic_ms() - m->looked_at >= LOOK_EVERY_MS)
        look(m);
    http_answer(response, m->healthy ? 200 : 503, TEXT_TYPE,
                bytes_of(m->healthy ? "ok" : m->reason.text));
    (void)pthread_mutex_unlock(&m->lock);
    put_text(&response->body, "\n");
}

/* ---- GET /metrics ---- */

static void get_metrics(void *ctx, const struct http_request *request,
                        struct http_response *response)
{
    struct management *m = ctx;

    (void)request;
    http_answer(response, 200, METRICS_TYPE, (struct bytes){ 0 });
    put_metrics(&response->body, m->issuer);
}

/* Both may wait for the database. */
static bool is_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    (void)ctx, (void)request, (void)subject;
    return true;
}

static const struct http_route ROUTES[] = {
    { "GET", "/healthz", NULL, get_health, is_slow },
    { "GET", "/metrics", NULL, get_metrics, is_slow },
};

/* ---- start and stop ---- */

enum sks_status management_start(const char *address, bool any, struct issuer *issuer,
                                 const char *data, struct management **management, const char **url,
                                 struct sks_error *err)
{
    struct management *m = NULL;
    enum sks_status rc;

    *management = NULL;
    REQUIRE(any || socket_is_local(address), err, SKS_ERROR_OPTION,
            "--manage: %s is not on the loopback: --manage-any allows it, who can reach it may"
            " read all metrics",
            address);
    m = calloc(1, sizeof *m);
    REQUIRE(m != NULL, err, SKS_ERROR_STORAGE, "no memory for the management listener");
    m->issuer = issuer;
    m->data = data;
    m->config = (struct http_config){
        .routes = ROUTES,
        .route_count = NITEMS(ROUTES),
        .ctx = m,
        .body_max = BODY_MAX,
        .request_time = REQUEST_SECONDS,
        .workers = WORKERS,
        .local_only = !any, /* web pages have no business here */
        .connections_max = CONNECTIONS,
    };
    (void)pthread_mutex_init(&m->lock, NULL);
    TRY(http_server_new(&m->config, &m->server, err));
    TRY(http_server_listen(m->server, address, NULL, NULL, url, err));
    *management = m;
    m = NULL;
out:
    management_stop(m);
    return rc;
}

void management_stop(struct management *management)
{
    if (management == NULL)
        return;
    http_server_free(management->server);
    (void)pthread_mutex_destroy(&management->lock);
    free(management);
}
