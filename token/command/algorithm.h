/* Which algorithm a key is used with: the one that the user names, or the one that fits best. */
#ifndef TOKEN_COMMAND_ALGORITHM_H
#define TOKEN_COMMAND_ALGORITHM_H

#include "keygen2/crypto/algorithms.h"
#include "token/api/calls.h"

/**
 * Finds the algorithm of an operation.
 *
 * @param key        attributes of the key
 * @param use        enum algorithm_use
 * @param name       a URI, its part behind the '#', or a JOSE name, in upper or lower case; NULL
 *                   takes the best one that the key may be used with
 * @param algorithm  out
 * @return SKS_ERROR_OPTION for an unknown name; SKS_ERROR_ALGORITHM if the key has none of the use
 */
CHECKED enum sks_status choose_algorithm(const struct key_attributes_out *key, unsigned use,
                                         const char *name, const struct algorithm **algorithm,
                                         struct sks_error *err);

/** True if the key may be used with an algorithm that has any of the uses. */
bool may_be_used_for(const struct key_attributes_out *key, unsigned use);

#endif
