/*
 * The MACs of a session, made in the order in which its messages carry them. The counter also
 * steps for the attestation of each key, which is reserved here when the key is asked for.
 */
#ifndef ISSUER_MAC_ORDER_H
#define ISSUER_MAC_ORDER_H

#include "issuer/exchange.h"

/**
 * Fills a KeyCreationRequest from the profile: policies, keys, encrypted PUKs and all MACs.
 *
 * @param sk  the session key; its counter is stepped
 * The session's credentials are made anew, each with its MAC and attestation counter.
 */
CHECKED enum sks_status order_key_creation(struct exchange *x, struct session_key *sk,
                                           struct key_creation_request *request);

/**
 * Fills a ProvisioningFinalizationRequest from the session's credentials, which have their
 * certificates, and from its nonce.
 */
CHECKED enum sks_status order_finalization(struct exchange *x, struct session_key *sk,
                                           struct provisioning_finalization_request *request);

#endif
