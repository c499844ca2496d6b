#include "issuer/purge.h"
#include "issuer/data_folder.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { DAY_SECONDS = 86400, PERIOD_SECONDS = 3600 };

#define PURGED                                                                                     \
    "the evidence of %" PRIu64 " sessions; of %" PRIu64 " sessions nothing is left; %" PRIu64      \
    " invitations"

static enum sks_status purge(struct session_store *store, uint32_t days, const atomic_bool *stop,
                             struct purged *purged, struct sks_error *err)
{
    int64_t now = clock_now();

    return store_purge(store, now - (int64_t)days * DAY_SECONDS, now, stop, purged, err);
}

enum exit_code purge_now(const char *data, uint32_t days, bool json)
{
    struct session_store store = { 0 };
    struct purged purged = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    TRY(purge(&store, days, NULL, &purged, &err));
    (void)printf(json ? "{\"evidence\":%" PRIu64 ",\"sessions\":%" PRIu64
                        ",\"invitations\":%" PRIu64 "}\n"
                      : "purged: " PURGED "\n",
                 purged.evidence, purged.sessions, purged.invitations);
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}

/* ---- the thread ---- */

static void purge_once(struct purger *p)
{
    struct sks_error err = { 0 };
    struct purged purged;

    if (purge(p->store, p->days, &p->stopping, &purged, &err) != SKS_OK)
        log_error("purge: %s", err.text);
    else if (purged.evidence > 0 || purged.sessions > 0 || purged.invitations > 0)
        log_info("purged: " PURGED, purged.evidence, purged.sessions, purged.invitations);
}

static void *run(void *from)
{
    struct purger *p = from;
    struct timespec until;

    while (!atomic_load(&p->stopping)) {
        purge_once(p);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += PERIOD_SECONDS;
        (void)pthread_mutex_lock(&p->lock);
        while (!atomic_load(&p->stopping) &&
               pthread_cond_timedwait(&p->wake, &p->lock, &until) == 0)
            ;
        (void)pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

void purger_start(struct purger *p, struct session_store *store, uint32_t days)
{
    if (days == 0)
        return;
    p->store = store;
    p->days = days;
    (void)pthread_mutex_init(&p->lock, NULL);
    clock_condition_init(&p->wake);
    p->running = pthread_create(&p->thread, NULL, run, p) == 0;
    if (!p->running)
        log_error("nothing will be purged: no thread for it");
}

void purger_stop(struct purger *p)
{
    if (!p->running)
        return;
    (void)pthread_mutex_lock(&p->lock);
    atomic_store(&p->stopping, true);
    (void)pthread_cond_signal(&p->wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    p->running = false;
}
