/* What is done to all rows of a store. */
#include "token/store_internal.h"

enum { FITS_TRIES = 100 };

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
    enum sks_status rc;

    TRY(unseal_row(r->store, sealed, arena, row, err));
    TRY(r->change(r->ctx, row, arena, err));
    TRY(seal_row(r->to, row, again));
out:
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
