/* The reviewed list of what the protocols do not protect, with the reasons. */
#ifndef MATRIX_UNPROTECTED_H
#define MATRIX_UNPROTECTED_H

#include "matrix/plan.h"

struct unprotected {
    enum hop hop;
    const char *message;
    const char *path; /* and all below it; "": the whole message; "*": everything of it */
    const char *reason;
    const char *section;
};

extern const struct unprotected UNPROTECTED[];
extern const size_t UNPROTECTED_COUNT;

/** The row that a case falls under; NULL: none. */
const struct unprotected *unprotected_find(const struct plan_case *item);

#endif
