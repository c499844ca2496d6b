/*
 * A token on a disk that knows what was synced, and its syncs in the test's hand. Wants to be
 * linked with database_file_sync and store_await_syncs wrapped.
 */
#ifndef TESTS_PLAIN_PARTS_SYNC_WORLD_H
#define TESTS_PLAIN_PARTS_SYNC_WORLD_H

#include "tests/plain/support/disk.h"
#include "tests/plain/support/enrol.h"

#include <stdatomic.h>

#define WORLD_PIN "4711"

enum sync_defect { NO_DEFECT, SYNCS_NOT_DONE, READS_DO_NOT_WAIT };

/** What syncs do. All at rest: each takes a little, so that others come meanwhile, and is done. */
extern struct syncs {
    enum sync_defect defect;
    atomic_bool held;      /* they wait */
    atomic_bool refused;   /* they fail */
    atomic_uint refuse_at; /* the sync that fails, counted down, with all behind it; 0: none */
    atomic_uint waiting;   /* out: how many wait */
} syncs;

extern struct world {
    char folder[STORE_FOLDER_MAX];
    struct token *token;
} world;

/** An enrolment of one key under WORLD_PIN. */
const struct enrolment_plan *world_plan(void);

/** Opens a new token with a key that has signed, where all is synced. @return the key's handle */
uint32_t world_begin(void);

/** Closes the token and removes its store. */
void world_end(void);

#endif
