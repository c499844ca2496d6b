/* A real round trip to a token: what it is, and a look into its store. */
#ifndef TOKEN_API_TOKEN_PROBE_H
#define TOKEN_API_TOKEN_PROBE_H

#include "keygen2/base/health.h"
#include "token/api/token_link.h"

/**
 * Asks the token at health->address, "http://HOST:PORT" or "unix:PATH".
 *
 * @return as token_call(); SKS_ERROR_EXTERNAL if an answer is not what it has to be
 */
CHECKED enum sks_status token_probe(struct health *health, struct sks_error *err);

#endif
