/* A token in this process. It knows the state that it was in at a moment, and goes back to it. */
#ifndef MATRIX_TOKEN_END_H
#define MATRIX_TOKEN_END_H

#include "token/api/dialect.h"

#include <jansson.h>

struct token_end;

/**
 * Makes one, with a device key of its own.
 *
 * @param folder  empty, for its store; has device-ca.pem afterwards
 */
CHECKED enum sks_status token_end_new(const char *folder, struct token_end **end,
                                      struct sks_error *err);

/** Keeps the state that it is in as the one to go back to. */
CHECKED enum sks_status token_end_keep(struct token_end *end, struct sks_error *err);

/** Goes back to it. */
CHECKED enum sks_status token_end_restore(struct token_end *end, struct sks_error *err);

/** One call. @param answer  appended */
void token_end_call(struct token_end *end, const struct sks_dialect *dialect, struct bytes request,
                    struct buf *answer);

/**
 * All keys with what is told of them, and all open sessions; a new reference.
 *
 * @param drawn  with handles and ids too
 */
json_t *token_end_view(struct token_end *end, bool drawn);

/** Tries a wrong PIN on each key. */
void token_end_try_wrong_pins(struct token_end *end);

/** Ends the open sessions, as the end of their life does. */
void token_end_expire(struct token_end *end);

/** NULL is allowed. */
void token_end_free(struct token_end *end);

#endif
