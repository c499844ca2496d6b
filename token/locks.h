/* One lock a thing, made while somebody wants it: calls on different sessions never wait. */
#ifndef TOKEN_LOCKS_H
#define TOKEN_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

struct locks;
struct held_lock;

/* What is locked; a thread takes them in this order. */
enum lock_kind { LOCK_SESSION, LOCK_COMMIT, LOCK_PUK };

/** NULL without memory. */
struct locks *locks_new(void);

/** Nobody may hold one. NULL is allowed. */
void locks_free(struct locks *locks);

/** Waits for the lock of a kind and handle; NULL without memory. */
struct held_lock *lock_take(struct locks *locks, enum lock_kind kind, uint32_t handle);

/** True if somebody holds the lock or waits for it at this moment. */
bool lock_is_busy(struct locks *locks, enum lock_kind kind, uint32_t handle);

/** Marks what is locked, for as long as the locks live; needs no memory, so it cannot fail. */
void lock_mark(struct locks *locks, struct held_lock *held);

/** True if what the lock is for was marked. */
bool lock_is_marked(struct locks *locks, enum lock_kind kind, uint32_t handle);

/** NULL is allowed. */
void lock_release(struct locks *locks, struct held_lock *held);

#endif
