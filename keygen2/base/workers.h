/* A few threads for what must not hold up a request thread. */
#ifndef KEYGEN2_BASE_WORKERS_H
#define KEYGEN2_BASE_WORKERS_H

#include "keygen2/base/status.h"

/* One piece of work; lives in the caller's memory until run() has returned. */
struct work {
    void (*run)(struct work *work);
    struct work *next; /* of the queue */
};

struct workers;

/** Starts the threads; NULL if that fails. */
struct workers *workers_new(unsigned threads);

/** Queues a piece of work; first come, first served. */
void workers_add(struct workers *workers, struct work *work);

/** Runs what is queued to its end, joins the threads, frees. NULL is allowed. */
void workers_free(struct workers *workers);

#endif
