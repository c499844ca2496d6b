/* The issuer's calls, with right MACs unless they are to be wrong. */
#ifndef TESTS_FUZZ_SUPPORT_ISSUER_H
#define TESTS_FUZZ_SUPPORT_ISSUER_H

#include "tests/fuzz/support/world.h"

/* How a call is made wrong. */
struct twist {
    unsigned before; /* so many fields are altered before the MAC is made */
    bool after;      /* one is altered behind it */
};

enum { ISSUER_STEPS = 16 };

/**
 * Makes one call of the issuer, if the world has something to call about.
 *
 * @param input  what to call about, and with which values
 * @param step   0 to ISSUER_STEPS - 1; issuer.c has the list
 */
void issuer_step(struct world *world, struct input *input, size_t step, struct twist twist);

/** Remembers a session of the 2010 profile that was created; checks what the token gave of its key.
 */
void issuer_keep_session_2010(struct world *world, const struct session_2010_terms *in,
                              const struct create_session_2010_out *out);

#endif
