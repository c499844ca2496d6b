/* Clocks that are set ahead, for this thread alone. */
#include "keygen2/base/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>

enum { AHEAD = 100000 };

static void *read_clock(void *ctx)
{
    *(int64_t *)ctx = clock_now();
    return NULL;
}

Test(clock, is_set_ahead_for_one_thread)
{
    int64_t now = clock_now(), monotonic = clock_monotonic_ms(), elsewhere;
    pthread_t thread;

    clock_set_ahead(AHEAD);
    cr_expect_geq(clock_now(), now + AHEAD);
    cr_expect_leq(clock_now(), now + AHEAD + 60);
    cr_expect_geq(clock_monotonic_ms(), monotonic + INT64_C(1000) * AHEAD);
    cr_assert_eq(pthread_create(&thread, NULL, read_clock, &elsewhere), 0);
    (void)pthread_join(thread, NULL);
    cr_expect_lt(elsewhere, now + 60, "another thread has the time as it is");
    clock_set_ahead(0);
    cr_expect_lt(clock_now(), now + 60);
}
