/* The server's life: listeners, threads, the stop. */
#include "keygen2/base/clock.h"
#include "keygen2/base/http_internal.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/http_tls.h"
#include "keygen2/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS = 2,
    WORKERS = 64,
    CONNECTIONS_MAX = 1000,
    OWN_DESCRIPTORS = 200,
    SLACK = 16, /* libmicrohttpd refuses what goes beyond, and still counts some that are closed */
    SEND_SECONDS = 60, /* without a byte taken by the client */
    STOP_SECONDS = 10,
    DRAIN_TICK_MS = 50,
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

/* The usual soft limit of 1024 is less than two full listeners and a database. */
static void allow_descriptors(size_t connections)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= connections + OWN_DESCRIPTORS)
        return;
    limit.rlim_cur = connections + OWN_DESCRIPTORS;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum sks_status http_server_new(const struct http_config *config, struct http_server **server,
                                struct sks_error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    unsigned max;

    *server = NULL;
    if (s == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "out of memory");
    s->config = config;
    (void)pthread_mutex_init(&s->lock, NULL);
    clock_condition_init(&s->less);
    max = config->connections_max == 0 ? (unsigned)CONNECTIONS_MAX : config->connections_max;
    allow_descriptors(LISTENERS_MAX * (size_t)max);
    s->guard = http_guard_new(config->request_time, max - max / 4);
    s->workers = workers_new(config->workers == 0 ? WORKERS : config->workers);
    if (s->guard == NULL || s->workers == NULL) {
        http_server_free(s);
        return sks_fail(err, SKS_ERROR_STORAGE, "cannot start the server's threads");
    }
    *server = s;
    return SKS_OK;
}

static struct MHD_Daemon *start_daemon(struct listener *l)
{
    const struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_PRIORITIES, 0,
          (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                     (l->tls ? (unsigned)MHD_USE_TLS : 0U);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_request_arrives, l, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, http_request_begins, l, MHD_OPTION_NOTIFY_COMPLETED,
        http_request_ends, l, MHD_OPTION_NOTIFY_CONNECTION, connection_changes, l,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SEND_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
        l->connections_max + SLACK, MHD_OPTION_ARRAY, l->tls ? tls : plain,
        l->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, http_tls_retrieve,
        MHD_OPTION_END);
}

static bool start_daemons(struct listener *l)
{
    const struct http_config *config = l->server->config;
    unsigned threads = config->threads == 0 ? THREADS : config->threads;
    unsigned connections =
        config->connections_max == 0 ? (unsigned)CONNECTIONS_MAX : config->connections_max;

    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    l->connections_max = (connections + threads - 1) / threads;
    for (l->threads = 0; l->threads < threads; l->threads++) {
        l->thread[l->threads].daemon = start_daemon(l);
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
    if (cert_pem != NULL)
        TRY(http_tls_use(cert_pem, key_pem, err));
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
    if (!start_daemons(l)) {
        stop_listener(l);
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: the HTTP server does not start", address);
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

static void set_stop_time(struct http_server *server, unsigned seconds)
{
    (void)clock_gettime(CLOCK_MONOTONIC, &server->until);
    server->until.tv_sec += (time_t)seconds;
}

static bool is_late(const struct timespec *until)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

void http_server_drain(struct http_server *server, unsigned seconds)
{
    const struct timespec tick = { .tv_nsec = DRAIN_TICK_MS * 1000000L };

    set_stop_time(server, seconds);
    do
        (void)nanosleep(&tick, NULL); /* for those who knock at this moment */
    while (http_guard_drain(server->guard) > 0 && !is_late(&server->until));
}

/* Waits until what is in flight is answered, within reason; all that comes meanwhile gets 503: the
 * listeners stay open so long. */
static void finish_flight(struct http_server *server)
{
    const struct timespec until = server->until;
    int late = 0;

    (void)pthread_mutex_lock(&server->lock);
    server->stopping = true;
    while (server->in_flight > 0 && late == 0)
        late = pthread_cond_timedwait(&server->less, &server->lock, &until);
    server->late = late != 0;
    (void)pthread_mutex_unlock(&server->lock);
}

void http_server_free(struct http_server *server)
{
    bool tls = false;

    if (server == NULL)
        return;
    if (server->until.tv_sec == 0)
        set_stop_time(server, STOP_SECONDS);
    finish_flight(server);
    workers_stop(server->workers); /* every suspended connection is resumed after this */
    for (size_t i = 0; i < server->listeners; i++) {
        stop_listener(&server->listener[i]);
        tls = tls || server->listener[i].tls;
    }
    if (tls)
        http_tls_free();
    workers_free(server->workers); /* a request thread may have come to them until now */
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

void http_unblock_signals(void)
{
    sigset_t set;

    stop_signals(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
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
