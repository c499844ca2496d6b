/* The health of a container by what its first process is. */
#ifndef INTEROP_FIRST_PROCESS_H
#define INTEROP_FIRST_PROCESS_H

#include "keygen2/base/program.h"

/**
 * Runs the health check of the program that process 1 is, or that `sks-interop keep` runs there. A
 * program that has none is well as long as it is there.
 */
enum exit_code first_process_check(void);

#endif
