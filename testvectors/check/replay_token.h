/*
 * A token in this process that draws what it is told to. What it draws with comes to the linker as
 * a wrapped symbol, in this program only: the token itself knows of no injection.
 */
#ifndef TESTVECTORS_CHECK_REPLAY_TOKEN_H
#define TESTVECTORS_CHECK_REPLAY_TOKEN_H

#include "keygen2/base/bytes.h"
#include "token/api/dialect.h"

#include <jansson.h>
#include <openssl/evp.h>

struct replay_token;

/**
 * Makes an empty one.
 *
 * @param device       its attestation key
 * @param certificate  of the device, DER
 */
CHECKED enum sks_status replay_token_new(EVP_PKEY *device, struct bytes certificate,
                                         struct replay_token **token, struct sks_error *err);

/** Empties it again. */
CHECKED enum sks_status replay_token_reset(struct replay_token *token, struct sks_error *err);

/* What one draw is; the arrays of a vector have them in the order in which the token draws. */
enum replay_kind { REPLAY_ID, REPLAY_KEY, REPLAY_SESSION_KEY, REPLAY_ENCRYPTED_KEY };

/** Forgets what was not drawn; true if all was. */
bool replay_draws_end(void);

/** Adds a draw. @param value borrowed until the end @param key of REPLAY_KEY: taken */
void replay_draws_add(enum replay_kind kind, struct bytes value, EVP_PKEY *key);

/** Lets time pass for the tokens of this process; from none at all after replay_token_reset(). */
void replay_token_wait(uint32_t seconds);

/** One call. @param answer  appended */
void replay_token_call(struct replay_token *token, const struct sks_dialect *dialect,
                       struct bytes request, struct buf *answer);

/** True if it has an open session of that handle. @param counter, left out: what it keeps of it */
bool replay_token_session(struct replay_token *token, uint32_t handle, uint16_t *counter,
                          uint16_t *left);

/** NULL is allowed. */
void replay_token_free(struct replay_token *token);

#endif
