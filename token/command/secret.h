/* Where PINs and PUKs come from: a file, the environment, a person at the terminal. Never from the
 * command line, where every process of the machine could read them. */
#ifndef TOKEN_COMMAND_SECRET_H
#define TOKEN_COMMAND_SECRET_H

#include "keygen2/objects.h"

struct secret_request {
    const char *what;     /* "PIN": in errors */
    const char *prompt;   /* "PIN of key 3" */
    const char *option;   /* "--pin-file" */
    const char *file;     /* its value, NULL if it was not given */
    const char *variable; /* "SKS_TOKEN_PIN", stands in for the file */
    uint8_t format; /* enum sks_format: binary ones are hexadecimal, wherever they come from */
    const struct pin_policy *policy; /* of a new PIN, which is asked for twice; else NULL */
};

/**
 * Gets one secret.
 *
 * @param secret  out: its bytes, not empty
 * @return SKS_ERROR_USER_ABORT if it was not given and nobody can be asked; SKS_ERROR_NOT_ALLOWED
 *         for a new PIN that breaks its policy (at the terminal another one is asked for)
 */
CHECKED enum sks_status secret_get(const struct secret_request *request, struct buf *secret,
                                   struct sks_error *err);

#endif
