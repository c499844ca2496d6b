/* One of our programs as a child: started, asked what it uses, stopped. */
#ifndef TESTS_BENCH_CHILD_H
#define TESTS_BENCH_CHILD_H

#include <stddef.h>

struct child;

/**
 * Starts a program of $SKS_BUILD (default build/) and waits for its line "ready ...". What it says
 * on standard error is dropped. Ends this program if it does not get ready.
 *
 * @param program   "sks-token"
 * @param argument  what follows the program's name, NULL at the end
 * @param ready     out: what stands behind "ready "
 */
struct child *child_start(const char *program, const char *const argument[], char *ready,
                          size_t size);

/** Runs a program to its end, which must be exit code 0. */
void child_run(const char *program, const char *const argument[]);

/** Seconds of CPU that it has used so far. */
double child_cpu_seconds(const struct child *child);

/** Ends it by SIGTERM, frees. */
void child_stop(struct child *child);

#endif
