/*
 * How benchmarks measure. An operation of ours and the bare libcrypto operation that it contains
 * run in turns, in short windows; the figure is the median over the rounds of the ratio within one
 * round, as the speed of a machine drifts.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* Something that is measured: runs once a call; `number` counts up from 0. */
struct operation {
    void (*run)(void *ctx, unsigned number);
    void *ctx;
    const double *spent; /* seconds that it has counted of itself so far; NULL: all are its own */
};

/* Of one measurement; rates in operations a second. */
struct ratio {
    double ours, bare, share; /* share: of the bare rate that ours reaches */
};

/** Seconds of a clock that only goes forward. */
double bench_now(void);

/** Seconds of CPU that the calling thread has used. */
double bench_cpu_now(void);

/** Seconds of CPU that the whole process has used. */
double bench_process_cpu_now(void);

struct ratio bench_compare(const struct operation *ours, const struct operation *bare);

/** Microseconds a call, the median of as many as given. */
double bench_median_us(const struct operation *operation, unsigned times);

/** The p-th percentile of values, which get sorted. @param p 0..100 */
double bench_percentile(double *value, size_t count, double p);

/* ---- what comes out: a table for people, or JSON ---- */

/** @param json  prints one JSON object at the end instead of lines */
void bench_begin(bool json);

/** A heading of the table. */
void bench_section(const char *title);

/** A comparison. @param name unique; @param text what it is, for people */
void bench_ratio(const char *name, const char *text, struct ratio ratio);

/** A figure with its unit. @param goal what it is held to, NULL for none */
void bench_figure(const char *name, const char *text, double value, const char *unit);

void bench_end(void);

#endif
