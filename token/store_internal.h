/* What the files of the store share: store.c, changes.c, store_walk.c. */
#ifndef TOKEN_STORE_INTERNAL_H
#define TOKEN_STORE_INTERNAL_H

#include "token/store_backend.h"

#include <stdatomic.h>

struct store {
    const struct store_backend *backend;
    void *self;
    const struct vault *vault;
    _Atomic uint32_t last_handle[STORE_KINDS];
    _Atomic uint32_t stored_handle[STORE_KINDS]; /* what of these the backend has, at least */
};

/** Appends a row's body, sealed with all that identifies the row. @param vault  not always the
 * store's own: rows are sealed anew for another */
CHECKED enum sks_status seal_row(const struct vault *vault, const struct store_row *row,
                                 struct buf *sealed);

/** The reverse: row->body, clear, in the arena. SKS_ERROR_INTERNAL if it is damaged. */
CHECKED enum sks_status unseal_row(const struct store *store, struct bytes sealed,
                                   struct arena *arena, struct store_row *row,
                                   struct sks_error *err);

#endif
