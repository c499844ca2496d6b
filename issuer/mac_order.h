/*
 * The MACs of a session, made in the order in which its messages carry them. The counter also
 * steps for the attestation of each key, which is reserved here when the key is asked for.
 */
#ifndef ISSUER_MAC_ORDER_H
#define ISSUER_MAC_ORDER_H

#include "issuer/exchange.h"

/**
 * Makes one MAC and records it.
 *
 * @param sk      its counter is stepped
 * @param method  MAC_…
 * @param id      of what it is for, empty if it has none
 * @param data    put_mac_…(); freed here
 * @param out     out: in the arena
 */
CHECKED enum sks_status order_mac(struct exchange *x, struct session_key *sk, const char *method,
                                  struct bytes id, struct buf *data, struct bytes *out);

/** Encrypts a secret for the token; the session carries secrets from now on. */
CHECKED enum sks_status order_encrypted(struct exchange *x, const struct session_key *sk,
                                        struct bytes clear, struct bytes *encrypted);

/**
 * Fills a KeyCreationRequest from the profile: policies, keys, encrypted PUKs and PINs, all MACs.
 *
 * @param sk  the session key; its counter is stepped
 * The session's credentials are made anew, each with its MAC and attestation counter.
 */
CHECKED enum sks_status order_key_creation(struct exchange *x, struct session_key *sk,
                                           struct key_creation_request *request);

/**
 * Fills a ProvisioningFinalizationRequest from the profile, the session's credentials, which have
 * their certificates, the credentials that were found, and the nonce. finalization_order.c
 *
 * The session's post operations are made anew.
 */
CHECKED enum sks_status order_finalization(struct exchange *x, struct session_key *sk,
                                           struct provisioning_finalization_request *request);

#endif
