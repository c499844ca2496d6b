/* Cases that look at a message of the issuer's when the double has found no fault in it. */
#ifndef CONFORM_ISSUER_LOOK_H
#define CONFORM_ISSUER_LOOK_H

#include "conform/issuer/visit.h"

struct look {
    enum visit_at at; /* the message */
    enum sks_status (*at_it)(struct visit *visit);
};

/* A value that must differ from session to session. */
struct fresh {
    enum visit_at at;
    const char *field;
    struct bytes (*value)(struct visit *visit); /* empty: there is none, which is a fault too */
};

/* The functions of such cases; `row` is one of the above. */
enum sks_status look_at(struct check *check, void *end, const void *row);
enum sks_status is_fresh(struct check *check, void *end, const void *row);

/* Rows of a table of cases. */
#define LOOK(id, title, section, level, features, at, function)                                    \
    {                                                                                              \
        id, title, section, level, features, false, false, look_at, &(const struct look)           \
        {                                                                                          \
            at, function                                                                           \
        }                                                                                          \
    }
#define FRESH(id, title, section, features, at, function)                                          \
    {                                                                                              \
        id, title, section, LEVEL_MUST, features, false, false, is_fresh, &(const struct fresh)    \
        {                                                                                          \
            at, id, function                                                                       \
        }                                                                                          \
    }

#endif
