/* How the command line reaches a token: by opening the store itself, or, where somebody serves it,
 * through that server's control socket. */
#ifndef TOKEN_COMMAND_PORT_H
#define TOKEN_COMMAND_PORT_H

#include "keygen2/base/program.h"
#include "token/api/token_link.h"
#include "token/command/folder.h"

struct port {
    struct token_link *link; /* for token_call() */
    struct token *token;     /* NULL where somebody else serves */
    struct folder folder;
    enum exit_code exit; /* of the last port_call() that failed, else EXIT_DONE */
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

/**
 * token_call() with an error text for people: that the token refused, the name of the status and
 * the ErrorString; or that nobody knows whether a change was made.
 */
CHECKED enum sks_status port_call(struct port *port, enum method_id method, const union sks_in *in,
                                  union sks_out *out, struct arena *arena, struct sks_error *err);

/** True if the text is a number that may be a handle. */
bool port_parse_handle(const char *text, uint32_t *handle);

/** Closes the port and prints the error of a failed command. Returns its exit code. */
enum exit_code port_finish(struct port *port, enum sks_status rc, const struct sks_error *err);

/** As port_open(), with the options of a token that is opened here; a server has its own. */
CHECKED enum sks_status port_open_with(const char *store, const char *key_file,
                                       const struct token_options *options, struct port *port,
                                       struct sks_error *err);

void port_close(struct port *port);

#endif
