#include "token/locks.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 256 };

struct held_lock {
    struct held_lock *next;
    enum lock_kind kind;
    uint32_t handle;
    unsigned users; /* holding or waiting; guarded by locks->guard, as what follows */
    bool marked;    /* stays without users */
    pthread_mutex_t mutex;
};

struct locks {
    pthread_mutex_t guard;
    struct held_lock *bucket[BUCKETS];
};

struct locks *locks_new(void)
{
    struct locks *locks = calloc(1, sizeof *locks);

    if (locks != NULL)
        (void)pthread_mutex_init(&locks->guard, NULL);
    return locks;
}

static void free_lock(struct held_lock *lock)
{
    (void)pthread_mutex_destroy(&lock->mutex);
    free(lock);
}

void locks_free(struct locks *locks)
{
    if (locks == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct held_lock *lock = locks->bucket[i], *next; lock != NULL; lock = next) {
            next = lock->next;
            free_lock(lock);
        }
    (void)pthread_mutex_destroy(&locks->guard);
    free(locks);
}

static struct held_lock **place(struct locks *locks, enum lock_kind kind, uint32_t handle)
{
    struct held_lock **at = &locks->bucket[(handle * 31U + (unsigned)kind) % BUCKETS];

    while (*at != NULL && ((*at)->kind != kind || (*at)->handle != handle))
        at = &(*at)->next;
    return at;
}

struct held_lock *lock_take(struct locks *locks, enum lock_kind kind, uint32_t handle)
{
    struct held_lock **at, *lock;

    (void)pthread_mutex_lock(&locks->guard);
    at = place(locks, kind, handle);
    if (*at == NULL && (*at = calloc(1, sizeof **at)) != NULL) {
        (*at)->kind = kind;
        (*at)->handle = handle;
        (void)pthread_mutex_init(&(*at)->mutex, NULL);
    }
    lock = *at;
    if (lock != NULL)
        lock->users++;
    (void)pthread_mutex_unlock(&locks->guard);
    if (lock != NULL)
        (void)pthread_mutex_lock(&lock->mutex);
    return lock;
}

bool lock_is_busy(struct locks *locks, enum lock_kind kind, uint32_t handle)
{
    const struct held_lock *lock;
    bool busy;

    (void)pthread_mutex_lock(&locks->guard);
    lock = *place(locks, kind, handle);
    busy = lock != NULL && lock->users > 0;
    (void)pthread_mutex_unlock(&locks->guard);
    return busy;
}

void lock_mark(struct locks *locks, struct held_lock *held)
{
    (void)pthread_mutex_lock(&locks->guard);
    held->marked = true;
    (void)pthread_mutex_unlock(&locks->guard);
}

bool lock_is_marked(struct locks *locks, enum lock_kind kind, uint32_t handle)
{
    const struct held_lock *lock;
    bool marked;

    (void)pthread_mutex_lock(&locks->guard);
    lock = *place(locks, kind, handle);
    marked = lock != NULL && lock->marked;
    (void)pthread_mutex_unlock(&locks->guard);
    return marked;
}

void lock_release(struct locks *locks, struct held_lock *held)
{
    struct held_lock **at;

    if (held == NULL)
        return;
    (void)pthread_mutex_unlock(&held->mutex);
    (void)pthread_mutex_lock(&locks->guard);
    if (--held->users == 0 && !held->marked) {
        at = place(locks, held->kind, held->handle);
        *at = held->next;
        free_lock(held);
    }
    (void)pthread_mutex_unlock(&locks->guard);
}
