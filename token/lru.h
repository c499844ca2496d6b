/* Things found by kind and handle, the ones used longest ago first to go. Whoever keeps things here
 * begins them with a struct lru_entry, makes them and frees them; any number of threads may. */
#ifndef TOKEN_LRU_H
#define TOKEN_LRU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct lru_id {
    uint32_t kind, handle;
};

struct lru_entry {
    struct lru_id id;
    unsigned users;
    bool kept; /* it can be found */
    struct lru_entry *prev, *next;
    UT_hash_handle hh;
};

struct lru {
    pthread_mutex_t guard;
    struct lru_entry *table, *list; /* the list begins with the one used longest ago */
    size_t count, max;
    uint64_t forgets; /* how often lru_forget() was called */
};

/** @param max  how many to keep, but for those in use */
void lru_init(struct lru *lru, size_t max);

/** Nothing may be kept any more. */
void lru_destroy(struct lru *lru);

/** Finds an entry and uses it; NULL if there is none. Each use ends with lru_release(). */
struct lru_entry *lru_take(struct lru *lru, struct lru_id id);

/**
 * Keeps an entry, and uses it.
 *
 * @return the entry; the one that another thread kept under that id meanwhile, used; NULL without
 *         memory. If it is not the given one, that stays the caller's.
 */
struct lru_entry *lru_keep(struct lru *lru, struct lru_id id, struct lru_entry *entry);

/** How often something was forgotten: to ask before reading what is to be kept. */
uint64_t lru_forgets(struct lru *lru);

/**
 * As lru_keep(), unless something was forgotten since: then nobody may find what was read before.
 *
 * @param forgets  as lru_forgets() gave it
 * @return also NULL then
 */
struct lru_entry *lru_keep_fresh(struct lru *lru, struct lru_id id, struct lru_entry *entry,
                                 uint64_t forgets);

/** Ends a use. True if the entry was the last user's to free, as it cannot be found any more. */
bool lru_release(struct lru *lru, struct lru_entry *entry);

/** From now on the id is not found. Returns the entry if nobody uses it: the caller's to free. */
struct lru_entry *lru_forget(struct lru *lru, struct lru_id id);

/** Ends a use that began with lru_surplus(). The entry, if nobody else came for it: not found any
 * more and the caller's to free; else NULL. */
struct lru_entry *lru_evict(struct lru *lru, struct lru_entry *entry);

/** If there are too many: uses the one that was used longest ago, and now by nobody; else NULL. */
struct lru_entry *lru_surplus(struct lru *lru);

/** Any entry that is kept, NULL if none is: to empty it when no other thread is in it. */
struct lru_entry *lru_any(struct lru *lru);

#endif
