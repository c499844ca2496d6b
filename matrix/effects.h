/* What of a token can only be seen by its use: which PINs its keys have, what their symmetric keys
 * compute, and who owns them. */
#ifndef MATRIX_EFFECTS_H
#define MATRIX_EFFECTS_H

#include "matrix/token_end.h"

/**
 * Adds to a view "uses", how each key answers to each PIN, and "owners", the terms of its closed
 * sessions. Wrong PINs count: this is the last look at a state.
 *
 * @param pins  NULL-terminated
 * @param anew  the issuer draws symmetric keys anew each time: what they compute is left out
 */
CHECKED enum sks_status effects_add(struct token_end *end, const char *const *pins, bool anew,
                                    json_t *view, struct sks_error *err);

#endif
