#include "keygen2/base/http_guard.h"
#include "keygen2/base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { TICK_MS = 250, IDLE_SECONDS = 75, DRAIN_IDLE_MS = 1000, SLOW_MS = 3000 };

struct http_guarded {
    struct http_guarded *next, **link; /* *link is this */
    int fd;
    bool arriving, idle;
    int64_t since;    /* it is what it is */
    int64_t deadline; /* of clock_monotonic_ms(), 0: none */
};

struct http_guard {
    pthread_mutex_t lock;
    pthread_cond_t stop;
    pthread_t thread;
    struct http_guarded *first;
    int64_t request_ms;
    size_t count, crowd;
    int64_t drained; /* since then; 0: not yet */
    bool stopping;
};

/* When the server stops, what is half sent has some seconds from then on. */
static bool is_useless(const struct http_guard *guard, const struct http_guarded *c, int64_t now)
{
    int64_t since = c->idle || c->since > guard->drained ? c->since : guard->drained;

    if (guard->drained != 0)
        return since + (c->idle ? DRAIN_IDLE_MS : SLOW_MS) <= now;
    return guard->count > guard->crowd && c->since + SLOW_MS <= now;
}

static void cut_late(struct http_guard *guard)
{
    int64_t now = clock_monotonic_ms();

    for (struct http_guarded *c = guard->first; c != NULL; c = c->next) {
        if (c->deadline != 0 && (c->deadline <= now || is_useless(guard, c, now))) {
            (void)shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees it and closes */
            c->deadline = 0;
        }
    }
}

static void *watch(void *arg)
{
    struct http_guard *guard = arg;
    struct timespec until;

    (void)pthread_mutex_lock(&guard->lock);
    while (!guard->stopping) {
        cut_late(guard);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&guard->stop, &guard->lock, &until);
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return NULL;
}

struct http_guard *http_guard_new(unsigned seconds, size_t crowd)
{
    struct http_guard *guard = calloc(1, sizeof *guard);

    if (guard == NULL)
        return NULL;
    guard->request_ms = 1000 * (int64_t)seconds;
    guard->crowd = crowd;
    (void)pthread_mutex_init(&guard->lock, NULL);
    clock_condition_init(&guard->stop);
    if (pthread_create(&guard->thread, NULL, watch, guard) != 0) {
        free(guard);
        return NULL;
    }
    return guard;
}

void http_guard_free(struct http_guard *guard)
{
    if (guard == NULL)
        return;
    (void)pthread_mutex_lock(&guard->lock);
    guard->stopping = true;
    (void)pthread_cond_signal(&guard->stop);
    (void)pthread_mutex_unlock(&guard->lock);
    (void)pthread_join(guard->thread, NULL);
    (void)pthread_cond_destroy(&guard->stop);
    (void)pthread_mutex_destroy(&guard->lock);
    free(guard);
}

struct http_guarded *http_guard_open(struct http_guard *guard, int fd)
{
    struct http_guarded *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->fd = fd;
    c->arriving = c->idle = true;
    c->since = clock_monotonic_ms();
    (void)pthread_mutex_lock(&guard->lock);
    c->deadline = c->since + guard->request_ms;
    c->next = guard->first;
    c->link = &guard->first;
    if (c->next != NULL)
        c->next->link = &c->next;
    guard->first = c;
    guard->count++;
    (void)pthread_mutex_unlock(&guard->lock);
    return c;
}

void http_guard_close(struct http_guard *guard, struct http_guarded *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&guard->lock); /* after this nobody touches the descriptor */
    guard->count--;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    (void)pthread_mutex_unlock(&guard->lock);
    free(c);
}

size_t http_guard_drain(struct http_guard *guard)
{
    size_t count;

    (void)pthread_mutex_lock(&guard->lock);
    if (guard->drained == 0)
        guard->drained = clock_monotonic_ms();
    count = guard->count;
    (void)pthread_mutex_unlock(&guard->lock);
    return count;
}

static void set(struct http_guard *guard, struct http_guarded *c, bool arriving, bool idle,
                int64_t ms)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&guard->lock);
    c->idle = idle;
    c->since = clock_monotonic_ms();
    if (!arriving || !c->arriving) /* the first request's time began with the connection */
        c->deadline = ms == 0 ? 0 : clock_monotonic_ms() + ms;
    c->arriving = arriving;
    (void)pthread_mutex_unlock(&guard->lock);
}

void http_guard_begin(struct http_guard *guard, struct http_guarded *connection)
{
    set(guard, connection, true, false, guard->request_ms);
}

void http_guard_rest(struct http_guard *guard, struct http_guarded *connection)
{
    set(guard, connection, false, false, 0);
}

void http_guard_idle(struct http_guard *guard, struct http_guarded *connection)
{
    set(guard, connection, false, true, IDLE_SECONDS * 1000);
}
