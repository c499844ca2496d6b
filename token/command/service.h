/* The SKS wire over HTTP: POST /sks and /sks/2010, one call a request; rig: "The SKS wire". What
 * only the control socket has: token/api/control.h. */
#ifndef TOKEN_COMMAND_SERVICE_H
#define TOKEN_COMMAND_SERVICE_H

#include "keygen2/base/http_server.h"
#include "token/token.h"

/** Fills the configuration of the token's server. @param hosts names allowed in Host, or NULL */
void service_configure(struct http_config *config, struct token *token,
                       const struct bytes_list *hosts);

#endif
