/* What the state machine, the begin of a session and deferred issuance share. Nobody else includes
 * this. */
#ifndef ISSUER_PHASE_INTERNAL_H
#define ISSUER_PHASE_INTERNAL_H

#include "issuer/exchange.h"
#include "issuer/phase.h"

enum { PHASE_TRIES_MAX = 20 }; /* each lost one means that another request changed the session */

/** SHA-256 in the arena; ptr NULL without memory. */
struct bytes phase_hash(struct arena *arena, struct bytes data);

/** Logs the issuer's own trouble, and says that the client may try again. */
void phase_trouble(struct outcome *outcome, const struct sks_error *err);

/** Finds the session of a cookie; one whose life time is over is ended first. @param found out */
CHECKED enum sks_status phase_find(struct issuer *issuer, const char *cookie, struct arena *arena,
                                   struct session *session, bool *found, struct sks_error *err);

/** The last message's answer once more, of the session in *outcome. */
void phase_answer_again(struct issuer *issuer, struct arena *arena, struct outcome *outcome);

/** The outcome that a session's phase and verdict stand for. */
void phase_set_end(struct outcome *outcome);

#endif
