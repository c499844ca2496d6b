/* The issuer's side of one enrolment, in-process: drives a token call by call. */
#ifndef TESTS_PLAIN_SUPPORT_ENROL_H
#define TESTS_PLAIN_SUPPORT_ENROL_H

#include "token/token.h"

/* A token with a device key, on a database in memory. */
struct token *new_token(void);
struct token *new_token_with(const struct token_options *options);

/**
 * Provisions one P-256 key behind a PIN policy and closes the session with its proof checked.
 *
 * @param pin     the user's PIN, numeric
 * @param handle  out: of the key
 */
void enrol(struct token *token, const char *pin, uint32_t *handle);

/** Signs with a key; returns the token's status. */
enum sks_status try_sign(struct token *token, uint32_t handle, const char *pin);

/** Opens a session, creates a key in it, and aborts. */
void enrol_and_abort(struct token *token);

/** Ends the program with a text unless the condition holds. */
void must(bool condition, const char *what);

#endif
