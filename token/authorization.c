#include "token/authorization.h"
#include "token/lru.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTERS_MAX = 8192 };

struct counter {
    struct lru_entry entry;
    pthread_mutex_t lock; /* of what follows */
    bool known;           /* read from disk */
    bool held;
    uint16_t wrong;   /* M */
    uint64_t birth;   /* of the row */
    struct buf value; /* the true one */
};

struct authorization {
    struct store *store;
    const struct vault *vault;
    pthread_rwlock_t change; /* read: a try is under way; write: rows change */
    struct lru counters;
};

/* Tries come without end, and the default lets them pass a change that waits: for ever. */
static void init_change(pthread_rwlock_t *change)
{
    pthread_rwlockattr_t fair;

    (void)pthread_rwlockattr_init(&fair);
    (void)pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(change, &fair);
    (void)pthread_rwlockattr_destroy(&fair);
}

struct authorization *authorization_new(struct store *store, const struct vault *vault, size_t max)
{
    struct authorization *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->store = store;
    a->vault = vault;
    init_change(&a->change);
    lru_init(&a->counters, max > 0 ? max : COUNTERS_MAX);
    return a;
}

static struct lru_id id_of(enum store_kind kind, uint32_t handle)
{
    return (struct lru_id){ (uint32_t)kind, handle };
}

static void free_counter(void *counter)
{
    struct counter *c = counter;

    if (c == NULL)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    buf_free(&c->value);
    OPENSSL_free(c);
}

/* Finds a counter or makes it; NULL without memory. */
static struct counter *take_counter(struct authorization *a, struct lru_id id)
{
    struct lru_entry *entry = lru_take(&a->counters, id);
    struct counter *fresh;

    if (entry != NULL)
        return (struct counter *)entry;
    if ((fresh = OPENSSL_zalloc(sizeof *fresh)) == NULL)
        return NULL;
    (void)pthread_mutex_init(&fresh->lock, NULL);
    entry = lru_keep(&a->counters, id, &fresh->entry);
    if (entry != &fresh->entry)
        free_counter(fresh);
    return (struct counter *)entry;
}

static enum sks_status candidate_of(const struct vault *vault, enum store_kind kind,
                                    uint32_t handle, struct bytes value, uint8_t mac[32])
{
    struct buf data = { 0 };
    enum sks_status rc;

    put_byte(&data, (uint8_t)kind);
    put_uint(&data, handle);
    put_raw(&data, value);
    TRY(data.status);
    TRY(vault_mac(vault, buf_bytes(&data), mac));
out:
    buf_free(&data);
    return rc;
}

enum sks_status authorization_settle(const struct vault *vault, struct secret *secret)
{
    uint16_t charged = secret->tries.charged;
    uint8_t right[32];
    enum sks_status rc = SKS_OK;

    if (!secret->tries.has_candidate)
        return SKS_OK;
    TRY(candidate_of(vault, secret->kind, secret->handle, secret->value, right));
    if (charged > 0 && CRYPTO_memcmp(right, secret->tries.candidate, sizeof right) == 0)
        charged--;
    secret->tries = (struct tries){ .charged = charged };
out:
    return rc;
}

/* First use: a try that a crash cut off counts, unless it was the right value. */
static enum sks_status learn(struct authorization *a, struct counter *counter,
                             const struct secret *secret)
{
    struct secret settled = *secret;
    enum sks_status rc;

    buf_free(&counter->value);
    put_raw(&counter->value, secret->value);
    TRY(counter->value.status);
    TRY(authorization_settle(a->vault, &settled));
    counter->birth = secret->birth;
    counter->wrong = settled.tries.charged;
    counter->known = true;
out:
    return rc;
}

/* Reads the row of a counter whose lock is held, and learns it if it is new. */
static enum sks_status load(struct authorization *a, struct counter *counter,
                            struct reference reference, struct arena *arena, struct secret *secret,
                            struct sks_error *err)
{
    bool found = false;
    enum sks_status rc;

    TRY(secret_load(a->store, (enum store_kind)counter->entry.id.kind, reference, arena, secret,
                    &found, err));
    REQUIRE(found, err, SKS_ERROR_INTERNAL, "PIN or PUK object %u is missing", reference.handle);
    if (!counter->known)
        TRY(learn(a, counter, secret));
out:
    return rc;
}

static void put_tries(struct authorization *a, struct secret *secret, uint16_t charged,
                      const uint8_t candidate[32], struct changes *changes)
{
    secret->tries = (struct tries){ .charged = charged, .has_candidate = candidate != NULL };
    if (candidate != NULL)
        memcpy(secret->tries.candidate, candidate, sizeof secret->tries.candidate);
    secret_put(changes, a->store, secret);
}

/* The caller holds the lock of the counter, so nobody else writes the row. */
static enum sks_status write_tries(struct authorization *a, struct counter *counter,
                                   struct reference reference, uint16_t charged,
                                   const uint8_t candidate[32], struct sks_error *err)
{
    struct changes changes = { 0 };
    struct arena arena = { 0 };
    struct secret secret;
    enum sks_status rc;

    TRY(load(a, counter, reference, &arena, &secret, err));
    put_tries(a, &secret, charged, candidate, &changes);
    TRY(store_apply(a->store, &changes, err));
out:
    changes_free(&changes);
    arena_free(&arena);
    return rc;
}

static enum sks_status compare(struct authorization *a, struct counter *counter,
                               struct reference reference, uint16_t limit, struct bytes value,
                               struct sks_error *err)
{
    enum store_kind kind = (enum store_kind)counter->entry.id.kind;
    const char *name = kind == STORE_PIN ? "PIN" : "PUK";
    uint8_t candidate[32];
    enum sks_status rc;

    REQUIRE(counter->wrong < limit, err, SKS_ERROR_AUTHORIZATION, "%s is blocked", name);
    if (!counter->held) {
        TRY(candidate_of(a->vault, kind, reference.handle, value, candidate));
        TRY(write_tries(a, counter, reference, (uint16_t)(counter->wrong + 1), candidate, err));
    }
    if (!bytes_equal_secret(buf_bytes(&counter->value), value)) {
        counter->wrong++;
        counter->held = false;
        rc = sks_fail(err, SKS_ERROR_AUTHORIZATION, "wrong %s", name);
        goto out;
    }
    if (!counter->held && limit > 1) {
        TRY(write_tries(a, counter, reference, 1, NULL, err));
        counter->held = true;
    }
    counter->wrong = 0;
    rc = SKS_OK;
out:
    OPENSSL_cleanse(candidate, sizeof candidate);
    return rc;
}

/* Takes a counter, locks it, and knows it; leave() in any case. */
static enum sks_status enter(struct authorization *a, enum store_kind kind,
                             struct reference reference, struct counter **counter,
                             struct sks_error *err)
{
    struct arena arena = { 0 };
    struct secret secret;
    enum sks_status rc = SKS_OK;

    (void)pthread_rwlock_rdlock(&a->change);
    *counter = take_counter(a, id_of(kind, reference.handle));
    REQUIRE(*counter != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    (void)pthread_mutex_lock(&(*counter)->lock);
    if (!(*counter)->known)
        TRY(load(a, *counter, reference, &arena, &secret, err));
    REQUIRE(reference.birth == 0 || reference.birth == (*counter)->birth, err, SKS_ERROR_INTERNAL,
            "PIN or PUK object %u is not the one that the key refers to", reference.handle);
out:
    arena_free(&arena);
    return rc;
}

/* What is held is written back as 0; if that fails, one try stays charged: safe. */
static void give_back(struct authorization *a, struct counter *counter, struct changes *changes)
{
    const struct reference reference = { counter->entry.id.handle, counter->birth };
    struct arena arena = { 0 };
    struct secret secret;

    if (counter->held && load(a, counter, reference, &arena, &secret, NULL) == SKS_OK)
        put_tries(a, &secret, 0, NULL, changes);
    arena_free(&arena);
}

static void release(struct authorization *a, struct counter *counter)
{
    if (lru_release(&a->counters, &counter->entry))
        free_counter(counter);
}

/* True if what is held may be on disk no more: it was written back, synced or not. */
static bool write_back(struct authorization *a, const struct changes *changes)
{
    if (changes_empty(changes))
        return true;
    if (store_await_syncs(a->store, NULL) != SKS_OK) /* then nothing is written any more */
        return false;
    return store_apply(a->store, changes, NULL) == SKS_OK ||
           store_await_syncs(a->store, NULL) != SKS_OK;
}

/* It was used by nobody; who comes for it now waits for its lock. So it goes before that is let go:
 * else a try in between would leave a charge ahead that nobody knows of. */
static void make_room(struct authorization *a)
{
    struct counter *counter = (struct counter *)lru_surplus(&a->counters);
    struct lru_entry *gone = NULL;
    struct changes changes = { 0 };
    bool held;

    if (counter == NULL)
        return;
    (void)pthread_mutex_lock(&counter->lock);
    give_back(a, counter, &changes);
    if (write_back(a, &changes))
        counter->held = false;
    held = counter->held;
    if (!held)
        gone = lru_evict(&a->counters, &counter->entry);
    (void)pthread_mutex_unlock(&counter->lock);
    changes_free(&changes);
    if (held)
        release(a, counter);
    else
        free_counter(gone);
}

static void leave(struct authorization *a, struct counter *counter)
{
    if (counter != NULL) {
        (void)pthread_mutex_unlock(&counter->lock);
        release(a, counter);
        make_room(a);
    }
    (void)pthread_rwlock_unlock(&a->change);
}

enum sks_status authorization_try(struct authorization *a, enum store_kind kind,
                                  struct reference reference, uint16_t limit, struct bytes value,
                                  struct sks_error *err)
{
    struct counter *counter;
    enum sks_status rc;

    TRY(enter(a, kind, reference, &counter, err));
    TRY(compare(a, counter, reference, limit, value, err));
out:
    leave(a, counter);
    return sks_explain(err, rc);
}

enum sks_status authorization_count(struct authorization *a, enum store_kind kind,
                                    struct reference reference, uint16_t *count,
                                    struct sks_error *err)
{
    struct counter *counter;
    enum sks_status rc;

    *count = 0;
    TRY(enter(a, kind, reference, &counter, err));
    *count = counter->wrong;
out:
    leave(a, counter);
    return sks_explain(err, rc);
}

void authorization_freeze(struct authorization *a)
{
    (void)pthread_rwlock_wrlock(&a->change);
}

void authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle)
{
    free_counter(lru_forget(&a->counters, id_of(kind, handle)));
}

void authorization_thaw(struct authorization *a)
{
    (void)pthread_rwlock_unlock(&a->change);
}

void authorization_abandon(struct authorization *a)
{
    struct lru_entry *entry;

    if (a == NULL)
        return;
    while ((entry = lru_any(&a->counters)) != NULL)
        free_counter(lru_forget(&a->counters, entry->id));
    lru_destroy(&a->counters);
    (void)pthread_rwlock_destroy(&a->change);
    free(a);
}

/* In one transaction, however many are held. */
void authorization_free(struct authorization *a)
{
    struct changes changes = { 0 };

    for (struct lru_entry *e = a == NULL ? NULL : lru_any(&a->counters); e != NULL; e = e->next)
        give_back(a, (struct counter *)e, &changes);
    if (!changes_empty(&changes))
        (void)!store_apply(a->store, &changes, NULL);
    changes_free(&changes);
    authorization_abandon(a);
}
