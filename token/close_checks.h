/* The closing conditions of a key: SKS V1.07, closeProvisioningSession. Each fails with
 * SKS_ERROR_OPTION and the key's id. */
#ifndef TOKEN_CLOSE_CHECKS_H
#define TOKEN_CLOSE_CHECKS_H

#include "token/post.h"

/** The first certificate is that of the key. @param key  with a certificate path */
CHECKED enum sks_status close_check_match(struct call *call, const struct key *key);

/**
 * No other key of the token has the same certificate.
 *
 * @param posts  the session's: a key that they remove does not count
 * @param tag    of the key's row, which stands for its certificate
 */
CHECKED enum sks_status close_check_unique(struct call *call, const struct post_list *posts,
                                           const struct key *key, struct bytes tag);

/** The endorsed algorithms fit the key. */
CHECKED enum sks_status close_check_endorsed(struct call *call, const struct key *key);

#endif
