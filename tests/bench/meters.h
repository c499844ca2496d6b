/* What the process uses: memory, system calls. */
#ifndef TESTS_BENCH_METERS_H
#define TESTS_BENCH_METERS_H

#include <stddef.h>

/** Memory of the process that is in RAM. */
double meter_resident_mib(void);

/** Calls to the file system that change or sync something, so far. */
unsigned long meter_system_calls(void);

/**
 * The heap that the token's own code uses: what it allocates inside token_open() and
 * token_process(), at its peak since the reset. libcrypto's and SQLite's own memory is not in it.
 */
void meter_heap_reset(void);
size_t meter_heap_peak(void);

#endif
