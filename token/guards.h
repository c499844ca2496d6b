/* What guards a key: its PIN policy, and the PUK above that. */
#ifndef TOKEN_GUARDS_H
#define TOKEN_GUARDS_H

#include "token/object.h"

/* A handle of 0 says that there is none. */
struct guards {
    struct pin_policy_object pin_policy;
    struct secret puk;
};

/** Loads the guards of a key. SKS_ERROR_INTERNAL if one that the key refers to is missing. */
CHECKED enum sks_status guards_load(struct store *store, const struct key *key, struct arena *arena,
                                    struct guards *guards, struct sks_error *err);

#endif
