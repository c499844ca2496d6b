/* A middleware between the issuer of a rig and one of its tokens, and whoever sits on both hops. */
#ifndef MATRIX_CLIENT_H
#define MATRIX_CLIENT_H

#include "matrix/issuer_end.h"
#include "matrix/rig.h"
#include "matrix/token_end.h"

#include <limits.h>
#include <signal.h>

struct client {
    struct issuer_end *issuer;
    struct token_end *token;
    uint32_t connection;
    bool used;              /* since the state that was kept */
    bool checking;          /* the middleware does */
    char waiting[PATH_MAX]; /* folder of sessions that wait for the issuer; "": none may */
    volatile sig_atomic_t stop;
    /* Of the session under way. */
    const struct sks_dialect *dialect;
    struct buf leaf; /* certificate that the issuer shows: nobody in the middle has another */
    struct attack *attack;
    run_watcher *watch;
    void *watch_ctx;
    struct run *run;
    int64_t ahead; /* seconds by which its messages were held back */
    bool leaving;  /* it gives up once the attack has hit */
    bool given_up; /* the middleware says goodbye: nothing is attacked any more */
};

/* PINs of the keys: those that the user chooses come first, then those that profiles preset. NULL
 * ends them. */
extern const char *const CLIENT_PINS[];

/** Begins a run, of one session or more visits of it. @param attack, watch as of rig_run() */
void client_begin(struct client *c, struct attack *attack, run_watcher *watch, void *ctx,
                  struct run *run);

/** One session; where it waits for the operator, who approves, it goes on. */
CHECKED enum sks_status client_run_session(struct client *c, const char *profile,
                                           struct sks_error *err);

/** What is still open is over, and the issuer says how many sessions came to what. */
CHECKED enum sks_status client_end(struct client *c, struct sks_error *err);

#endif
