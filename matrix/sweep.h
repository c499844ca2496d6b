/* The sweep: all cases of some scenarios, each in a session of its own that begins with the same
 * state of both ends. */
#ifndef MATRIX_SWEEP_H
#define MATRIX_SWEEP_H

#include "matrix/journal.h"

#include <signal.h>

enum { SCENARIO_BEFORE_MAX = 3 };

/* Stands for no session: the issuer's key management key gets a next generation. */
#define ROLL_OVER "a roll-over of the key management key"

struct scenario {
    const char *profile;
    const char *before[SCENARIO_BEFORE_MAX + 1]; /* profiles of clean sessions that come first */
    bool once;  /* a second session cannot succeed: an earlier one is forgotten by both ends */
    bool waits; /* for the operator */
};

extern const struct scenario SCENARIOS[];
extern const size_t SCENARIOS_COUNT;

/* One case that was tried; of a combination that nobody noticed, the smallest part that still shows
 * it. */
struct case_result {
    const struct scenario *scenario;
    const struct plan_case *item;
    enum matrix_verdict verdict;
    bool leftover;
    const struct run *run;
};

struct sweep_config {
    const char *profiles; /* folder of the issuer's profiles */
    struct rig_ends ends;
    const char *folder;          /* for the ends' stores; empty */
    const char *only;            /* cases of this message; NULL: of all */
    const char *only_at;         /* and of this path and below it; NULL: of all */
    const struct plan_case *own; /* tried in place of the plan's; NULL: none */
    size_t owns;
    size_t max;              /* cases of a scenario; 0: all */
    size_t random;           /* combinations of several cases, in their place; 0: none */
    uint64_t seed;           /* draws them */
    bool checking;           /* the middleware makes its own checks: else it is blind */
    unsigned jobs;           /* threads */
    struct journal *journal; /* cases in it are not tried again; NULL: none */
    const volatile sig_atomic_t *stop;
    /* Told of each case, in no order, by one thread at a time. */
    void (*told)(void *ctx, const struct case_result *result);
    /* Told how far it is, likewise. NULL: nobody asks. */
    void (*progress)(void *ctx, const struct scenario *scenario, size_t done, size_t all);
    void *ctx;
};

/* Cases by verdict, all and those after which the token holds what it should not. */
struct sweep_result {
    size_t cases[MATRIX_VERDICTS], leftovers;
    size_t planned;   /* cases that there are */
    size_t unreached; /* those whose session ended before the message came; they are unfit */
    char unreached_cause[200];
    json_t *limits; /* what could not be judged or set back, a text each; NULL: nobody asks */
};

/** The scenario of a profile; NULL: there is none. */
const struct scenario *scenario_find(const char *profile);

/**
 * Sweeps one scenario.
 *
 * @param result  counts are added
 * @return SKS_ERROR_NOT_ALLOWED if a clean session fails; SKS_ERROR_EXTERNAL if one fails at the
 *         end, with an end elsewhere; SKS_ERROR_USER_ABORT if *stop ended it
 */
CHECKED enum sks_status sweep(const struct sweep_config *config, const struct scenario *scenario,
                              struct sweep_result *result, struct sks_error *err);

#endif
