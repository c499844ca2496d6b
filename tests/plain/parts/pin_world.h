/* Keys with PINs and a PUK on a disk in memory, and what can be done to their counters. */
#ifndef TESTS_PLAIN_PARTS_PIN_WORLD_H
#define TESTS_PLAIN_PARTS_PIN_WORLD_H

#include "tests/plain/support/disk.h"
#include "tests/plain/support/own_store.h"

enum { WORLD_KEYS = 3, WORLD_COUNTERS = WORLD_KEYS + 1, WORLD_PUK = WORLD_KEYS };

struct world {
    const char *name;
    uint16_t pin_limit, puk_limit; /* puk_limit 0: no PUK */
    unsigned keys;                 /* up to WORLD_KEYS */
    uint8_t grouping;              /* enum sks_grouping */
    size_t room;                   /* keys and counters to keep in memory; 0: all */
    /* filled in by world_make() */
    char folder[STORE_FOLDER_MAX];
    uint32_t key[WORLD_KEYS];
};

/** Enrols the keys; the disk must be installed. */
void world_make(struct world *world);
void world_end(struct world *world);

struct token *world_open(const struct world *world);

/** Which counter a key's PIN has. */
unsigned world_pin(const struct world *world, unsigned key);

/** Retry limit of a counter; 0: there is none of that number. */
uint16_t world_limit(const struct world *world, unsigned counter);

/* A counter as it is on the disk, and as the token shows it. */
struct seen {
    uint16_t charged, count;
    bool has_candidate;
    bool second; /* the PIN is the second one of its two values */
};

void world_look(const struct world *world, struct token *token, struct seen seen[WORLD_COUNTERS]);

/* What a user does. */
enum deed { SIGN, CHANGE_TO_OTHER, UNLOCK, SET_TO_OTHER, DEEDS };

const char *deed_name(enum deed deed);

struct action {
    enum deed deed;
    unsigned key;
    bool right; /* the PIN or PUK; a wrong PIN is the one that it is not now, but was or will be */
};

/** The counter that an action tries. */
unsigned action_counter(const struct world *world, const struct action *action);

/** True if the action, when it succeeds, sets the key's PIN counter back. */
bool action_resets(const struct action *action);

/**
 * Acts, with the comparisons told to the watcher. A status that is neither yes nor "wrong" ends the
 * program. Any number of threads may.
 *
 * @param second  which of its two values is taken for the PIN; the other one is wrong, and is what
 *                it is changed or set to
 */
enum sks_status world_try(const struct world *world, struct token *token,
                          const struct action *action, bool second);

/** As world_try(), true for yes. @param seen of now: which PINs are the right ones */
bool world_act(const struct world *world, struct token *token, const struct action *action,
               const struct seen seen[WORLD_COUNTERS]);

#endif
