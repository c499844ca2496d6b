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
    CHANGE_PUT_CONTENT, /* body and tag of a row that is there, and does not differ otherwise */
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

/* Gets one row as it lies there, its body sealed; it may read others. @param sound false where a
 * column holds what no row has, so that `row` is not what is there @param arena dies with the visit
 */
typedef enum sks_status row_visitor(void *ctx, struct store_row *row, bool sound,
                                    struct bytes sealed, struct arena *arena);

/* Gets one row with its body sealed, and appends the body sealed anew to `again`. */
typedef enum sks_status row_resealer(void *ctx, struct store_row *row, struct bytes sealed,
                                     struct arena *arena, struct buf *again, struct sks_error *err);

struct store_backend {
    /* Finds one row (see store.h for each lookup); row->handle 0 if none. Its body is appended to
     * `sealed` instead. Without an arena only its numbers are read. */
    enum sks_status (*find)(void *self, enum store_lookup lookup, const struct store_row *wanted,
                            struct arena *arena, struct store_row *row, struct buf *sealed,
                            struct sks_error *err);
    /* Applies all changes in one durable transaction, with the last handles of kinds. @param
     * last_handle 0: it is stored already */
    enum sks_status (*apply)(void *self, const struct change *first,
                             const uint32_t last_handle[STORE_KINDS], struct sks_error *err);
    /* Waits until all that was applied is durable, by whomever. */
    enum sks_status (*await_syncs)(void *self, struct sks_error *err);
    enum sks_status (*last_handles)(void *self, uint32_t last_handle[STORE_KINDS],
                                    struct sks_error *err);
    enum sks_status (*limit)(void *self, uint64_t bytes, struct sks_error *err);
    void (*close)(void *self);

    /* Calls visit() for every row, by kind and handle. */
    enum sks_status (*walk)(void *self, row_visitor *visit, void *ctx, struct sks_error *err);
    /* Replaces the body of every row by what reseal() makes of it, in one durable transaction. */
    enum sks_status (*rewrite)(void *self, row_resealer *reseal, void *ctx, struct sks_error *err);
    /* See keygen2/base/database.h. */
    enum sks_status (*copy)(void *self, const char *path, struct sks_error *err);
    enum sks_status (*verify)(void *self, void (*found)(void *ctx, const char *text), void *ctx,
                              struct sks_error *err);
    enum sks_status (*compact)(void *self, struct sks_error *err);
};

/** Appends all that must not change around a sealed body. */
void put_row_identity(struct buf *out, const struct store_row *row);

/**
 * Opens the SQLite backend; a store of an older form is upgraded.
 *
 * @param vault  for the upgrade
 * @param self   out: handed to its functions
 */
CHECKED enum sks_status store_sqlite_open(const char *path, const struct vault *vault,
                                          const struct store_backend **backend, void **self,
                                          struct sks_error *err);

#endif
