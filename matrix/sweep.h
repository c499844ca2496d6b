/* The sweep: all cases of some scenarios, each in a session of its own. */
#ifndef MATRIX_SWEEP_H
#define MATRIX_SWEEP_H

#include "matrix/judge.h"

struct scenario {
    const char *profile;
    const char *before[3]; /* profiles of clean sessions that come first; NULL behind the last */
};

struct case_result {
    const struct scenario *scenario;
    const struct plan_case *item;
    enum matrix_verdict verdict;
    bool leftover;
    const struct run *run;
};

struct sweep_config {
    const char *profiles; /* folder of the issuer's profiles */
    const char *folder;   /* for the ends' stores; empty */
    const char *only;     /* a profile; NULL: all */
    size_t max;           /* cases of a scenario, drawn evenly; 0: all */
    void (*told)(void *ctx, const struct case_result *result); /* by one thread at a time */
    void *ctx;
};

struct sweep_result {
    size_t cases[MATRIX_VERDICTS], leftovers;
};

CHECKED enum sks_status sweep(const struct sweep_config *config, struct sweep_result *result,
                              struct sks_error *err);

#endif
