/* Old evidence and dead sessions: `sks-issuer purge`, and the thread of `serve --purge-after`. */
#ifndef ISSUER_PURGE_H
#define ISSUER_PURGE_H

#include "issuer/store_purge.h"
#include "keygen2/base/program.h"

#include <pthread.h>

/** `sks-issuer purge`: at once, beside a running `serve` too. */
enum exit_code purge_now(const char *data, uint32_t days, bool json);

struct purger {
    struct session_store *store;
    uint32_t days;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool stopping;
    bool running;
};

/** Starts a thread that purges now, and from now on each hour. @param days 0: none is started */
void purger_start(struct purger *purger, struct session_store *store, uint32_t days);

/** Ends it between two small transactions. One that was never started is allowed. */
void purger_stop(struct purger *purger);

#endif
