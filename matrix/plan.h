/* The cases of a sweep: every operation that fits, on every node of every message of a session. */
#ifndef MATRIX_PLAN_H
#define MATRIX_PLAN_H

#include "proxy/message.h"

/* Whose messages it takes. */
enum plan_source {
    PLAN_THIS_SESSION,
    PLAN_EARLIER_SESSION, /* of the same device */
    PLAN_OTHER_DEVICE,    /* a session of another device */
    PLAN_SOURCES
};

extern const char *const PLAN_SOURCE_NAMES[PLAN_SOURCES];

struct recording;

struct plan_case {
    const struct plan_case *const *part; /* of a combination: what it is made of; else NULL */
    size_t parts;
    enum hop hop; /* of a combination, this and what follows are of its first part */
    bool answer;
    uint8_t operation; /* enum rule_operation */
    uint32_t occurrence;
    const char *message, *path; /* path: "" for the whole message */
    const char *hit;            /* path of what an alteration of octets changes; NULL: `path` */
    uint8_t source;             /* enum plan_source */
    uint32_t nth;               /* among those that are the same in all of the above, from 0 */
    const char *rules;          /* a rule file: with the one rule, or one of each part */
};

/** The path of what a case changes, however it does. */
static inline const char *plan_hit(const struct plan_case *item)
{
    return item->hit == NULL ? item->path : item->hit;
}

struct plan; /* holds what the cases point to */

/**
 * @param other  what was recorded of other sessions of the scenario, by enum plan_source; NULL:
 *               there is none, and nothing is taken from it. Must live as long as the plan
 */
struct plan *plan_new(struct recording *const other[PLAN_SOURCES]);

/** Adds all cases of a message of a clean session; a run_watcher. @param plan a struct plan */
void plan_watch(void *plan, const struct message *message, bool answer, struct bytes body);

/** @return NULL if there was no memory for some of them */
const struct plan_case *plan_cases(const struct plan *plan, size_t *count);

/** Adds another case. @param item  its texts are copied */
void plan_add(struct plan *plan, const struct plan_case *item);

/**
 * True if a path is that of a pattern.
 *
 * @param pattern  a path, in which "*" may stand for any step, and "**" at the end for all below
 * too
 * @param below    or leads to something below it
 */
bool plan_fits(const char *pattern, const char *path, bool below);

/** NULL is allowed. */
void plan_free(struct plan *plan);

#endif
