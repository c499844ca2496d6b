/* Cases together: several alterations of one session. */
#ifndef MATRIX_COMBINE_H
#define MATRIX_COMBINE_H

#include "matrix/plan.h"

enum { COMBINE_MAX = 4 };

/**
 * Makes one of several.
 *
 * @param part   1 to COMBINE_MAX of them; in the order in which their rules apply
 * @param arena  holds what the result points to
 * @return NULL without memory
 */
const struct plan_case *combine(const struct plan_case *const *part, size_t parts,
                                struct arena *arena);

/**
 * Draws two or more of the cases and makes one of them.
 *
 * @param chosen  places of those to draw from; count of them, at least one
 * @param state   of the generator, not 0
 */
const struct plan_case *combine_random(const struct plan_case *item, const size_t *chosen,
                                       size_t count, uint64_t *state, struct arena *arena);

/** A number of xorshift64*: the same for the same state, on any machine. */
uint64_t combine_draw(uint64_t *state);

#endif
