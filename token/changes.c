/* Change sets: what is gathered to be written at once. */
#include "token/store_internal.h"

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
    struct buf sealed = { 0 };
    struct change *change;
    enum sks_status rc;

    TRY(changes->status);
    TRY(row->handle == 0 ? SKS_ERROR_STORAGE : SKS_OK);
    TRY(seal_row(store->vault, row, &sealed));
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

void changes_free(struct changes *changes)
{
    arena_free(&changes->arena);
    *changes = (struct changes){ 0 };
}
