/* The same work by several threads at once, for a while. */
#ifndef TESTS_BENCH_ISSUER_CROWD_H
#define TESTS_BENCH_ISSUER_CROWD_H

#include "tests/bench/bench.h"

struct crowd_result {
    unsigned done;  /* runs of all together */
    double seconds; /* from the first start to the last end */
};

/**
 * Each member's operation runs again and again in a thread of its own until the time is over; a
 * run that has begun is finished.
 *
 * @param member  its `spent` is not looked at
 */
struct crowd_result crowd_run(const struct operation *member, unsigned members, double seconds);

#endif
