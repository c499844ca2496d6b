/* What the files of the plan share. */
#ifndef MATRIX_PLAN_INTERNAL_H
#define MATRIX_PLAN_INTERNAL_H

#include "matrix/recording.h"

enum { PLAN_PATH_MAX = 400, PLAN_NAMES_MAX = 64 };

/* A message that was seen, to count its occurrences and to be replayed later. */
struct plan_seen {
    enum hop hop;
    bool answer;
    char name[MESSAGE_NAME_MAX];
    uint32_t count;
};

struct plan {
    struct arena arena;
    struct recording *other[PLAN_SOURCES];
    struct message last; /* the request that was seen last, without what it decodes to */
    uint32_t last_occurrence;
    struct plan_case *item;
    size_t count, room;
    bool failed;
    struct plan_seen seen[PLAN_NAMES_MAX];
    size_t names;
};

/* What is under way. */
struct plan_walk {
    struct plan *plan;
    const struct message *message;
    bool answer;
    uint32_t occurrence;
    struct bytes body;
    json_t *other[PLAN_SOURCES]; /* the same message of other sessions; NULL: there is none */
    uint8_t source;              /* of the cases that are added */
    const char *hit;             /* likewise; NULL: the path */
    char path[PLAN_PATH_MAX];
};

/* On the wire a field cannot be missing, unknown or of another kind. */
static inline bool plan_is_free(const struct plan_walk *w)
{
    return w->message->hop == HOP_ISSUER;
}

/** Adds a case, if it fits. @param more members of its rule besides, taken over; NULL: none */
void plan_add_case(struct plan_walk *w, uint8_t operation, json_t *more);

/** The same with the members as text. */
void plan_add_text(struct plan_walk *w, uint8_t operation, const char *more);

/** Reads the same message of other sessions. plan_message.c, as what follows */
void plan_read_others(struct plan_walk *w);

/** Adds what is done to a message as a whole. */
void plan_add_whole(struct plan_walk *w);

/** Adds what is done to its octets. */
void plan_add_octets(struct plan_walk *w);

/** Adds answers that are made without a key. @param answer what was answered */
void plan_add_forgeries(const struct plan_walk *answer);

#endif
