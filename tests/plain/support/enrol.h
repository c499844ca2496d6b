/* The issuer's side of an enrolment, in-process: drives a token call by call. */
#ifndef TESTS_PLAIN_SUPPORT_ENROL_H
#define TESTS_PLAIN_SUPPORT_ENROL_H

#include "tests/plain/support/user.h"

enum { ENROLMENT_KEYS_MAX = 16 };

/* What to enrol. */
struct enrolment_plan {
    const char *algorithm;      /* URI of the keys to generate */
    unsigned keys;              /* up to ENROLMENT_KEYS_MAX */
    const char *pin, *puk;      /* numeric; NULL: none */
    size_t extension_size;      /* bytes of an extension of each key; 0: none */
    struct bytes symmetric_key; /* imported into each key; empty: none */
};

struct enrolment;

/** Does all of a session but its close. Any failure ends the program. @param plan borrowed */
struct enrolment *enrolment_begin(struct token *token, const struct enrolment_plan *plan);

/** Creates one more key, which has no certificate: the session can only be aborted then. */
void enrolment_add_key(struct enrolment *e);

void enrolment_abort(struct enrolment *e);

/** Closes the session and checks its proof. */
void enrolment_close(struct enrolment *e);

uint32_t enrolment_key(const struct enrolment *e, unsigned number);
void enrolment_free(struct enrolment *e);

/**
 * Enrols one P-256 key behind a PIN.
 *
 * @param pin     the user's PIN, numeric
 * @param handle  out: of the key
 */
void enrol(struct token *token, const char *pin, uint32_t *handle);

/** Opens a session, creates a key in it, and aborts. */
void enrol_and_abort(struct token *token);

#endif
