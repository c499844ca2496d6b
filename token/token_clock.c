#include "token/token_clock.h"
#include "keygen2/base/clock.h"

void token_clock_start(struct token_clock *clock, int64_t at_least)
{
    int64_t now = 1000 * clock_now();

    clock->base = now < at_least ? at_least : now;
    clock->begun = clock_monotonic_ms();
}

int64_t token_clock_now(const struct token_clock *clock)
{
    return clock->base + clock_monotonic_ms() - clock->begun;
}
