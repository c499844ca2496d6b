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
#define LOOK(called, title, section, level, features, at, function)                                \
    CASE(level, called, title, section, features, look_at, &(const struct look){ at, function })
#define FRESH(called, title, section, features, at, function)                                      \
    CASE(LEVEL_MUST, called, title, section, features, is_fresh,                                   \
         &(const struct fresh){ at, called, function })

#endif
