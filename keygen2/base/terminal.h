/* A person at the terminal: lines and secrets, read from standard input, asked on standard error.
 */
#ifndef KEYGEN2_BASE_TERMINAL_H
#define KEYGEN2_BASE_TERMINAL_H

#include "keygen2/base/bytes.h"

#include <signal.h>

enum { TERMINAL_LINE_MAX = 512 }; /* bytes of one answer */

/** True if standard input is a terminal. */
bool terminal_exists(void);

/**
 * Reads one line, without its end.
 *
 * @param prompt  shown first; NULL for none
 * @param hidden  without echo, for a secret
 * @param stop    a signal that sets it ends the reading; NULL: SIGINT, SIGTERM and SIGHUP do what
 *                they would, once the terminal echoes again
 * @param line    out: replaced
 * @return SKS_ERROR_USER_ABORT at the end of the input or when stopped
 */
CHECKED enum sks_status terminal_read(const char *prompt, bool hidden,
                                      const volatile sig_atomic_t *stop, struct buf *line,
                                      struct sks_error *err);

/**
 * Reads a new secret twice, without echo, until both are the same.
 *
 * @param prompt  of the first time; the second one is "Again"
 * @param stop    as in terminal_read()
 * @param secret  out: replaced
 */
CHECKED enum sks_status terminal_read_new(const char *prompt, const volatile sig_atomic_t *stop,
                                          struct buf *secret, struct sks_error *err);

/**
 * Asks for consent; only "y" and "yes" are one.
 *
 * @param question  " [y/N] " is put behind it
 * @param stop      as in terminal_read()
 * @return SKS_ERROR_USER_ABORT for any other answer, and where there is no terminal
 */
CHECKED enum sks_status terminal_confirm(const char *question, const volatile sig_atomic_t *stop,
                                         struct sks_error *err);

/**
 * Asks for consent unless it was given on the command line.
 *
 * @param given  by --yes
 * @return as terminal_confirm(); SKS_ERROR_OPTION where it was not given and nobody can be asked
 */
CHECKED enum sks_status terminal_consent(bool given, const char *question, struct sks_error *err);

/**
 * Reads a secret from the first line of a file; refuses one that group or others can read.
 *
 * @param secret  out: appended, not empty
 */
CHECKED enum sks_status secret_from_file(const char *path, struct buf *secret,
                                         struct sks_error *err);

#endif
