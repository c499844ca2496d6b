/* What a database must do for the token: rows with sealed bodies, kept in one table. */
#ifndef TOKEN_STORE_BACKEND_H
#define TOKEN_STORE_BACKEND_H

#include "token/store.h"

/* Which row a read asks for; the fields that a way of looking does not use are ignored. */
enum store_lookup {
    LOOKUP_HANDLE,
    LOOKUP_STATE,
    LOOKUP_OWNER,
    LOOKUP_NAME,
    LOOKUP_TAG,
    LOOKUP_REFERS
};

enum change_kind {
    CHANGE_PUT,
    CHANGE_DELETE,
    CHANGE_DELETE_OWNED,
    CHANGE_COLLECT,
    CHANGE_COLLECT_SESSION,
};

struct change {
    struct change *next;
    enum change_kind kind;
    struct store_row row; /* body sealed */
    enum store_kind by;   /* of CHANGE_COLLECT */
};

struct store_backend {
    /* Finds one row (see store.h for each lookup); row->handle 0 if none. Its body is appended to
     * `sealed` instead. */
    enum sks_status (*find)(void *self, enum store_lookup lookup, const struct store_row *wanted,
                            struct arena *arena, struct store_row *row, struct buf *sealed,
                            struct sks_error *err);
    /* Applies all changes in one durable transaction, with the last handle of each kind. */
    enum sks_status (*apply)(void *self, const struct change *first,
                             const uint32_t last_handle[STORE_KINDS], struct sks_error *err);
    enum sks_status (*last_handles)(void *self, uint32_t last_handle[STORE_KINDS],
                                    struct sks_error *err);
    enum sks_status (*limit)(void *self, uint64_t bytes, struct sks_error *err);
    void (*close)(void *self);
};

/** Opens the SQLite backend. @param self out: handed to its functions */
CHECKED enum sks_status store_sqlite_open(const char *path, const struct store_backend **backend,
                                          void **self, struct sks_error *err);

#endif
