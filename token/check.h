/*
 * A store looked over as a whole: every row unseals, decodes, agrees with its plain columns, and
 * refers to what is there; nothing is there that nothing refers to. The one thing that is linear in
 * the rows of a store.
 *
 * What it cannot see: a row's own older version put back in its place, and a row deleted or put
 * back of which no other row speaks. Both are an old copy of the store in small; SECURITY.md.
 */
#ifndef TOKEN_CHECK_H
#define TOKEN_CHECK_H

#include "token/store.h"

struct check {
    /* Called for each finding. @param kind "key", "PIN policy", ...; "database" with handle 0 for
     * what is no object's. @param text what is wrong with it; names no secret */
    void (*found)(void *ctx, const char *kind, uint32_t handle, const char *text);
    void (*progress)(void *ctx, uint64_t rows); /* now and then; NULL: nobody wants to know */
    void *ctx;
    uint64_t rows, findings; /* out */
};

/**
 * Looks over a store that nobody writes meanwhile.
 *
 * @param check  findings are told and counted; they are no failure
 * @return SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status store_check(struct store *store, struct check *check,
                                    struct sks_error *err);

#endif
