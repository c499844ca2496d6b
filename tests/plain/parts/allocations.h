/*
 * Makes allocations of one thread fail: those of our own code, which the linker sends here (--wrap)
 * or which come through libcrypto's macros, and those inside libcrypto and SQLite.
 */
#ifndef TESTS_PLAIN_PARTS_ALLOCATIONS_H
#define TESTS_PLAIN_PARTS_ALLOCATIONS_H

#include <stdbool.h>

enum allocator { ALLOCATOR_OWN = 1, ALLOCATOR_LIBRARIES = 2 };

/** Before anything else: libcrypto and SQLite take their memory from here. */
void allocations_install(void);

/**
 * From now on an allocation of this thread fails.
 *
 * @param allocators  set of enum allocator
 * @param number      which one, from 1
 * @param lasting     and all after it
 */
void allocations_fail(unsigned allocators, unsigned number, bool lasting);

/** As allocations_fail(), for the first one with a stack of callers that none had that failed so
 * far, `lasting` ones apart. */
void allocations_fail_new_stack(unsigned allocators, bool lasting);

/** Ends it. True if an allocation failed. */
bool allocations_end(void);

#endif
