/* Key management keys: who may touch the keys of a session that is closed. SKS V1.07, 6 "Target Key
 * Reference" and updateKeyManagementKey. */
#ifndef TOKEN_KMK_H
#define TOKEN_KMK_H

#include "token/call.h"

/**
 * Checks a signature of a key management key.
 *
 * @param kmk   SubjectPublicKeyInfo
 * @return SKS_ERROR_OPTION if it does not verify; SKS_ERROR_CRYPTO for one of the wrong length
 */
CHECKED enum sks_status kmk_verify(struct call *call, struct bytes kmk, struct bytes data,
                                   struct bytes authorization);

/** Checks that a public key may be a key management key here. */
CHECKED enum sks_status kmk_check(struct call *call, const char *argument, struct bytes spki,
                                  bool rsa);

#endif
