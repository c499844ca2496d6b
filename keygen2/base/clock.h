/* Time and randomness: the two things of the world that a test must be able to replace. */
#ifndef KEYGEN2_BASE_CLOCK_H
#define KEYGEN2_BASE_CLOCK_H

#include "keygen2/base/bytes.h"

#include <pthread.h>

/**
 * Sets this thread's clocks ahead, by how much in all: a rig that has both ends in a thread lets
 * time pass without waiting. 0: as they are.
 */
void clock_set_ahead(int64_t seconds);

/** Seconds since 1970, UTC. */
int64_t clock_now(void);

/** Milliseconds of a clock that never goes back and counts while the machine sleeps. */
int64_t clock_monotonic_ms(void);

/** As clock_monotonic_ms(), in microseconds. */
int64_t clock_monotonic_us(void);

/** Waits for some seconds, or until stopped(ctx) is true, which it asks ten times a second. */
void clock_wait(unsigned seconds, bool (*stopped)(const void *ctx), const void *ctx);

/** A condition whose timed waits count by CLOCK_MONOTONIC: a clock that is set does not move them.
 */
void clock_condition_init(pthread_cond_t *condition);

enum { BOOT_NAME_MAX = 64 };

/** What the kernel calls the time since the machine was started: another name each time; "" if it
 * does not say. */
void clock_boot_name(char name[BOOT_NAME_MAX]);

/** Fills memory with random bytes fit for keys. */
CHECKED enum sks_status random_bytes(void *out, size_t len);

/** Draws an identifier of `characters` base64url characters (6 random bits each), with a NUL. It
 * never begins with '-', so that it can stand on a command line. */
CHECKED enum sks_status random_id(char *out, size_t characters);

#endif
