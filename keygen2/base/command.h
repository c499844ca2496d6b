/* Runs a command of the operator's: bytes in, bytes out, within a time. */
#ifndef KEYGEN2_BASE_COMMAND_H
#define KEYGEN2_BASE_COMMAND_H

#include "keygen2/base/bytes.h"

/**
 * Runs a command to its end. It gets no file of ours, and no blocked signals; what it writes to
 * standard error is in our log, line by line. If its time is over it is killed with all processes
 * that it started in its group.
 *
 * @param command  for /bin/sh -c; nothing that came from outside may be in it
 * @param input    its standard input
 * @param seconds  that it may take
 * @param max      bytes that it may write
 * @param output   its standard output, appended
 * @return SKS_ERROR_EXTERNAL if it cannot be run, takes too long, writes too much or ends with
 *         another exit code than 0, with the text in err
 */
CHECKED enum sks_status command_run(const char *command, struct bytes input, unsigned seconds,
                                    size_t max, struct buf *output, struct sks_error *err);

#endif
