/* What the files of an attack share. */
#ifndef PROXY_ATTACK_ATTACK_INTERNAL_H
#define PROXY_ATTACK_ATTACK_INTERNAL_H

#include "proxy/attack/attack.h"
#include "proxy/attack/memory.h"
#include "proxy/attack/own_keys.h"
#include "proxy/relay/transcript.h"

#include <pthread.h>

/* Two sessions under way, of which each is to get the other's message. */
struct meeting {
    uint32_t connection[2], seen[2]; /* messages that it was for, on each */
    struct buf body;                 /* of the one who waits; then what it gets */
    bool waiting, met;
};

struct rule_state {
    uint32_t seen;                /* messages that it was for */
    struct transcript transcript; /* that it takes from */
    struct meeting meeting;
    struct buf held;  /* a request that goes on behind the next one */
    uint32_t held_of; /* its connection */
};

struct attack {
    struct arena arena;
    struct rule_file file;
    pthread_mutex_t lock;
    pthread_cond_t arrival;   /* of another session where one waits for it */
    struct rule_state *state; /* of each rule */
    struct memory *memory;    /* NULL: no rule wants it */
    struct own_keys keys;
};

/** @param i  counts from 0 */
const struct rule *attack_rule(const struct attack *attack, size_t i);

#endif
