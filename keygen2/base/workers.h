/*
 * Threads for what must not hold up a request thread, started as they are needed. Work on one
 * subject is done piece after piece: it would only wait for itself, on threads that others need.
 */
#ifndef KEYGEN2_BASE_WORKERS_H
#define KEYGEN2_BASE_WORKERS_H

#include "keygen2/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* One piece of work; lives in the caller's memory until run() has returned. */
struct work {
    void (*run)(struct work *work);
    uint64_t subject;  /* 0: none */
    struct work *next; /* of the queue */
};

struct workers;

/** Starts one thread, so that there is always one; NULL if that fails. @param max  how many there
 * may be */
struct workers *workers_new(unsigned max);

/** Queues a piece of work; first come, first served, but for what its subject must wait for.
 * @return false if they stop: it is not run */
CHECKED bool workers_add(struct workers *workers, struct work *work);

/** Takes no more work, runs what is queued to its end, joins the threads. NULL is allowed. */
void workers_stop(struct workers *workers);

/** Stops them, and frees. Nobody may add to them any more. NULL is allowed. */
void workers_free(struct workers *workers);

#endif
