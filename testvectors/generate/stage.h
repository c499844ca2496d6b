/* Calls behind a play: a group whose tests all go on from the same place. */
#ifndef TESTVECTORS_GENERATE_STAGE_H
#define TESTVECTORS_GENERATE_STAGE_H

#include "testvectors/generate/play.h"

struct stage {
    struct suite *s;
    const char *profile;     /* reading; NULL where all readings agree */
    struct play *base, *now; /* owned: where all begin, and the test under way */
};

/** @param g out: free with stage_free() */
void stage_new(struct stage *g, struct suite *s, const char *profile);
void stage_free(struct stage *g);

/** Begins the group, with the base as it is now. @param type of the group */
void stage_set(struct stage *g, const char *type);

/** Goes back to the end of the base. Returns g->now. */
struct play *stage_again(struct stage *g);

/** Adds a test of the calls since then; the last one is the one in question. */
void stage_add(struct stage *g, const struct expect *e, const char *flag, const char *section,
               const char *comment);

#endif
