/* Method 90: the policy that the token has, the update of it that is under way, and whose updates
 * it takes. */
#ifndef TOKEN_FIRMWARE_H
#define TOKEN_FIRMWARE_H

#include "token/firmware_policy.h"
#include "token/store.h"
#include "token/token.h"

struct firmware;

/**
 * Loads the policy.
 *
 * @param store    must outlive it
 * @param options  update_url and update_key: both or neither, else SKS_ERROR_OPTION
 * @return SKS_ERROR_INTERNAL if the stored policy does not decode
 */
CHECKED enum sks_status firmware_open(struct store *store, const struct token_options *options,
                                      struct firmware **firmware, struct sks_error *err);

/** Reads the policy of a row of STORE_FIRMWARE; SKS_ERROR_INTERNAL if it does not decode. */
CHECKED enum sks_status firmware_policy_from_row(const struct store_row *row,
                                                 struct firmware_policy *policy,
                                                 struct sks_error *err);

/** Wipes an update that is under way. Nobody may use a policy of it any more. NULL is allowed. */
void firmware_close(struct firmware *firmware);

/** The updateUrl of getDeviceInfo; empty where updates are off. */
struct bytes firmware_update_url(const struct firmware *firmware);

/** The policy of this moment; lives until firmware_close(). Takes no lock. */
const struct firmware_policy *firmware_policy(const struct firmware *firmware);

#endif
