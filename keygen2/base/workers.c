#include "keygen2/base/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *first, *last;
    bool stopping;
    unsigned threads;
    pthread_t thread[];
};

static struct work *take(struct workers *w)
{
    struct work *work;

    (void)pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stopping)
        (void)pthread_cond_wait(&w->more, &w->lock);
    work = w->first;
    if (work != NULL)
        w->first = work->next;
    (void)pthread_mutex_unlock(&w->lock);
    return work;
}

static void *serve(void *arg)
{
    struct work *work;

    while ((work = take(arg)) != NULL)
        work->run(work);
    return NULL;
}

struct workers *workers_new(unsigned threads)
{
    struct workers *w = calloc(1, sizeof *w + threads * sizeof w->thread[0]);

    if (w == NULL)
        return NULL;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    for (; w->threads < threads; w->threads++) {
        if (pthread_create(&w->thread[w->threads], NULL, serve, w) != 0) {
            workers_free(w);
            return NULL;
        }
    }
    return w;
}

void workers_add(struct workers *w, struct work *work)
{
    work->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    if (w->first == NULL)
        w->first = work;
    else
        w->last->next = work;
    w->last = work;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
}

void workers_free(struct workers *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->threads; i++)
        (void)pthread_join(w->thread[i], NULL);
    (void)pthread_cond_destroy(&w->more);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}
