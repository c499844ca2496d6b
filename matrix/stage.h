/* Both ends in the state that each session of a scenario begins with, and what is known of a clean
 * session: where cases are tried, one after the other. */
#ifndef MATRIX_STAGE_H
#define MATRIX_STAGE_H

#include "matrix/recording.h"
#include "matrix/sweep.h"

struct stage {
    const struct sweep_config *config;
    const struct scenario *scenario;
    struct rig *rig;
    struct recording *other[PLAN_SOURCES]; /* other sessions of the scenario */
    struct expectation expected;
};

/**
 * Sets one up, whose first two members are set.
 *
 * @param number  of it, for its folder
 * @param plan    out: the cases of its clean session, also if this fails; NULL: nobody asks
 */
CHECKED enum sks_status stage_prepare(struct stage *stage, unsigned number, struct made_keys *keys,
                                      struct plan **plan, struct sks_error *err);

/** Tries a case. @param result out: borrows item and run */
CHECKED enum sks_status stage_try(struct stage *stage, const struct plan_case *item,
                                  struct run *run, struct case_result *result,
                                  struct sks_error *err);

/** Whether ends elsewhere still do as they did. */
CHECKED enum sks_status stage_check_again(struct stage *stage, struct sks_error *err);

void stage_free(struct stage *stage);

#endif
