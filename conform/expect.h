/*
 * Failures that are known: a file says which cases an end fails, what comes then, and why. They are
 * told apart from the others, so that a run shows what is new.
 */
#ifndef CONFORM_EXPECT_H
#define CONFORM_EXPECT_H

#include "conform/check.h"
#include "keygen2/base/json.h"

enum { KNOWN_MAX = 4000 /* bytes of the text of an expectation */ };

/* One reason, for all cases that it fails. */
struct expectation {
    struct bytes_list cases; /* ids */
    struct bytes section;    /* of the text that the end departs from */
    struct bytes came;       /* how what comes begins; empty: it may be anything */
    struct bytes reason;
};

struct expectations {
    struct bytes about;      /* the end, and its version */
    struct json_array known; /* of struct expectation */
    struct arena arena;
};

/**
 * Reads a file.
 *
 * @param cases  those that there are; the file may name no other one, and none twice
 * @param known  out: expectations_free() it, also after a failure
 * @return SKS_ERROR_OPTION if it is malformed; what file_read() returns
 */
CHECKED enum sks_status expectations_read(const char *file, const struct cases *cases,
                                          struct expectations *known, struct sks_error *err);

/** What is known of a case; NULL: nothing. */
const struct expectation *expectation_of(const struct expectations *known, const char *id);

/** True if a case that failed did so as it is known to. */
bool expectation_holds(const struct expectation *expected, const struct finding *finding);

/** Writes "SECTION: reason", cut at the size. */
void expectation_text(const struct expectation *expected, char *text, size_t size);

void expectations_free(struct expectations *known);

#endif
