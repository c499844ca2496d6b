/* Runs the tests of vector files through the libraries. */
#ifndef TESTVECTORS_CHECK_RUN_H
#define TESTVECTORS_CHECK_RUN_H

#include "keygen2/base/program.h"

/**
 * Runs all tests of a file, and prints those that came out otherwise than the file says.
 *
 * @return EXIT_DONE, EXIT_REFUSED if one came out otherwise, EXIT_IO if the file is no vector file
 */
enum exit_code run_check(const char *path);

/** Explains one test and runs it step by step. */
enum exit_code run_show(const char *path, const char *number);

#endif
