/* The command `matrix` of sks-proxy. */
#ifndef MATRIX_COMMAND_H
#define MATRIX_COMMAND_H

#include "keygen2/base/program.h"

struct matrix_options {
    struct texts scenarios;
    const char *results, *html, *profiles, *message;
    const char *issuer, *ca, *token, *trust, *device;
    uint32_t cases, random, jobs, seed, timeout;
    bool list, unprotected, json, show, checking, resume;
};

extern const struct option_row MATRIX_OPTIONS[];

void matrix_defaults(void *options);
enum exit_code matrix_command(void *options, char **operands, size_t count);

#endif
