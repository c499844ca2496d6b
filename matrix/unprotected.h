/* The reviewed list of what the protocols do not protect, with the reasons. */
#ifndef MATRIX_UNPROTECTED_H
#define MATRIX_UNPROTECTED_H

#include "matrix/plan.h"
#include "proxy/attack/rules.h"

struct unprotected {
    const char *profile; /* only in this scenario; NULL: in all */
    enum hop hop;
    const char *message;
    const char *path;     /* a step may be "*", any of an array; "**" at the end: and all below */
    const char *shown_in; /* a scenario that makes use of it; NULL: see `apart` */
    uint64_t operations;  /* set of UNPROTECTED_BY(); 0: all */
    bool elsewhere;    /* what it means shows at neither end, so that equal results prove nothing */
    const char *rules; /* a rule file that shows it, where no change of the plan does; NULL: none */
    const char *apart; /* what shows it, where no change of a message does; NULL: the sweep */
    const char *what;  /* in words; NULL: the path says it */
    const char *reason;
    const char *section;
    const char *meaning; /* for a user */
};

#define UNPROTECTED_BY(operation) (UINT64_C(1) << OPERATION_##operation)

extern const struct unprotected UNPROTECTED[];
extern const size_t UNPROTECTED_COUNT;

/** The row that a case of a scenario falls under; NULL: none. */
const struct unprotected *unprotected_find(const char *profile, const struct plan_case *item);

/** Prints the list as Markdown: docs/unprotected.md. */
void unprotected_print(void);

#endif
