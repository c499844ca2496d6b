/*
 * Sessions in doubt of the device at hand, and how its next session settles them (rig, "What 'end
 * to end' must show"): each of their certificates is looked for; what is found is confirmed by a
 * post operation on it, which the closing proof covers; a session of which nothing is found is
 * revoked. A discovery answer alone never confirms anything.
 */
#ifndef ISSUER_IN_DOUBT_H
#define ISSUER_IN_DOUBT_H

#include "issuer/exchange.h"

/* Numbers of found_credential.lookup that are no index of the profile. The numbers are stored. */
enum {
    IN_DOUBT_LOOKUPS = 0xFFF0, /* from here on */
    IN_DOUBT_UNLOCK = 0xFFFF,  /* asked for, or found: postUnlockKey confirms it */
    IN_DOUBT_LOOK = 0xFFFE,    /* the same, but no operation on it is harmless */
    IN_DOUBT_MISSING = 0xFFFD, /* asked for, and not found */
};

/**
 * Puts the certificates in doubt of the session's device among its found credentials, those that
 * have a key management key. Without one of its own, or in privacy mode, there are none.
 */
CHECKED enum sks_status in_doubt_load(struct exchange *x);

/**
 * Makes the lookup specifiers of those.
 *
 * @param nonce  of all specifiers
 * @param to     out: struct lookup_specifier, one for each
 * @param count  out
 */
CHECKED enum sks_status in_doubt_specify(struct exchange *x, struct bytes nonce,
                                         struct lookup_specifier *to, size_t *count);

/**
 * Takes the answers.
 *
 * @param asked    the found credentials as in_doubt_load() left them, in the arena
 * @param results  struct lookup_result
 * @param left     operations that the session key has room for
 * Appends to the found credentials of the state, where there is room for all.
 */
CHECKED enum sks_status in_doubt_take(struct exchange *x, const struct found_credential *asked,
                                      size_t count, const struct json_array *results,
                                      unsigned left);

/**
 * Ends what was found missing: their sessions have failed, durably. Call it before anything is
 * issued anew.
 */
CHECKED enum sks_status in_doubt_revoke(struct exchange *x);

/**
 * Adds the unlocks that confirm what was found, unless another operation does already.
 *
 * @param unlock_keys  struct target_key; replaced by a longer list in the arena
 */
CHECKED enum sks_status in_doubt_order(struct exchange *x, struct session_key *sk,
                                       struct json_array *unlock_keys);

#endif
