/* Which keys of a PIN policy share one PIN value and counter. SKS V1.07, 5 "PIN Grouping". */
#ifndef TOKEN_PIN_GROUP_H
#define TOKEN_PIN_GROUP_H

#include "token/call.h"

/**
 * Finds or makes the PIN object for a new key, after checking the value against the policy and
 * against the PINs of the policy's other groups.
 *
 * @param policy  of the open session
 * @param value   the clear PIN
 * @param joined  out: the PIN object; a new one is added to the changes of the call
 */
CHECKED enum sks_status pin_group_join(struct call *call, const struct pin_policy_object *policy,
                                       uint8_t app_usage, struct bytes value,
                                       struct reference *joined);

#endif
