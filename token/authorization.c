#include "token/authorization.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct counter {
    struct counter *next;
    enum store_kind kind;
    uint32_t handle;
    uint16_t wrong; /* M */
    bool known;     /* read from disk */
    bool held;
};

struct authorization {
    struct store *store;
    struct locks *locks;
    const struct vault *vault;
    pthread_rwlock_t change; /* read: a try is under way; write: rows change */
    pthread_mutex_t guard;   /* of the buckets; a counter itself is guarded by its lock */
    struct counter *bucket[BUCKETS];
};

struct authorization *authorization_new(struct store *store, struct locks *locks,
                                        const struct vault *vault)
{
    struct authorization *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->store = store;
    a->locks = locks;
    a->vault = vault;
    (void)pthread_mutex_init(&a->guard, NULL);
    (void)pthread_rwlock_init(&a->change, NULL);
    return a;
}

static struct counter *find_counter(struct authorization *a, enum store_kind kind, uint32_t handle)
{
    struct counter **at = &a->bucket[(handle * 31U + (unsigned)kind) % BUCKETS], *found;

    (void)pthread_mutex_lock(&a->guard);
    while (*at != NULL && ((*at)->kind != kind || (*at)->handle != handle))
        at = &(*at)->next;
    if (*at == NULL && (*at = calloc(1, sizeof **at)) != NULL) {
        (*at)->kind = kind;
        (*at)->handle = handle;
    }
    found = *at;
    (void)pthread_mutex_unlock(&a->guard);
    return found;
}

static enum sks_status candidate_of(struct authorization *a, const struct secret *secret,
                                    struct bytes value, uint8_t mac[32])
{
    struct buf data = { 0 };
    enum sks_status rc;

    put_byte(&data, (uint8_t)secret->kind);
    put_uint(&data, secret->handle);
    put_raw(&data, value);
    TRY(data.status);
    TRY(vault_mac(a->vault, buf_bytes(&data), mac));
out:
    buf_free(&data);
    return rc;
}

/* First use after a start: a try that a crash cut off counts, unless it was the right value. */
static enum sks_status learn(struct authorization *a, struct counter *counter,
                             const struct secret *secret)
{
    uint8_t right[32];
    enum sks_status rc = SKS_OK;

    if (counter->known)
        return SKS_OK;
    counter->wrong = secret->tries.charged;
    if (secret->tries.has_candidate && counter->wrong > 0) {
        TRY(candidate_of(a, secret, secret->value, right));
        if (CRYPTO_memcmp(right, secret->tries.candidate, sizeof right) == 0)
            counter->wrong--;
    }
    counter->known = true;
out:
    return rc;
}

/* The caller holds the lock of the secret since it was read, so the row is as it was. */
static enum sks_status write_tries(struct authorization *a, struct secret *secret, uint16_t charged,
                                   const uint8_t candidate[32], struct sks_error *err)
{
    struct changes changes = { 0 };
    enum sks_status rc;

    secret->tries = (struct tries){ .charged = charged, .has_candidate = candidate != NULL };
    if (candidate != NULL)
        memcpy(secret->tries.candidate, candidate, sizeof secret->tries.candidate);
    secret_put(&changes, a->store, secret);
    rc = store_apply(a->store, &changes, err);
    changes_free(&changes);
    return rc;
}

static enum sks_status compare(struct authorization *a, struct counter *counter,
                               struct secret *secret, uint16_t limit, struct bytes value,
                               struct sks_error *err)
{
    uint8_t candidate[32];
    enum sks_status rc;

    REQUIRE(counter->wrong < limit, err, SKS_ERROR_AUTHORIZATION, "%s is blocked",
            secret->kind == STORE_PIN ? "PIN" : "PUK");
    if (!counter->held) {
        TRY(candidate_of(a, secret, value, candidate));
        TRY(write_tries(a, secret, (uint16_t)(counter->wrong + 1), candidate, err));
    }
    if (!bytes_equal_secret(secret->value, value)) {
        counter->wrong++;
        counter->held = false;
        return sks_fail(err, SKS_ERROR_AUTHORIZATION, "wrong %s",
                        secret->kind == STORE_PIN ? "PIN" : "PUK");
    }
    if (!counter->held && limit > 1) {
        TRY(write_tries(a, secret, 1, NULL, err));
        counter->held = true;
    }
    counter->wrong = 0;
    rc = SKS_OK;
out:
    OPENSSL_cleanse(candidate, sizeof candidate);
    return rc;
}

/* Takes the lock of a secret and loads it with its counter; free the arena, release the lock. */
static enum sks_status enter(struct authorization *a, enum store_kind kind,
                             struct reference reference, struct arena *arena,
                             struct held_lock **lock, struct secret *secret,
                             struct counter **counter, struct sks_error *err)
{
    bool found = false;
    enum sks_status rc;

    (void)pthread_rwlock_rdlock(&a->change);
    *lock = lock_take(a->locks, kind == STORE_PIN ? LOCK_PIN : LOCK_PUK, reference.handle);
    *counter = find_counter(a, kind, reference.handle);
    REQUIRE(*lock != NULL && *counter != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(secret_load(a->store, kind, reference, arena, secret, &found, err));
    REQUIRE(found, err, SKS_ERROR_INTERNAL, "PIN or PUK object %u is missing", reference.handle);
    TRY(learn(a, *counter, secret));
out:
    return sks_explain(err, rc);
}

enum sks_status authorization_try(struct authorization *a, enum store_kind kind,
                                  struct reference reference, uint16_t limit, struct bytes value,
                                  struct sks_error *err)
{
    struct arena arena = { 0 };
    struct held_lock *lock;
    struct counter *counter;
    struct secret secret;
    enum sks_status rc;

    TRY(enter(a, kind, reference, &arena, &lock, &secret, &counter, err));
    TRY(compare(a, counter, &secret, limit, value, err));
out:
    lock_release(a->locks, lock);
    (void)pthread_rwlock_unlock(&a->change);
    arena_free(&arena);
    return sks_explain(err, rc);
}

enum sks_status authorization_count(struct authorization *a, enum store_kind kind,
                                    struct reference reference, uint16_t *count,
                                    struct sks_error *err)
{
    struct arena arena = { 0 };
    struct held_lock *lock;
    struct counter *counter;
    struct secret secret;
    enum sks_status rc;

    *count = 0;
    TRY(enter(a, kind, reference, &arena, &lock, &secret, &counter, err));
    *count = counter->wrong;
out:
    lock_release(a->locks, lock);
    (void)pthread_rwlock_unlock(&a->change);
    arena_free(&arena);
    return rc;
}

void authorization_freeze(struct authorization *a)
{
    (void)pthread_rwlock_wrlock(&a->change);
}

void authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle)
{
    struct counter **at = &a->bucket[(handle * 31U + (unsigned)kind) % BUCKETS], *gone;

    while (*at != NULL && ((*at)->kind != kind || (*at)->handle != handle))
        at = &(*at)->next;
    gone = *at;
    if (gone != NULL)
        *at = gone->next;
    free(gone);
}

void authorization_thaw(struct authorization *a)
{
    (void)pthread_rwlock_unlock(&a->change);
}

static void give_back(struct authorization *a, const struct counter *counter,
                      struct changes *changes)
{
    struct arena arena = { 0 };
    struct secret secret;
    const struct reference reference = { counter->handle, 0 };
    bool found = false;

    if (secret_load(a->store, counter->kind, reference, &arena, &secret, &found, NULL) == SKS_OK &&
        found) { /* else one try stays charged: safe */
        secret.tries = (struct tries){ 0 };
        secret_put(changes, a->store, &secret);
    }
    arena_free(&arena);
}

void authorization_abandon(struct authorization *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct counter *counter = a->bucket[i], *next; counter != NULL; counter = next) {
            next = counter->next;
            free(counter);
        }
    }
    (void)pthread_mutex_destroy(&a->guard);
    (void)pthread_rwlock_destroy(&a->change);
    free(a);
}

/* In one transaction, however many are held. */
void authorization_free(struct authorization *a)
{
    struct changes changes = { 0 };

    for (size_t i = 0; a != NULL && i < BUCKETS; i++)
        for (const struct counter *counter = a->bucket[i]; counter != NULL; counter = counter->next)
            if (counter->held)
                give_back(a, counter, &changes);
    if (!changes_empty(&changes))
        (void)!store_apply(a->store, &changes, NULL);
    changes_free(&changes);
    authorization_abandon(a);
}
