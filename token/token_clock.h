/* The clock that sessionLifeTime is counted by: it never goes back, whatever is done to the
 * machine's clock, not even over a restart. */
#ifndef TOKEN_TOKEN_CLOCK_H
#define TOKEN_TOKEN_CLOCK_H

#include <stdint.h>

struct token_clock {
    int64_t base;  /* milliseconds since 1970 when it was started */
    int64_t begun; /* monotonic clock then */
};

/** Starts it at the machine's time, or at `at_least` if that is later. */
void token_clock_start(struct token_clock *clock, int64_t at_least);

/** Milliseconds since 1970, never less than before. */
int64_t token_clock_now(const struct token_clock *clock);

#endif
