#include "token/store.h"
#include "token/store_backend.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { FITS_TRIES = 100 };

struct store {
    const struct store_backend *backend;
    void *self;
    const struct vault *vault;
    _Atomic uint32_t last_handle[STORE_KINDS];
    _Atomic uint32_t stored_handle[STORE_KINDS]; /* what of these the backend has, at least */
};

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

static enum sks_status unseal_row(const struct store *store, struct bytes sealed,
                                  struct arena *arena, struct store_row *row, struct sks_error *err)
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

static struct change *add_change(struct changes *changes, enum change_kind kind)
{
    struct change *change = arena_alloc(&changes->arena, 1, sizeof *change);

    if (change == NULL) {
        changes->status = SKS_ERROR_STORAGE;
        return NULL;
    }
    change->kind = kind;
    if (changes->first == NULL)
        changes->last = &changes->first;
    *changes->last = change;
    changes->last = &change->next;
    return change;
}

static void put_sealed(struct changes *changes, const struct store *store, enum change_kind kind,
                       const struct store_row *row)
{
    struct buf identity = { 0 }, sealed = { 0 };
    struct change *change;
    enum sks_status rc;

    TRY(changes->status);
    TRY(row->handle == 0 ? SKS_ERROR_STORAGE : SKS_OK);
    put_row_identity(&identity, row);
    TRY(identity.status);
    TRY(vault_seal(store->vault, buf_bytes(&identity), row->body, &sealed));
    if ((change = add_change(changes, kind)) == NULL)
        goto out;
    change->row = *row;
    change->row.name = arena_copy(&changes->arena, row->name);
    change->row.tag = arena_copy(&changes->arena, row->tag);
    change->row.body = arena_copy(&changes->arena, buf_bytes(&sealed));
    if (change->row.name.ptr == NULL || change->row.tag.ptr == NULL || change->row.body.ptr == NULL)
        rc = SKS_ERROR_STORAGE;
out:
    if (changes->status == SKS_OK)
        changes->status = rc;
    buf_free(&identity);
    buf_free(&sealed);
}

void changes_put(struct changes *changes, const struct store *store, const struct store_row *row)
{
    put_sealed(changes, store, CHANGE_PUT, row);
}

void changes_put_content(struct changes *changes, const struct store *store,
                         const struct store_row *row)
{
    put_sealed(changes, store, CHANGE_PUT_CONTENT, row);
}

void changes_delete_owned(struct changes *changes, uint32_t owner)
{
    struct change *change = add_change(changes, CHANGE_DELETE_OWNED);

    if (change != NULL)
        change->row.owner = owner;
}

enum sks_status changes_delete_open_sessions(struct changes *changes, struct store *store,
                                             struct sks_error *err)
{
    struct store_row row = { 0 };
    enum sks_status rc;

    do {
        struct arena arena = { 0 };

        rc = store_next(store, STORE_SESSION, false, row.handle, &arena, &row, err);
        if (row.handle != 0)
            changes_delete_owned(changes, row.handle);
        arena_free(&arena);
    } while (row.handle != 0);
    return rc;
}

void changes_delete(struct changes *changes, enum store_kind kind, uint32_t handle)
{
    struct change *change = add_change(changes, CHANGE_DELETE);

    if (change != NULL)
        change->row = (struct store_row){ .kind = kind, .handle = handle };
}

void changes_collect(struct changes *changes, enum store_kind kind, uint32_t handle,
                     enum store_kind by)
{
    struct change *change = add_change(changes, CHANGE_COLLECT);

    if (change == NULL)
        return;
    change->row = (struct store_row){ .kind = kind, .handle = handle };
    change->by = by;
}

void changes_collect_session(struct changes *changes, uint32_t handle)
{
    struct change *change = add_change(changes, CHANGE_COLLECT_SESSION);

    if (change != NULL)
        change->row = (struct store_row){ .kind = STORE_SESSION, .handle = handle };
}

void changes_each(const struct changes *changes,
                  void (*each)(void *ctx, enum store_kind kind, uint32_t handle, bool collected),
                  void *ctx)
{
    for (const struct change *change = changes->first; change != NULL; change = change->next)
        each(ctx, change->row.kind, change->row.handle, change->kind == CHANGE_COLLECT);
}

bool changes_empty(const struct changes *changes)
{
    return changes->first == NULL && changes->status == SKS_OK;
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

void changes_free(struct changes *changes)
{
    arena_free(&changes->arena);
    *changes = (struct changes){ 0 };
}

enum sks_status store_limit(struct store *store, uint64_t bytes, struct sks_error *err)
{
    return store->backend->limit(store->self, bytes, err);
}

/* ---- all rows ---- */

struct walk {
    struct store *store;
    store_visitor *visit;
    void *ctx;
};

static enum sks_status visit_row(void *ctx, struct store_row *row, bool sound, struct bytes sealed,
                                 struct arena *arena)
{
    const struct walk *w = ctx;
    enum store_condition condition = STORE_MEANINGLESS;

    if (sound)
        condition =
            unseal_row(w->store, sealed, arena, row, NULL) == SKS_OK ? STORE_SOUND : STORE_DAMAGED;
    return w->visit(w->ctx, row, condition);
}

enum sks_status store_walk(struct store *store, store_visitor *visit, void *ctx,
                           struct sks_error *err)
{
    struct walk walk = { store, visit, ctx };

    return store->backend->walk(store->self, visit_row, &walk, err);
}

struct trial {
    unsigned tried;
    bool fits;
};

/* Any row will do, as a damaged one must not pass for another key; but not all need be tried. */
static enum sks_status try_row(void *ctx, const struct store_row *row,
                               enum store_condition condition)
{
    struct trial *trial = ctx;

    (void)row;
    trial->tried++;
    trial->fits = condition == STORE_SOUND;
    return trial->fits || trial->tried == FITS_TRIES ? SKS_ERROR_USER_ABORT : SKS_OK; /* enough */
}

bool store_fits(struct store *store)
{
    struct trial trial = { 0 };
    enum sks_status rc = store_walk(store, try_row, &trial, NULL);

    return trial.fits || (rc == SKS_OK && trial.tried == 0);
}

struct resealing {
    const struct store *store;
    const struct vault *to;
    store_changer *change;
    void *ctx;
};

static enum sks_status reseal_row(void *ctx, struct store_row *row, struct bytes sealed,
                                  struct arena *arena, struct buf *again, struct sks_error *err)
{
    const struct resealing *r = ctx;
    struct buf identity = { 0 };
    enum sks_status rc;

    TRY(unseal_row(r->store, sealed, arena, row, err));
    TRY(r->change(r->ctx, row, arena, err));
    put_row_identity(&identity, row);
    TRY(identity.status);
    TRY(vault_seal(r->to, buf_bytes(&identity), row->body, again));
out:
    buf_free(&identity);
    return rc;
}

enum sks_status store_reseal(struct store *store, const struct vault *to, store_changer *change,
                             void *ctx, struct sks_error *err)
{
    struct resealing resealing = { store, to, change, ctx };
    enum sks_status rc = store->backend->rewrite(store->self, reseal_row, &resealing, err);

    if (rc == SKS_OK)
        store_use_vault(store, to);
    return rc;
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
