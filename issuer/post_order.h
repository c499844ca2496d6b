/* Post operations of a ProvisioningFinalizationRequest: targets, authorizations, MACs. */
#ifndef ISSUER_POST_ORDER_H
#define ISSUER_POST_ORDER_H

#include "issuer/mac_order.h"

/**
 * Makes the update or clone of a new key.
 *
 * @param target  NULL: none is wanted
 * @param to      out: in the arena
 * @return SKS_ERROR_NO_KEY if its lookup found nothing
 */
CHECKED enum sks_status order_one_target(struct exchange *x, struct session_key *sk,
                                         enum post_operation operation,
                                         const struct credential *credential,
                                         const struct target_profile *target,
                                         struct target_key **to);

/** Makes one unlock. @param done out: false if the session has it already; then *to is not it */
CHECKED enum sks_status order_unlock(struct exchange *x, struct session_key *sk,
                                     const struct found_credential *found, struct target_key *to,
                                     bool *done);

/**
 * Makes the unlocks or deletes of all credentials that were found.
 *
 * @param targets  struct target_profile
 * @param to       out: struct target_key, each key once
 */
CHECKED enum sks_status order_targets(struct exchange *x, struct session_key *sk,
                                      enum post_operation operation,
                                      const struct json_array *targets, struct json_array *to);

#endif
