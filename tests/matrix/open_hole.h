/* Checks of the ends that say yes to everything: what the linker sends here in the place of them.
 * The sweep of the matrix and the vectors must notice each. */
#ifndef TESTS_MATRIX_OPEN_HOLE_H
#define TESTS_MATRIX_OPEN_HOLE_H

#include <stddef.h>

/* The checks of which one may be missing. */
enum check_kind {
    CHECK_MAC, /* of the method named */
    CHECK_SESSION_ATTESTATION,
    CHECK_KEY_ATTESTATION,
    CHECK_CLOSING_PROOF,
    CHECK_ATTESTATION_2010,
};

/* A hole, and a scenario that shows it. */
struct hole {
    const char *name;
    enum check_kind check;
    const char *method; /* MAC name */
    const char *profile;
    const char *message; /* a case of it is not noticed */
};

extern const struct hole HOLES[];
extern const size_t HOLES_COUNT;

/** Opens a hole; NULL closes it. For all threads. */
void hole_open(const struct hole *hole);

#endif
