/* Runs one of our programs to its end, without a shell. */
#ifndef INTEROP_RUN_H
#define INTEROP_RUN_H

#include "keygen2/base/bytes.h"

#include <signal.h>

enum { RUN_WORDS_MAX = 32 };

/* A command line, of borrowed words. */
struct words {
    const char *item[RUN_WORDS_MAX + 1]; /* NULL ends it */
    size_t count;
};

/** Adds words up to a NULL. What does not fit fails run_program(). */
void words_add(struct words *words, ...) __attribute__((sentinel));

/* Start with {0}; free with run_result_free(). */
struct run_result {
    int code; /* exit code; 128 and the signal's number if one ended it */
    struct buf out, err;
};

/**
 * Runs it to its end.
 *
 * @param words    the first is looked for in PATH
 * @param seconds  that it may take; then it is killed
 * @return SKS_ERROR_EXTERNAL if it cannot be run, takes too long, or writes more than 8 MiB
 */
CHECKED enum sks_status run_program(const struct words *words, unsigned seconds,
                                    struct run_result *result, struct sks_error *err);

void run_result_free(struct run_result *result);

/** The last line of what it said on standard error. */
void run_complaint(const struct run_result *result, char *text, size_t size);

/** From now on what runs is killed as soon as *stop is not 0. */
void run_until(const volatile sig_atomic_t *stop);

#endif
