/*
 * The token's objects at rest. A row's body is sealed, with all that identifies the row bound to
 * it, so that rows can be neither read nor altered nor swapped. Everything that changes is
 * gathered in a change set and applied at once: all of it durably, or nothing.
 */
#ifndef TOKEN_STORE_H
#define TOKEN_STORE_H

#include "keygen2/base/arena.h"
#include "token/vault.h"

enum store_kind {
    STORE_DEVICE = 1, /* handle 1: device key and certificate; 2: there if it is deactivated */
    STORE_SESSION,
    STORE_PUK, /* PUK policy with its value and counter */
    STORE_PIN_POLICY,
    STORE_PIN, /* PIN value and counter: one a key, or one a group of keys */
    STORE_KEY,
    STORE_EXTENSION,
    STORE_POST,     /* a post operation that waits for the close */
    STORE_FIRMWARE, /* the policy: one row, handle 1 */
    STORE_KINDS,    /* one more than the last */
};

struct store_row {
    enum store_kind kind;
    uint32_t handle;   /* unique in its kind, never used again */
    uint32_t owner;    /* session that it belongs to; a session owns itself; PUKs, PIN policies and
                        * PINs of closed sessions belong to nobody: 0 */
    uint32_t refers;   /* handle of what it lives by: a key's PIN, a PIN's policy, a policy's PUK */
    bool closed;       /* of the session: false while it is still provisioning */
    struct bytes name; /* unique in its owner, or empty */
    struct bytes tag;  /* fingerprint of a key's certificate, or empty */
    struct bytes body; /* clear; a secret */
};

struct store;

/* What is to be written. Start with {0}; free with changes_free(). */
struct changes {
    struct change *first, **last;
    struct arena arena;
    enum sks_status status; /* first failure */
};

/** Opens or creates the database. The vault must outlive the store. @param path ":memory:" works */
CHECKED enum sks_status store_open(const char *path, const struct vault *vault,
                                   struct store **store, struct sks_error *err);

/** NULL is allowed. */
void store_close(struct store *store);

/** Draws the next handle of a kind, from 1; a handle that comes to nothing is not used again. */
uint32_t store_new_handle(struct store *store, enum store_kind kind);

/* Reading: row->handle is 0 if there is no such row; its slices live in the arena.
 * SKS_ERROR_INTERNAL if a row does not unseal. Without an arena, NULL, only the numbers of the row
 * are read, which is much cheaper; nothing is unsealed then, so that nothing vouches for them. */

/** The row of a handle. */
CHECKED enum sks_status store_get(struct store *store, enum store_kind kind, uint32_t handle,
                                  struct arena *arena, struct store_row *row,
                                  struct sks_error *err);

/** The row with the lowest handle above `after` in that state. */
CHECKED enum sks_status store_next(struct store *store, enum store_kind kind, bool closed,
                                   uint32_t after, struct arena *arena, struct store_row *row,
                                   struct sks_error *err);

/** The row of an owner with the lowest handle above `after`. */
CHECKED enum sks_status store_next_owned(struct store *store, enum store_kind kind, uint32_t owner,
                                         uint32_t after, struct arena *arena, struct store_row *row,
                                         struct sks_error *err);

/** The row of an owner that has the name, of whatever kind. */
CHECKED enum sks_status store_by_name(struct store *store, uint32_t owner, struct bytes name,
                                      struct arena *arena, struct store_row *row,
                                      struct sks_error *err);

/** The key with the lowest handle above `after` that has the tag. */
CHECKED enum sks_status store_next_tagged(struct store *store, struct bytes tag, uint32_t after,
                                          struct arena *arena, struct store_row *row,
                                          struct sks_error *err);

/** The row of a kind that refers to a handle, with the lowest handle above `after`. */
CHECKED enum sks_status store_next_referring(struct store *store, enum store_kind kind,
                                             uint32_t refers, uint32_t after, struct arena *arena,
                                             struct store_row *row, struct sks_error *err);

/** Writes a row, new or in place of the old one. A failure is in changes->status. */
void changes_put(struct changes *changes, const struct store *store, const struct store_row *row);

/** As changes_put(), for a row that is there and differs in its body and tag only: cheaper. */
void changes_put_content(struct changes *changes, const struct store *store,
                         const struct store_row *row);

/** Deletes all rows of an owner, itself included. */
void changes_delete_owned(struct changes *changes, uint32_t owner);

/** Deletes all open sessions with all that they own. */
CHECKED enum sks_status changes_delete_open_sessions(struct changes *changes, struct store *store,
                                                     struct sks_error *err);

/** Deletes one row. */
void changes_delete(struct changes *changes, enum store_kind kind, uint32_t handle);

/** Deletes a row if, after all changes before this one, no row of kind `by` refers to it. */
void changes_collect(struct changes *changes, enum store_kind kind, uint32_t handle,
                     enum store_kind by);

/** Deletes a session if, after all changes before this one, it owns no key. */
void changes_collect_session(struct changes *changes, uint32_t handle);

/** Calls each() for every row that is written or deleted. @param collected perhaps deleted only */
void changes_each(const struct changes *changes,
                  void (*each)(void *ctx, enum store_kind kind, uint32_t handle, bool collected),
                  void *ctx);

/** True if there is nothing to apply. */
bool changes_empty(const struct changes *changes);

/** Applies in one durable transaction. SKS_ERROR_STORAGE if there is no room. */
CHECKED enum sks_status store_apply(struct store *store, const struct changes *changes,
                                    struct sks_error *err);

/**
 * Others see what store_apply() has written before it is durable. This waits until all is that was
 * read up to now; SKS_ERROR_STORAGE if it never will be, and then whatever is written fails too.
 * What is read before a store_apply() of one's own needs none.
 */
CHECKED enum sks_status store_await_syncs(struct store *store, struct sks_error *err);

void changes_free(struct changes *changes);

/* ---- all rows: for what is done to a store as a whole, and linear in its rows ---- */

enum store_condition {
    STORE_SOUND,
    STORE_DAMAGED,     /* it does not unseal: there is no body */
    STORE_MEANINGLESS, /* a column holds what no row has: nothing else in the row is to be believed
                        */
};

/* @param row lives as long as the visit */
typedef enum sks_status store_visitor(void *ctx, const struct store_row *row,
                                      enum store_condition condition);

/** Calls visit() for every row, whatever its condition, by kind and handle. Nobody may write
 * meanwhile; visit() may read. */
CHECKED enum sks_status store_walk(struct store *store, store_visitor *visit, void *ctx,
                                   struct sks_error *err);

/** True if rows unseal: the master key is the store's. Also of a store without rows. */
bool store_fits(struct store *store);

/** Changes the clear body of a row; the new one may live in the arena. */
typedef enum sks_status store_changer(void *ctx, struct store_row *row, struct arena *arena,
                                      struct sks_error *err);

/**
 * Seals every row anew, in one durable transaction; SKS_ERROR_INTERNAL if one does not unseal.
 *
 * @param to      the vault of the store from now on
 * @param change  called for each row on the way
 */
CHECKED enum sks_status store_reseal(struct store *store, const struct vault *to,
                                     store_changer *change, void *ctx, struct sks_error *err);

/** Uses another vault, which must outlive the store. */
void store_use_vault(struct store *store, const struct vault *vault);

/** The last handle of a kind that was ever given out, as the database has it. */
uint32_t store_last_handle(struct store *store, enum store_kind kind);

/** As database_copy(), database_verify() and database_compact(). */
CHECKED enum sks_status store_copy(struct store *store, const char *path, struct sks_error *err);
CHECKED enum sks_status store_verify(struct store *store,
                                     void (*found)(void *ctx, const char *text), void *ctx,
                                     struct sks_error *err);
CHECKED enum sks_status store_compact(struct store *store, struct sks_error *err);

/** Limits the database to about that many bytes, so that SKS_ERROR_STORAGE can be provoked. */
CHECKED enum sks_status store_limit(struct store *store, uint64_t bytes, struct sks_error *err);

#endif
