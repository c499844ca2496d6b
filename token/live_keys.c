#include "token/live_keys.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "token/lru.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { LIVE_KEYS_MAX = 4096 };

struct live_keys {
    struct store *store;
    struct lru lru;
};

struct live {
    struct lru_entry entry;
    struct live_key key;
    struct arena arena;
    pthread_mutex_t lock; /* of what follows, which is set once */
    EVP_PKEY *pkey;
    struct signer *signer;
};

struct live_keys *live_keys_new(struct store *store, size_t max)
{
    struct live_keys *keys = calloc(1, sizeof *keys);

    if (keys == NULL)
        return NULL;
    keys->store = store;
    lru_init(&keys->lru, max > 0 ? max : LIVE_KEYS_MAX);
    return keys;
}

static struct lru_id id_of(uint32_t handle)
{
    return (struct lru_id){ STORE_KEY, handle };
}

static struct live *live_of(const struct live_key *key)
{
    return (struct live *)((uintptr_t)key - offsetof(struct live, key));
}

static void free_live(void *entry)
{
    struct live *live = entry;

    if (live == NULL)
        return;
    signer_free(live->signer);
    EVP_PKEY_free(live->pkey);
    arena_free(&live->arena);
    (void)pthread_mutex_destroy(&live->lock);
    OPENSSL_clear_free(live, sizeof *live);
}

void live_keys_drop_all(struct live_keys *keys)
{
    struct lru_entry *entry;

    while ((entry = lru_any(&keys->lru)) != NULL)
        free_live(lru_forget(&keys->lru, entry->id));
}

void live_keys_free(struct live_keys *keys)
{
    if (keys == NULL)
        return;
    live_keys_drop_all(keys);
    lru_destroy(&keys->lru);
    free(keys);
}

/* @param found  out: false if the key was deleted since it was read, and its guards with it */
static enum sks_status load_guards_of(struct live_keys *keys, struct live *live, bool *found,
                                      struct sks_error *err)
{
    const struct key *key = &live->key.key;
    struct sks_error trouble = { 0 };
    enum sks_status rc = guards_load(keys->store, key, &live->arena, &live->key.guards, &trouble);

    *found = rc == SKS_OK || !key_is_gone(keys->store, key->handle);
    if (!*found)
        return SKS_OK;
    if (rc != SKS_OK && err != NULL)
        *err = trouble;
    return rc;
}

/* A key of a closed session, with its guards; NULL if there is none. */
static enum sks_status load(struct live_keys *keys, uint32_t handle, struct live **loaded,
                            struct sks_error *err)
{
    struct live *live = OPENSSL_zalloc(sizeof *live);
    struct key *key;
    bool found = false;
    enum sks_status rc;

    *loaded = NULL;
    if (live == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "out of memory");
    (void)pthread_mutex_init(&live->lock, NULL);
    live->entry.users = 1;
    key = &live->key.key;
    TRY(key_load(keys->store, handle, &live->arena, key, &found, err));
    if (!found || !key->closed)
        goto out;
    TRY(load_guards_of(keys, live, &found, err));
    if (!found)
        goto out;
    TRY(public_key_parse(key->public_key, &live->key.parts));
    TRY(store_await_syncs(keys->store, err)); /* once, for all who find it here */
    *loaded = live;
    live = NULL;
out:
    free_live(live);
    return sks_explain(err, rc);
}

static void make_room(struct live_keys *keys)
{
    struct lru_entry *surplus = lru_surplus(&keys->lru);

    if (surplus != NULL)
        free_live(lru_evict(&keys->lru, surplus));
}

/* Keeps a key, unless a drop came in between: then it may be an old one, which serves only the call
 * that began before the drop. */
static struct live *keep(struct live_keys *keys, struct live *live, uint64_t drops)
{
    struct lru_id id = id_of(live->key.key.handle);
    struct lru_entry *kept = lru_keep_fresh(&keys->lru, id, &live->entry, drops);

    if (kept == NULL)
        return live;
    if (kept != &live->entry)
        free_live(live);
    return (struct live *)kept;
}

enum sks_status live_key_take(struct live_keys *keys, uint32_t handle, const struct live_key **key,
                              struct sks_error *err)
{
    struct live *live = (struct live *)lru_take(&keys->lru, id_of(handle));
    uint64_t drops;
    enum sks_status rc = SKS_OK;

    *key = NULL;
    while (live == NULL) {
        drops = lru_forgets(&keys->lru);
        rc = load(keys, handle, &live, err);
        if (live != NULL)
            live = keep(keys, live, drops);
        else if (drops == lru_forgets(&keys->lru))
            return rc;
        else if (err != NULL) /* perhaps for what was changing just then */
            *err = (struct sks_error){ 0 };
    }
    *key = &live->key;
    make_room(keys);
    return SKS_OK;
}

void live_key_release(struct live_keys *keys, const struct live_key *key)
{
    struct live *live = key == NULL ? NULL : live_of(key);

    if (live != NULL && lru_release(&keys->lru, &live->entry))
        free_live(live);
}

void live_key_drop(struct live_keys *keys, uint32_t handle)
{
    free_live(lru_forget(&keys->lru, id_of(handle)));
}

static enum sks_status make_private(struct live *live)
{
    struct bytes secret = live->key.key.private_key;

    return live->pkey != NULL ? SKS_OK : get_private_key(&secret, &live->pkey);
}

enum sks_status live_key_private(const struct live_key *key, EVP_PKEY **pkey)
{
    struct live *live = live_of(key);
    enum sks_status rc;

    (void)pthread_mutex_lock(&live->lock);
    rc = make_private(live);
    *pkey = live->pkey;
    (void)pthread_mutex_unlock(&live->lock);
    return rc;
}

/* The first algorithm that a key is used with is the one that it is prepared for. */
static const struct signer *prepare(struct live *live, const struct algorithm *algorithm)
{
    const struct signer *signer;

    (void)pthread_mutex_lock(&live->lock);
    if (live->signer == NULL && make_private(live) == SKS_OK)
        live->signer = signer_new(live->pkey, algorithm);
    signer = live->signer;
    (void)pthread_mutex_unlock(&live->lock);
    return signer != NULL && signer_algorithm(signer) == algorithm ? signer : NULL;
}

enum sks_status live_key_sign(const struct live_key *key, const struct algorithm *algorithm,
                              struct bytes data, struct buf *out)
{
    const struct signer *signer = prepare(live_of(key), algorithm);
    EVP_PKEY *pkey;
    enum sks_status rc;

    if (signer != NULL)
        return signer_sign(signer, data, out);
    TRY(live_key_private(key, &pkey));
    TRY(sign_digest(pkey, algorithm, data, out));
out:
    return rc;
}
