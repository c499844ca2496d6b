#include "token/store_internal.h"

#include <stdlib.h>

enum sks_status store_open(const char *path, const struct vault *vault, struct store **store,
                           struct sks_error *err)
{
    struct store *s = calloc(1, sizeof *s);
    uint32_t last[STORE_KINDS] = { 0 };
    enum sks_status rc;

    *store = NULL;
    REQUIRE(s != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    s->vault = vault;
    TRY(store_sqlite_open(path, vault, &s->backend, &s->self, err));
    TRY(s->backend->last_handles(s->self, last, err));
    for (size_t i = 0; i < STORE_KINDS; i++) {
        atomic_init(&s->last_handle[i], last[i]);
        atomic_init(&s->stored_handle[i], last[i]);
    }
    *store = s;
    s = NULL;
out:
    store_close(s);
    return rc;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->self != NULL)
        store->backend->close(store->self);
    free(store);
}

uint32_t store_new_handle(struct store *store, enum store_kind kind)
{
    uint32_t last = atomic_load(&store->last_handle[kind]);

    do {
        if (last == UINT32_MAX)
            return 0; /* changes_put() refuses it */
    } while (!atomic_compare_exchange_weak(&store->last_handle[kind], &last, last + 1));
    return last + 1;
}

void put_row_identity(struct buf *out, const struct store_row *row)
{
    put_byte(out, (uint8_t)row->kind);
    put_uint(out, row->handle);
    put_uint(out, row->owner);
    put_uint(out, row->refers);
    put_bool(out, row->closed);
    put_array(out, row->name);
    put_array(out, row->tag);
}

enum sks_status seal_row(const struct vault *vault, const struct store_row *row, struct buf *sealed)
{
    struct buf identity = { 0 };
    enum sks_status rc;

    put_row_identity(&identity, row);
    TRY(identity.status);
    TRY(vault_seal(vault, buf_bytes(&identity), row->body, sealed));
out:
    buf_free(&identity);
    return rc;
}

enum sks_status unseal_row(const struct store *store, struct bytes sealed, struct arena *arena,
                           struct store_row *row, struct sks_error *err)
{
    struct buf identity = { 0 }, clear = { 0 };
    enum sks_status rc;

    put_row_identity(&identity, row);
    TRY(identity.status);
    rc = vault_unseal(store->vault, buf_bytes(&identity), sealed, &clear);
    REQUIRE(rc != SKS_ERROR_CRYPTO, err, SKS_ERROR_INTERNAL,
            "stored object %u of kind %u is damaged, or sealed under another master key",
            row->handle, (unsigned)row->kind);
    TRY(rc);
    row->body = arena_copy(arena, buf_bytes(&clear));
    rc = row->body.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    buf_free(&identity);
    buf_free(&clear);
    return rc;
}

static enum sks_status find(struct store *store, enum store_lookup lookup,
                            const struct store_row *wanted, struct arena *arena,
                            struct store_row *row, struct sks_error *err)
{
    struct buf sealed = { 0 };
    enum sks_status rc;

    *row = (struct store_row){ 0 };
    TRY(store->backend->find(store->self, lookup, wanted, arena, row, &sealed, err));
    if (row->handle != 0 && arena != NULL)
        TRY(unseal_row(store, buf_bytes(&sealed), arena, row, err));
out:
    if (rc != SKS_OK)
        row->handle = 0;
    buf_free(&sealed);
    return rc;
}

enum sks_status store_get(struct store *store, enum store_kind kind, uint32_t handle,
                          struct arena *arena, struct store_row *row, struct sks_error *err)
{
    const struct store_row wanted = { .kind = kind, .handle = handle };

    return find(store, LOOKUP_HANDLE, &wanted, arena, row, err);
}

enum sks_status store_next(struct store *store, enum store_kind kind, bool closed, uint32_t after,
                           struct arena *arena, struct store_row *row, struct sks_error *err)
{
    const struct store_row wanted = { .kind = kind, .closed = closed, .handle = after };

    return find(store, LOOKUP_STATE, &wanted, arena, row, err);
}

enum sks_status store_next_owned(struct store *store, enum store_kind kind, uint32_t owner,
                                 uint32_t after, struct arena *arena, struct store_row *row,
                                 struct sks_error *err)
{
    const struct store_row wanted = { .kind = kind, .owner = owner, .handle = after };

    return find(store, LOOKUP_OWNER, &wanted, arena, row, err);
}

enum sks_status store_by_name(struct store *store, uint32_t owner, struct bytes name,
                              struct arena *arena, struct store_row *row, struct sks_error *err)
{
    const struct store_row wanted = { .owner = owner, .name = name };

    return find(store, LOOKUP_NAME, &wanted, arena, row, err);
}

enum sks_status store_next_tagged(struct store *store, struct bytes tag, uint32_t after,
                                  struct arena *arena, struct store_row *row, struct sks_error *err)
{
    const struct store_row wanted = { .kind = STORE_KEY, .tag = tag, .handle = after };

    return find(store, LOOKUP_TAG, &wanted, arena, row, err);
}

enum sks_status store_next_referring(struct store *store, enum store_kind kind, uint32_t refers,
                                     uint32_t after, struct arena *arena, struct store_row *row,
                                     struct sks_error *err)
{
    const struct store_row wanted = { .kind = kind, .refers = refers, .handle = after };

    return find(store, LOOKUP_REFERS, &wanted, arena, row, err);
}

/* A handle that goes out comes with a row of its kind; most rows are there already. */
static void find_new_handles(struct store *store, const struct changes *changes,
                             uint32_t last[STORE_KINDS])
{
    for (const struct change *change = changes->first; change != NULL; change = change->next) {
        enum store_kind kind = change->row.kind;

        if (change->kind == CHANGE_PUT &&
            change->row.handle > atomic_load(&store->stored_handle[kind]))
            last[kind] = atomic_load(&store->last_handle[kind]);
    }
}

enum sks_status store_apply(struct store *store, const struct changes *changes,
                            struct sks_error *err)
{
    uint32_t last[STORE_KINDS] = { 0 };
    enum sks_status rc;

    if (changes->status != SKS_OK)
        return sks_explain(err, changes->status);
    find_new_handles(store, changes, last);
    rc = store->backend->apply(store->self, changes->first, last, err);
    for (size_t i = 0; rc == SKS_OK && i < STORE_KINDS; i++)
        if (last[i] != 0)
            atomic_store(&store->stored_handle[i], last[i]);
    return rc;
}

enum sks_status store_await_syncs(struct store *store, struct sks_error *err)
{
    return store->backend->await_syncs(store->self, err);
}

enum sks_status store_limit(struct store *store, uint64_t bytes, struct sks_error *err)
{
    return store->backend->limit(store->self, bytes, err);
}

void store_use_vault(struct store *store, const struct vault *vault)
{
    store->vault = vault;
}

uint32_t store_last_handle(struct store *store, enum store_kind kind)
{
    return atomic_load(&store->last_handle[kind]);
}

enum sks_status store_copy(struct store *store, const char *path, struct sks_error *err)
{
    return store->backend->copy(store->self, path, err);
}

enum sks_status store_verify(struct store *store, void (*found)(void *ctx, const char *text),
                             void *ctx, struct sks_error *err)
{
    return store->backend->verify(store->self, found, ctx, err);
}

enum sks_status store_compact(struct store *store, struct sks_error *err)
{
    return store->backend->compact(store->self, err);
}
