/* The server's life: listeners, threads, the stop. */
#include "keygen2/base/http_internal.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS = 2,
    WORKERS = 64,
    CONNECTIONS_MAX = 1000,
    SLACK = 16, /* libmicrohttpd refuses what goes beyond, and still counts some that are closed */
    SEND_SECONDS = 60, /* without a byte taken by the client */
    STOP_SECONDS = 10,
};

static void connection_changes(void *cls, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = cls;
    struct http_guard *guard = l->server->guard;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = http_guard_open(
            guard,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        http_guard_close(guard, *context);
        http_accept_closed(l,
                           MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon);
    }
}

enum sks_status http_server_new(const struct http_config *config, struct http_server **server,
                                struct sks_error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;

    *server = NULL;
    if (s == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "out of memory");
    s->config = config;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->less, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    s->guard = http_guard_new(config->request_time);
    s->workers = workers_new(config->workers == 0 ? WORKERS : config->workers);
    if (s->guard == NULL || s->workers == NULL) {
        http_server_free(s);
        return sks_fail(err, SKS_ERROR_STORAGE, "cannot start the server's threads");
    }
    *server = s;
    return SKS_OK;
}

static void log_mhd(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_mhd(void *cls, const char *format, va_list args)
{
    char text[256];

    (void)cls;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http: %s", text);
}

static struct MHD_Daemon *start_daemon(struct listener *l, const char *cert_pem,
                                       const char *key_pem)
{
    const struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert_pem },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key_pem },
        { MHD_OPTION_HTTPS_PRIORITIES, 0,
          (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                     (l->tls ? (unsigned)MHD_USE_TLS : 0U);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_request_arrives, l, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, http_request_begins, l, MHD_OPTION_NOTIFY_COMPLETED,
        http_request_ends, l, MHD_OPTION_NOTIFY_CONNECTION, connection_changes, l,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SEND_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        l->connections_max + SLACK, MHD_OPTION_ARRAY, l->tls ? tls : plain, MHD_OPTION_END);
}

static bool start_daemons(struct listener *l, const char *cert_pem, const char *key_pem)
{
    const struct http_config *config = l->server->config;
    unsigned threads = config->threads == 0 ? THREADS : config->threads;
    unsigned connections =
        config->connections_max == 0 ? (unsigned)CONNECTIONS_MAX : config->connections_max;

    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    l->connections_max = (connections + threads - 1) / threads;
    for (l->threads = 0; l->threads < threads; l->threads++) {
        l->thread[l->threads].daemon = start_daemon(l, cert_pem, key_pem);
        if (l->thread[l->threads].daemon == NULL)
            return false;
    }
    return http_accept_start(l);
}

static void stop_listener(struct listener *l)
{
    http_accept_stop(l);
    for (unsigned i = 0; i < l->threads; i++)
        MHD_stop_daemon(l->thread[i].daemon);
    if (strncmp(l->url, "unix:", 5) == 0)
        (void)unlink(l->url + 5);
}

static enum sks_status add_listener(struct http_server *server, const char *address,
                                    const char *cert_pem, const char *key_pem, bool control,
                                    const char **url, struct sks_error *err)
{
    struct listener *l = &server->listener[server->listeners];
    char bound[URL_SIZE - sizeof "https://"];
    enum sks_status rc;

    REQUIRE(server->listeners < LISTENERS_MAX, err, SKS_ERROR_OPTION, "too many listeners");
    TRY(socket_listen(address, &l->fd, bound, sizeof bound, err));
    l->server = server;
    l->stop = -1;
    l->tls = cert_pem != NULL;
    l->control = control;
    (void)snprintf(l->url, sizeof l->url, "%s%s",
                   strncmp(bound, "unix:", 5) == 0 ? ""
                   : l->tls                        ? "https://"
                                                   : "http://",
                   bound);
    if (!start_daemons(l, cert_pem, key_pem)) {
        stop_listener(l);
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: the HTTP server does not start%s", address,
                        l->tls ? " (is the TLS key the certificate's?)" : "");
    }
    server->listeners++;
    *url = l->url;
out:
    return rc;
}

enum sks_status http_server_listen(struct http_server *server, const char *address,
                                   const char *cert_pem, const char *key_pem, const char **url,
                                   struct sks_error *err)
{
    return add_listener(server, address, cert_pem, key_pem, false, url, err);
}

enum sks_status http_server_listen_control(struct http_server *server, const char *address,
                                           struct sks_error *err)
{
    const char *url;

    return add_listener(server, address, NULL, NULL, true, &url, err);
}

/* Waits until what is in flight is answered, within reason; all that comes meanwhile gets 503: the
 * listeners stay open so long. */
static void drain(struct http_server *server)
{
    struct timespec until;
    int late = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    (void)pthread_mutex_lock(&server->lock);
    server->stopping = true;
    while (server->in_flight > 0 && late == 0)
        late = pthread_cond_timedwait(&server->less, &server->lock, &until);
    server->late = late != 0;
    (void)pthread_mutex_unlock(&server->lock);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    drain(server);
    workers_free(server->workers); /* every suspended connection is resumed after this */
    for (size_t i = 0; i < server->listeners; i++)
        stop_listener(&server->listener[i]);
    http_guard_free(server->guard);
    (void)pthread_cond_destroy(&server->less);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

static void stop_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

void http_block_signals(void)
{
    sigset_t set;

    stop_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

int http_wait_for_signal(void)
{
    sigset_t set;
    int number = 0;

    stop_signals(&set);
    while (sigwait(&set, &number) != 0)
        ;
    return number;
}
