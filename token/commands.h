/* The subcommands of sks-token and their options. */
#ifndef TOKEN_COMMANDS_H
#define TOKEN_COMMANDS_H

#include "keygen2/base/program.h"

struct token_command_options {
    const char *store;
    const char *key_file;
    const char *device_ca;   /* init */
    const char *device_key;  /* init: "p256" or "rsa2048" */
    bool csr;                /* init */
    const char *certificate; /* certify */
    const char *listen;      /* serve */
    bool listen_any;         /* serve */
    struct texts hosts;      /* serve */
    uint32_t storage_limit;  /* serve, bytes */
    uint32_t rsa_pool;       /* serve, keys */
    bool verbose;            /* serve */
    bool json;               /* info, list */
    const char *pin_file;    /* sign */
    const char *algorithm;   /* sign: JOSE name or URI, NULL: by the key */
    const char *input;       /* sign: NULL is standard input */
    const char *output;      /* sign: NULL is standard output */
    bool raw;                /* sign: ECDSA as r||s */
};

enum exit_code command_init(void *options, char **operands, size_t count); /* command_init.c */
enum exit_code command_certify(void *options, char **operands, size_t count);
enum exit_code command_serve(void *options, char **operands, size_t count); /* command_serve.c */
enum exit_code command_info(void *options, char **operands, size_t count);  /* command_show.c */
enum exit_code command_list(void *options, char **operands, size_t count);

enum exit_code command_sign(void *options, char **operands, size_t count); /* command_sign.c */

#endif
