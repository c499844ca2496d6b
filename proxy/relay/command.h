/* The commands `relay`, `attacks`, `replay` and `diff` of sks-proxy. */
#ifndef PROXY_RELAY_COMMAND_H
#define PROXY_RELAY_COMMAND_H

#include "keygen2/base/program.h"

struct relay_options {
    const char *listen, *to, *ca, *record, *attack, *attack_watch, *tls_certificate, *tls_key;
    bool insecure, verbose, listen_any, json, own_cookies, all, schema;
    uint32_t timeout, connections;
};

extern const struct option_row RELAY_OPTIONS[], ATTACKS_OPTIONS[], REPLAY_OPTIONS[], DIFF_OPTIONS[];

#define RELAY_LISTEN_DEFAULT "127.0.0.1:8780"

void relay_defaults(void *options);
enum exit_code relay_command(void *options, char **operands, size_t count);
enum exit_code attacks_command(void *options, char **operands, size_t count);
enum exit_code replay_command(void *options, char **operands, size_t count);
enum exit_code diff_command(void *options, char **operands, size_t count);

#endif
