/* How the command line reaches a token: by opening the store itself, or, where somebody serves it,
 * through that server's control socket. */
#ifndef TOKEN_PORT_H
#define TOKEN_PORT_H

#include "token/api/token_link.h"
#include "token/folder.h"

struct port {
    struct token_link *link; /* for token_call() */
    struct token *token;     /* NULL where somebody else serves */
    struct folder folder;
};

/**
 * Opens the way to a token.
 *
 * @param store     its folder
 * @param key_file  see folder_paths()
 * @param port      filled also on failure: port_close() it in any case
 */
CHECKED enum sks_status port_open(const char *store, const char *key_file, struct port *port,
                                  struct sks_error *err);

/** As port_open(), with the options of a token that is opened here; a server has its own. */
CHECKED enum sks_status port_open_with(const char *store, const char *key_file,
                                       const struct token_options *options, struct port *port,
                                       struct sks_error *err);

void port_close(struct port *port);

#endif
