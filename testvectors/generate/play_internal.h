/* How a play is written down, call by call: for its own files. */
#ifndef TESTVECTORS_GENERATE_PLAY_INTERNAL_H
#define TESTVECTORS_GENERATE_PLAY_INTERNAL_H

#include "testvectors/generate/play.h"

/* Bytes of a label within the play, at this call. */
struct bytes play_drawn(struct play *p, const char *what, size_t len);

/* Fields. */
void play_text(struct fields *f, const char *name, const char *value);
void play_array(struct fields *f, const char *name, struct bytes value);
void play_number(struct play *p, struct fields *f, const char *name, enum form form,
                 uint32_t value);

/** Begins a call. @param mac_name NULL: it has no MAC */
struct exchange *play_call(struct play *p, unsigned id, const char *method, const char *mac_name);

/**
 * Ends it: the MAC goes behind the arguments.
 *
 * @param other_operations  that the call takes of the limit beside it
 * @return the MAC
 */
struct bytes play_called(struct play *p, struct exchange *x, long other_operations);

/** Puts an attestation into the answer, over x->attested. */
void play_attest(struct play *p, struct exchange *x);

/** A value, encrypted with the session key. */
struct bytes play_encrypted(struct play *p, struct bytes clear);

/** The token draws something. @param value stolen */
void play_draws(struct play *p, const char *what, json_t *value);

/** The next handle of a kind, in the answer. */
void play_gives(struct play *p, struct exchange *x, enum play_handle kind, const char *name);

#endif
