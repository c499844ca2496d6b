#include "tests/bench/bench.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15, CALIBRATION = 16 };
static const double WINDOW = 0.04; /* seconds */

static double seconds_on(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_now(void)
{
    return seconds_on(CLOCK_MONOTONIC);
}

double bench_cpu_now(void)
{
    return seconds_on(CLOCK_THREAD_CPUTIME_ID);
}

double bench_process_cpu_now(void)
{
    return seconds_on(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_percentile(double *value, size_t count, double p)
{
    qsort(value, count, sizeof *value, compare);
    return value[(size_t)(p / 100 * (double)(count - 1) + 0.5)];
}

/* Seconds that `times` operations take. */
static double time_of(const struct operation *operation, unsigned *number, unsigned times)
{
    double spent = operation->spent == NULL ? 0 : *operation->spent, begin = bench_now();

    for (unsigned i = 0; i < times; i++)
        operation->run(operation->ctx, (*number)++);
    return operation->spent == NULL ? bench_now() - begin : *operation->spent - spent;
}

/* How many operations fill a window. */
static unsigned calibrate(const struct operation *operation, unsigned *number)
{
    unsigned times = 1;

    (void)time_of(operation, number, 1); /* the first is dearer than the others */
    for (;;) {
        double seconds = time_of(operation, number, times);

        if (seconds > WINDOW / CALIBRATION)
            return 1 + (unsigned)(times * WINDOW / seconds);
        times *= 2;
    }
}

struct ratio bench_compare(const struct operation *ours, const struct operation *bare)
{
    double our_rate[ROUNDS], bare_rate[ROUNDS], share[ROUNDS];
    unsigned our_number = 0, bare_number = 0;
    unsigned our_times = calibrate(ours, &our_number), bare_times = calibrate(bare, &bare_number);

    for (unsigned i = 0; i < ROUNDS; i++) {
        our_rate[i] = our_times / time_of(ours, &our_number, our_times);
        bare_rate[i] = bare_times / time_of(bare, &bare_number, bare_times);
        share[i] = our_rate[i] / bare_rate[i];
    }
    return (struct ratio){ .ours = bench_percentile(our_rate, ROUNDS, 50),
                           .bare = bench_percentile(bare_rate, ROUNDS, 50),
                           .share = bench_percentile(share, ROUNDS, 50) };
}

double bench_median_us(const struct operation *operation, unsigned times)
{
    double *us = calloc(times, sizeof *us), median;
    unsigned number = 0;

    if (us == NULL)
        abort();
    for (unsigned i = 0; i < times; i++)
        us[i] = 1e6 * time_of(operation, &number, 1);
    median = bench_percentile(us, times, 50);
    free(us);
    return median;
}

static json_t *results; /* NULL: a table */

void bench_begin(bool json)
{
    results = json ? json_object() : NULL;
}

void bench_section(const char *title)
{
    if (results == NULL)
        (void)printf("\n%s\n", title);
}

void bench_ratio(const char *name, const char *text, struct ratio r)
{
    if (results == NULL)
        (void)printf("  %-46s %9.0f/s  bare %9.0f/s  %6.1f %%\n", text, r.ours, r.bare,
                     100 * r.share);
    else
        (void)json_object_set_new(results, name,
                                  json_pack("{s:f,s:f,s:f}", "perSecond", r.ours, "barePerSecond",
                                            r.bare, "share", r.share));
    (void)fflush(stdout);
}

void bench_figure(const char *name, const char *text, double value, const char *unit)
{
    if (results == NULL)
        (void)printf("  %-46s %11.3f %s\n", text, value, unit);
    else
        (void)json_object_set_new(results, name,
                                  json_pack("{s:f,s:s}", "value", value, "unit", unit));
    (void)fflush(stdout);
}

void bench_end(void)
{
    if (results == NULL)
        return;
    (void)json_dumpf(results, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)printf("\n");
    json_decref(results);
}
