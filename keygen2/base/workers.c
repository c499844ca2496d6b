#include "keygen2/base/workers.h"

#include <pthread.h>
#include <stdlib.h>

/* A thread with what it works on. */
struct worker {
    struct workers *all;
    uint64_t subject; /* 0: none */
    pthread_t thread;
};

struct workers {
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t more;
    struct work *first, **last;
    bool stopping;
    unsigned idle, threads, max;
    struct worker worker[];
};

static bool is_busy(const struct workers *w, uint64_t subject)
{
    for (unsigned i = 0; i < w->threads && subject != 0; i++)
        if (w->worker[i].subject == subject)
            return true;
    return false;
}

/* Where the first piece is that need not wait for its subject; at NULL if there is none. */
static struct work **find(struct workers *w)
{
    struct work **at = &w->first;

    while (*at != NULL && is_busy(w, (*at)->subject))
        at = &(*at)->next;
    return at;
}

static struct work *take(struct workers *w)
{
    struct work **at = find(w), *work = *at;

    if (work == NULL)
        return NULL;
    *at = work->next;
    if (w->last == &work->next)
        w->last = at;
    return work;
}

static void *serve(void *arg);

static bool start(struct workers *w)
{
    struct worker *worker = &w->worker[w->threads];

    *worker = (struct worker){ .all = w };
    if (pthread_create(&worker->thread, NULL, serve, worker) != 0)
        return false;
    w->threads++;
    return true;
}

/* One more thread for what none is left for; if it does not start, that waits. */
static void grow(struct workers *w)
{
    if (w->idle == 0 && w->threads < w->max && !w->stopping && *find(w) != NULL)
        (void)!start(w);
}

static void *serve(void *arg)
{
    struct worker *self = arg;
    struct workers *w = self->all;
    struct work *work;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while ((work = take(w)) == NULL && !(w->stopping && w->first == NULL)) {
            w->idle++;
            (void)pthread_cond_wait(&w->more, &w->lock);
            w->idle--;
        }
        if (work == NULL)
            break;
        self->subject = work->subject;
        grow(w);
        (void)pthread_mutex_unlock(&w->lock);
        work->run(work); /* and is gone */
        (void)pthread_mutex_lock(&w->lock);
        /* A piece may have been waiting for it, and at the stop others for that piece. */
        if (self->subject != 0 && (w->first != NULL || w->stopping))
            (void)pthread_cond_broadcast(&w->more);
        self->subject = 0;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct workers *workers_new(unsigned max)
{
    struct workers *w = calloc(1, sizeof *w + max * sizeof w->worker[0]);
    bool started;

    if (w == NULL)
        return NULL;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    w->last = &w->first;
    w->max = max;
    (void)pthread_mutex_lock(&w->lock);
    started = start(w);
    (void)pthread_mutex_unlock(&w->lock);
    if (!started) {
        workers_free(w);
        return NULL;
    }
    return w;
}

bool workers_add(struct workers *w, struct work *work)
{
    bool taken;

    work->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    taken = !w->stopping;
    if (taken) {
        *w->last = work;
        w->last = &work->next;
        grow(w);
        (void)pthread_cond_signal(&w->more);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return taken;
}

void workers_stop(struct workers *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads; i++)
        (void)pthread_join(w->worker[i].thread, NULL);
    w->threads = 0;
}

void workers_free(struct workers *w)
{
    if (w == NULL)
        return;
    workers_stop(w);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}
