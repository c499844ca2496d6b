#include "token/lru.h"

#include <utlist.h>

void lru_init(struct lru *lru, size_t max)
{
    *lru = (struct lru){ .max = max };
    (void)pthread_mutex_init(&lru->guard, NULL);
}

void lru_destroy(struct lru *lru)
{
    (void)pthread_mutex_destroy(&lru->guard);
}

static struct lru_entry *find(struct lru *lru, const struct lru_id *id)
{
    struct lru_entry *entry = NULL;

    HASH_FIND(hh, lru->table, id, sizeof *id, entry);
    return entry;
}

static void use(struct lru *lru, struct lru_entry *entry)
{
    entry->users++;
    if (entry->next == NULL)
        return;
    DL_DELETE(lru->list, entry);
    DL_APPEND(lru->list, entry);
}

struct lru_entry *lru_take(struct lru *lru, struct lru_id id)
{
    struct lru_entry *entry;

    (void)pthread_mutex_lock(&lru->guard);
    entry = find(lru, &id);
    if (entry != NULL)
        use(lru, entry);
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

static struct lru_entry *add(struct lru *lru, struct lru_id id, struct lru_entry *entry)
{
    entry->id = id;
    HASH_ADD(hh, lru->table, id, sizeof entry->id, entry);
    if (entry->hh.tbl == NULL)
        return NULL;
    DL_APPEND(lru->list, entry);
    entry->kept = true;
    entry->users = 1;
    lru->count++;
    return entry;
}

/* The guard is held. */
static struct lru_entry *keep(struct lru *lru, struct lru_id id, struct lru_entry *entry)
{
    struct lru_entry *other = find(lru, &id);

    if (other == NULL)
        return add(lru, id, entry);
    use(lru, other);
    return other;
}

struct lru_entry *lru_keep(struct lru *lru, struct lru_id id, struct lru_entry *entry)
{
    (void)pthread_mutex_lock(&lru->guard);
    entry = keep(lru, id, entry);
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

uint64_t lru_forgets(struct lru *lru)
{
    uint64_t forgets;

    (void)pthread_mutex_lock(&lru->guard);
    forgets = lru->forgets;
    (void)pthread_mutex_unlock(&lru->guard);
    return forgets;
}

struct lru_entry *lru_keep_fresh(struct lru *lru, struct lru_id id, struct lru_entry *entry,
                                 uint64_t forgets)
{
    (void)pthread_mutex_lock(&lru->guard);
    entry = forgets == lru->forgets ? keep(lru, id, entry) : NULL;
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

bool lru_release(struct lru *lru, struct lru_entry *entry)
{
    bool last;

    (void)pthread_mutex_lock(&lru->guard);
    last = --entry->users == 0 && !entry->kept;
    (void)pthread_mutex_unlock(&lru->guard);
    return last;
}

static void remove_entry(struct lru *lru, struct lru_entry *entry)
{
    HASH_DELETE(hh, lru->table, entry);
    DL_DELETE(lru->list, entry);
    entry->kept = false;
    lru->count--;
}

struct lru_entry *lru_forget(struct lru *lru, struct lru_id id)
{
    struct lru_entry *entry;

    (void)pthread_mutex_lock(&lru->guard);
    lru->forgets++;
    entry = find(lru, &id);
    if (entry != NULL)
        remove_entry(lru, entry);
    if (entry != NULL && entry->users > 0)
        entry = NULL;
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

struct lru_entry *lru_evict(struct lru *lru, struct lru_entry *entry)
{
    (void)pthread_mutex_lock(&lru->guard);
    if (--entry->users > 0)
        entry = NULL;
    else if (entry->kept)
        remove_entry(lru, entry);
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

struct lru_entry *lru_surplus(struct lru *lru)
{
    struct lru_entry *entry = NULL;

    (void)pthread_mutex_lock(&lru->guard);
    if (lru->count > lru->max)
        entry = lru->list;
    while (entry != NULL && entry->users > 0)
        entry = entry->next;
    if (entry != NULL)
        entry->users = 1; /* and stays where it is: it is about to go */
    (void)pthread_mutex_unlock(&lru->guard);
    return entry;
}

struct lru_entry *lru_any(struct lru *lru)
{
    return lru->list;
}
