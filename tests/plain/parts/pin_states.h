/* The states that pin_model has come to: what is on the disk, what is in the token's memory, and
 * what ought to be. */
#ifndef TESTS_PLAIN_PARTS_PIN_STATES_H
#define TESTS_PLAIN_PARTS_PIN_STATES_H

#include "tests/plain/parts/pin_world.h"

enum { PATH_LENGTH_MAX = 16 };

/* What ought to be, of one counter. */
struct account {
    uint16_t wrong;   /* comparisons since the last right one or reset */
    uint16_t started; /* wrong tries that may count since then */
    bool extra;       /* a crash has cost one more */
    bool held;        /* a right PIN was the last try, and no crash since */
};

/* A state, and how to come to it: a disk, and what was done since the token was opened on it. */
struct pin_state {
    struct seen seen[WORLD_COUNTERS];
    struct account account[WORLD_COUNTERS];
    struct disk_image *disk;
    struct action path[PATH_LENGTH_MAX];
    unsigned length;
};

/**
 * Adds a state, with a copy of its disk, unless all that can go wrong from it can go wrong from a
 * known one too: that looks the same to the token, and more was tried or less may be charged. Which
 * of its two values a PIN has makes no state of its own, nor has it whether the token was just
 * opened: it has looked at its counters then.
 */
void pin_states_add(const struct pin_state *state);

/** The state of a number, from 0 in the order of adding; NULL: there are not so many. */
const struct pin_state *pin_states_get(unsigned number);

/** Forgets all. */
void pin_states_clear(void);

/** Tells of a state, on stderr. */
void pin_state_print(const struct pin_state *state);

#endif
