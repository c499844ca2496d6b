/* Keeps a program running that it kills itself, again and again: the faults of the interop run. */
#ifndef INTEROP_KEEP_H
#define INTEROP_KEEP_H

#include "keygen2/base/program.h"

struct keep_options {
    uint32_t seed;
    uint32_t from, to;  /* milliseconds between two kills, drawn by the seed */
    const char *during; /* kills only while this file is there; NULL: always */
    const char *tally;  /* file that says how many kills there were; NULL: none */
};

/**
 * Starts a program, kills it (SIGKILL) at moments that the seed draws, and starts it again at once.
 * SIGTERM, SIGINT and SIGHUP go on to it; after the first two it is not started again.
 *
 * @param program  words of its command line, NULL behind the last
 * @return the program's exit code, when it ends by itself or was told to
 */
enum exit_code keep_run(const struct keep_options *options, char **program);

#endif
