/*
 * A store in memory in the place of the issuer's database: what session_store.h promises, but that
 * anything outlives the process. The linker sends the calls of the issuer here; until
 * memory_store_use() they go on to the real store.
 */
#ifndef TESTS_BENCH_ISSUER_MEMORY_STORE_H
#define TESTS_BENCH_ISSUER_MEMORY_STORE_H

#include <stdbool.h>

void memory_store_use(bool on);

/** Sessions that have succeeded since the last memory_store_use(), with all that was kept of them.
 */
unsigned memory_store_succeeded(void);

#endif
