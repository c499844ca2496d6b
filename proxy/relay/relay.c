/* The relay's life: listener, connections, the stop. */
#include "keygen2/base/clock.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"
#include "proxy/relay/relay_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_SECONDS = 60, /* for a request to arrive */
    SEND_SECONDS = 60,    /* without a byte taken by the client */
    STOP_SECONDS = 10,
};

static void connection_begins(struct relay *relay, struct MHD_Connection *mhd, void **context)
{
    struct relay_connection *c = calloc(1, sizeof *c);

    *context = c;
    if (c == NULL)
        return; /* its requests find that out */
    c->relay = relay;
    c->number = (uint32_t)++relay->connections;
    c->guarded = http_guard_open(
        relay->guard, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

static void connection_ends(struct relay *relay, struct relay_connection *c)
{
    if (c == NULL)
        return;
    http_guard_close(relay->guard, c->guarded);
    upstream_free(c->upstream);
    free(c->target);
    free(c);
}

static void connection_changes(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_begins(cls, mhd, context);
    else
        connection_ends(cls, *context);
}

static struct MHD_Daemon *start_daemon(struct relay *relay, int fd)
{
    const struct relay_config *config = relay->config;
    bool tls = config->cert_pem != NULL;
    const struct MHD_OptionItem options[] = {
        { tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
          (void *)(uintptr_t)config->cert_pem },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->key_pem },
        { MHD_OPTION_HTTPS_PRIORITIES, 0,
          (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
        { MHD_OPTION_END, 0, NULL },
    };
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG |
                     (tls ? (unsigned)MHD_USE_TLS : 0U);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_arrives, relay, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, exchange_begins, relay,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_ends, relay, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changes, relay, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SEND_SECONDS,
        MHD_OPTION_CONNECTION_LIMIT, config->connections, MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
}

static enum sks_status listen_at(struct relay *relay, struct sks_error *err)
{
    char bound[sizeof relay->url - sizeof "https://"];
    bool tls = relay->config->cert_pem != NULL;
    int fd;
    enum sks_status rc;

    TRY(socket_listen(relay->config->listen, &fd, bound, sizeof bound, err));
    (void)snprintf(relay->url, sizeof relay->url, "%s%s",
                   strncmp(bound, "unix:", 5) == 0 ? ""
                   : tls                           ? "https://"
                                                   : "http://",
                   bound);
    relay->daemon = start_daemon(relay, fd);
    if (relay->daemon == NULL) {
        (void)close(fd);
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: the HTTP server does not start%s",
                      relay->config->listen, tls ? " (is the TLS key the certificate's?)" : "");
    }
out:
    return rc;
}

enum sks_status relay_start(const struct relay_config *config, struct relay **relay,
                            const char **url, struct sks_error *err)
{
    struct relay *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *relay = NULL;
    if (made == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for a relay");
    made->config = config;
    made->upstream = (struct upstream_config){ config->to, config->ca_file, config->insecure,
                                               config->timeout, &made->stop };
    (void)pthread_mutex_init(&made->lock, NULL);
    clock_condition_init(&made->less);
    made->guard = http_guard_new(REQUEST_SECONDS, config->connections - config->connections / 4);
    REQUIRE(made->guard != NULL, err, SKS_ERROR_STORAGE, "cannot start the relay's threads");
    if (config->record != NULL)
        TRY(recorder_open(config->record, &made->recorder, err));
    TRY(listen_at(made, err));
    *url = made->url;
    *relay = made;
    made = NULL;
out:
    if (relay_stop(made, NULL) != SKS_OK && rc == SKS_OK)
        rc = SKS_ERROR_EXTERNAL;
    return rc;
}

static void drain(struct relay *relay)
{
    struct timespec until;
    int late = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    (void)pthread_mutex_lock(&relay->lock);
    relay->stopping = true;
    while (relay->in_flight > 0 && late == 0)
        late = pthread_cond_timedwait(&relay->less, &relay->lock, &until);
    (void)pthread_mutex_unlock(&relay->lock);
    relay->stop = true;
}

enum sks_status relay_stop(struct relay *relay, struct sks_error *err)
{
    enum sks_status rc;

    if (relay == NULL)
        return SKS_OK;
    drain(relay);
    if (relay->daemon != NULL)
        MHD_stop_daemon(relay->daemon);
    if (strncmp(relay->url, "unix:", 5) == 0)
        (void)unlink(relay->url + 5);
    http_guard_free(relay->guard);
    rc = recorder_close(relay->recorder, err);
    (void)pthread_cond_destroy(&relay->less);
    (void)pthread_mutex_destroy(&relay->lock);
    free(relay);
    return rc;
}
