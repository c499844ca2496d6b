/*
 * Many threads try right and wrong PINs and PUKs on the same keys, on keys that share a PIN, and
 * unlock and change meanwhile. What is compared is watched where it is compared:
 *
 *   - no counter gets more wrong comparisons since its last right one or reset than its limit;
 *   - each answer fits its comparison; without one, the counter was blocked;
 *   - afterwards each counter is what these say; reopened as after a kill or a power cut it is
 * that, or 1 ahead of need;
 *   - what a kill in the midst of it would have left is never below what was compared until then.
 *
 * A plain program, so that ThreadSanitizer sees it.
 */
#include "keygen2/objects.h"
#include "tests/plain/parts/comparisons.h"
#include "tests/plain/parts/pin_world.h"
#include "tests/plain/support/user.h"
#include "token/authorization.h"
#include "token/lru.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 6, TRIES = 12, RUNS = 2, ROUNDS = 4, KILLS_MAX = 8, KILL_EVERY = 7 };

/* A moment: the wrong comparisons of each counter since its last right one or reset, and the disk.
 */
static struct kill {
    unsigned wrong[WORLD_COUNTERS];
    struct disk_image *disk;
} kills[KILLS_MAX];

/* What the watcher knows; it is called by one thread at a time. */
static struct {
    unsigned wrong[WORLD_COUNTERS];
    unsigned seen, kills;
} ledger;

static struct {
    unsigned right, wrong, blocked, resets, kills;
} total; /* of all rounds: changed by the watcher, or when no thread runs */

static struct world *world;
static struct token *token;

/* What this thread does. */
static _Thread_local struct {
    unsigned key, right, wrong;
} own;

/* ---- watching ---- */

enum { RESET = 2 * WORLD_COUNTERS }; /* a detail of its own, plus the counter */

void __real_authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle);
void __wrap_authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle);

/* After a commit that wrote the row; no try is under way. */
void __wrap_authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle)
{
    __real_authorization_forget(a, kind, handle);
    if (kind == STORE_PIN)
        disk_note(RESET + (int)world_pin(world, own.key));
}

struct lru_entry *__real_lru_evict(struct lru *lru, struct lru_entry *entry);
struct lru_entry *__wrap_lru_evict(struct lru *lru, struct lru_entry *entry);

/* Others get the time to come for what is about to go. */
struct lru_entry *__wrap_lru_evict(struct lru *lru, struct lru_entry *entry)
{
    static const struct timespec moment = { .tv_nsec = 300000 };

    (void)nanosleep(&moment, NULL);
    return __real_lru_evict(lru, entry);
}

static void note_kill(void)
{
    struct kill *kill = &kills[ledger.kills];

    if (ledger.kills == KILLS_MAX || ledger.seen % KILL_EVERY != 0)
        return;
    memcpy(kill->wrong, ledger.wrong, sizeof kill->wrong);
    kill->disk = disk_take(ledger.kills % 2 == 0 ? DISK_KILL : DISK_POWER_CUT, 0);
    ledger.kills++;
}

static void note_comparison(unsigned counter, bool right)
{
    if (right) {
        own.right++;
        total.right++;
        ledger.wrong[counter] = 0;
    } else {
        own.wrong++;
        total.wrong++;
        ledger.wrong[counter]++;
    }
    must(ledger.wrong[counter] <= world_limit(world, counter), "a guess more than the limit");
    ledger.seen++;
    note_kill();
}

static void watch(void *ctx, enum disk_event event, int detail)
{
    (void)ctx;
    if (event != DISK_OTHER)
        return;
    if (detail < RESET) {
        note_comparison(comparison_counter(detail), comparison_is_right(detail));
        return;
    }
    ledger.wrong[detail - RESET] = 0;
    total.resets++;
}

/* ---- trying ---- */

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 16) % below;
}

static void look(unsigned key)
{
    struct key_protection_out protection;

    must(try_protection(token, world->key[key], &protection) == SKS_OK, "getKeyProtectionInfo");
    must(protection.pin_error_count <= world->pin_limit, "a PIN counter above its limit");
    must(protection.puk_error_count <= world->puk_limit, "a PUK counter above its limit");
}

struct worker {
    pthread_t thread;
    unsigned seed, blocked;
};

/* A PIN is either of its two values, which others change meanwhile. */
static void try_something(struct worker *worker)
{
    static const enum deed CHOICE[] = { SIGN,   SIGN,        SIGN, SIGN, CHANGE_TO_OTHER,
                                        UNLOCK, SET_TO_OTHER };
    struct action action = { CHOICE[draw(&worker->seed, NITEMS(CHOICE))],
                             draw(&worker->seed, world->keys), true };
    bool second = draw(&worker->seed, 3) == 0;
    enum sks_status rc;

    if (action_counter(world, &action) == WORLD_PUK)
        action.right = draw(&worker->seed, 4) != 0;
    own.key = action.key;
    own.right = own.wrong = 0;
    rc = world_try(world, token, &action, second);
    if (rc == SKS_OK)
        must(own.right == 1 && own.wrong == 0, "a yes without a right comparison");
    else
        must((own.right == 0 || action.deed == CHANGE_TO_OTHER) && own.wrong <= 1,
             "a no after a right comparison"); /* that another change has overtaken */
    if (own.right + own.wrong == 0)
        worker->blocked++;
}

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (unsigned i = 0; i < TRIES; i++) {
        try_something(worker);
        if (draw(&worker->seed, 4) == 0)
            look(draw(&worker->seed, world->keys));
    }
    return NULL;
}

static void run_threads(unsigned seed)
{
    struct worker worker[THREADS];

    disk_watch(watch, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){ .seed = seed * THREADS + i };
        must(pthread_create(&worker[i].thread, NULL, work, &worker[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(worker[i].thread, NULL);
        total.blocked += worker[i].blocked;
    }
    disk_watch(NULL, NULL);
}

/* ---- looking at what was done ---- */

/* Reopens what is on a disk. */
static void look_at_disk(const struct disk_image *disk, struct seen seen[WORLD_COUNTERS])
{
    disk_put(disk);
    token = world_open(world);
    world_look(world, token, seen);
    token_close(token);
}

static void check_kills(void)
{
    struct seen seen[WORLD_COUNTERS];

    for (unsigned i = 0; i < ledger.kills; i++) {
        look_at_disk(kills[i].disk, seen);
        for (unsigned c = 0; c < WORLD_COUNTERS; c++)
            must(seen[c].count >= kills[i].wrong[c] && seen[c].count <= world_limit(world, c),
                 "a kill in the midst of tries has brought guesses");
        disk_image_free(kills[i].disk);
    }
    total.kills += ledger.kills;
}

static void check_disk(struct disk_image *disk, bool stopped)
{
    struct seen seen[WORLD_COUNTERS];

    look_at_disk(disk, seen);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++)
        must(seen[c].count == ledger.wrong[c] ||
                 (!stopped && ledger.wrong[c] == 0 && seen[c].count == 1),
             "a counter is not what it was before the token went");
    disk_image_free(disk);
}

/* From the disk that lies there to what a kill leaves of it. */
static void run(unsigned seed)
{
    struct disk_image *killed, *cut;
    struct seen seen[WORLD_COUNTERS];

    memset(&ledger, 0, sizeof ledger);
    token = world_open(world);
    world_look(world, token, seen);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++)
        ledger.wrong[c] = seen[c].count;
    run_threads(seed);
    world_look(world, token, seen);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++)
        must(seen[c].count == ledger.wrong[c], "a counter is not what the comparisons say");
    killed = disk_take(DISK_KILL, 0);
    cut = disk_take(DISK_POWER_CUT, 0);
    token_close(token);
    check_disk(disk_take(DISK_POWER_CUT, 0), true);
    check_kills();
    check_disk(cut, false);
    check_disk(killed, false);
}

int main(void)
{
    static struct world worlds[] = {
        { .name = "one key", .pin_limit = 3, .puk_limit = 3, .keys = 1 },
        { .name = "shared",
          .pin_limit = 2,
          .puk_limit = 10,
          .keys = WORLD_KEYS,
          .grouping = GROUPING_SHARED },
        { .name = "unique, room for one",
          .pin_limit = 3,
          .puk_limit = 10,
          .keys = WORLD_KEYS,
          .grouping = GROUPING_UNIQUE,
          .room = 1 },
    };
    unsigned runs = 0;

    disk_install();
    for (unsigned round = 0; round < ROUNDS * NITEMS(worlds); round++) {
        world = &worlds[round % NITEMS(worlds)];
        world_make(world);
        for (unsigned i = 0; i < RUNS; i++)
            run(runs++);
        world_end(world);
    }
    must(total.right > 0 && total.wrong > 0 && total.blocked > 0 && total.resets > 0 &&
             total.kills > 0,
         "something that is to be seen never happened");
    (void)printf("OK: %u runs of %d threads: %u right and %u wrong values, %u times blocked, "
                 "%u resets, %u kills\n",
                 runs, THREADS, total.right, total.wrong, total.blocked, total.resets, total.kills);
    return 0;
}
