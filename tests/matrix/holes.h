/*
 * Holes in the ends: checks that are missing, and fields that are in no MAC. The linker sends what
 * they are made of to checks.c and fields.c; no program that is shipped knows of them.
 */
#ifndef TESTS_MATRIX_HOLES_H
#define TESTS_MATRIX_HOLES_H

#include "matrix/sweep.h"

enum { HOLE_PARTS_MAX = 3 };

/* What may be missing. */
enum missing_check {
    CHECK_NONE,
    CHECK_MAC,     /* of the method named */
    CHECK_FIELD,   /* the field named is left out of what both ends compute: "createKeyEntry.id" */
    CHECK_COUNTER, /* all MACs and attestations are made with counter 0 */
    CHECK_SESSION_ATTESTATION,
    CHECK_ATTESTATION_2010,
    CHECK_KEY_ATTESTATION,
    CHECK_CLOSING_PROOF,
    CHECK_SESSION_IDS,
    CHECK_SERVER_TIME,
    CHECK_DEVICE_ID, /* there is one unless privacy was asked for */
    CHECK_DEVICE_PATH,
    CHECK_KEY_MANAGEMENT_KEY, /* of the session that owns a target */
    CHECK_ROLL_OVER,          /* of the session whose key gives way */
    CHECK_CERTIFICATE_MATCHES,
    CHECK_CERTIFICATE_UNIQUE,
    CHECK_ENDORSED_FITS,
    CHECK_LIFE_TIME, /* of the token's session */
    CHECK_PIN_POLICY,
    CHECK_PIN_GROUPING,
    CHECK_PADDING,
    CHECK_LOOKUP_SIGNATURE,
    CHECK_LOOKUP_NONCE,
};

/* A hole, and where the sweep shows it. */
struct hole {
    const char *name;
    struct {
        enum missing_check check;
        const char *of; /* MAC name, or field */
    } part[HOLE_PARTS_MAX];
    const char *profile;                         /* of a scenario, or of tests/matrix/profiles */
    const char *before[SCENARIO_BEFORE_MAX + 1]; /* as in the scenario; else those of the profile's
                                                    scenario */
    const char *message, *path; /* cases of it are not noticed; path NULL: wherever it is */
    const char *rules;          /* tried in place of those of the plan */
    bool quiet;    /* nothing else comes of it: what was noticed before is not noticed any more */
    bool checking; /* it is a check of the middleware */
};

extern const struct hole HOLES[];
extern const size_t HOLES_COUNT;

/* Only these parts of a hole are open; NULL: none. */
void holes_open(const struct hole *hole, unsigned parts);

/** One part is open, counted from 1, or "all", of the hole of that name. False: there is none. */
bool holes_open_part(const char *number, const char *name);

/** True if a check is missing now. @param of  NULL where it has no name */
bool is_missing(enum missing_check check, const char *of);

#endif
