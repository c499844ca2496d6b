/*
 * How a session comes by its key, and how the device attests it: as in V1.07, or as in the draft of
 * 2010 (docs/2010-profile.md). The profile picks the kind when a session begins; from then on its
 * sessionKeyAlgorithm says it, and who needs the row asks for it here. All else is the same for
 * both.
 */
#ifndef ISSUER_SESSION_KIND_H
#define ISSUER_SESSION_KIND_H

#include "issuer/exchange.h"

struct session_kind {
    const char *algorithm; /* sessionKeyAlgorithm */

    /** Draws the issuer's half, for the session and for the request. */
    enum sks_status (*offer)(struct exchange *x,
                             struct provisioning_initialization_request *request);

    /** Checks that the client's half is of this kind, and fits ours: the check "client key". */
    enum sks_status (*check_half)(struct exchange *x,
                                  const struct provisioning_initialization_response *response);

    /** Makes the session key. Ids, times and device of the response are in the session already.
     * @param sk out */
    enum sks_status (*take_key)(struct exchange *x,
                                const struct provisioning_initialization_response *response,
                                struct session_key *sk);

    /**
     * Checks the attestation of the new session.
     *
     * @param device_key  NULL in privacy mode
     * @return SKS_ERROR_MAC if it does not hold
     */
    enum sks_status (*check_attestation)(const struct session_state *state,
                                         const struct session_key *sk, EVP_PKEY *device_key,
                                         struct bytes attestation);
};

extern const struct session_kind SESSION_107, SESSION_2010; /* session_107.c, session_2010.c */

/** Keeps the key pair of an offer in the session's state. @param spki out: its public key there */
CHECKED enum sks_status session_kind_keep_pair(struct exchange *x, EVP_PKEY *pkey,
                                               struct bytes *spki);

/** The kind of a profile's sessions. */
const struct session_kind *session_kind_of_profile(const struct profile *profile);

/** The kind of a session that has begun. */
const struct session_kind *session_kind_of(const struct session_state *state);

#endif
