/*
 * A case while it runs: what it draws, what it expects, and the first difference that it finds.
 * Functions that expect return SKS_OK to go on, so that a case is a row of TRY().
 */
#ifndef CONFORM_CHECK_H
#define CONFORM_CHECK_H

#include "conform/cases.h"

#include <signal.h>

enum { FINDING_MAX = 600 /* bytes of what was wanted, and of what came */ };

enum case_verdict {
    CASE_PASSED,
    CASE_FAILED,
    CASE_EXPECTED, /* failed, as is known of this end */
    CASE_SKIPPED,  /* it does not apply to this end */
    CASE_NOT_RUN,  /* nobody asked for it, or the run ended before */
    CASE_VERDICTS,
};
extern const struct name NAMES_VERDICT_OF_CASE[];

/* The first difference: "createPinPolicy: status", "9 ERROR_OPTION", "0 SUCCESS". */
struct finding {
    char field[160];
    char wanted[FINDING_MAX], came[FINDING_MAX];
};

struct check {
    const struct conform_case *item;
    enum case_verdict verdict;
    struct finding finding;            /* of a failed one; `came` of one that skips: why */
    struct arena arena;                /* for the case; freed at its end */
    struct sks_error err;              /* what the end said last, or the way to it */
    uint64_t seed;                     /* of the run */
    uint32_t draws;                    /* so far */
    const volatile sig_atomic_t *stop; /* not 0: the run is to end */
};

/** Begins a case. */
void check_begin(struct check *check, const struct conform_case *item, uint64_t seed);

/** Its verdict, from what run() returned; what a case did not expect is a failure too. */
void check_end(struct check *check, enum sks_status rc);

void check_free(struct check *check);

/** Draws bytes that depend on the seed, the case and the number of the draw only. */
void check_draw(struct check *check, void *out, size_t len);

/** The same in the case's arena; ptr is NULL without memory. */
struct bytes check_draw_bytes(struct check *check, size_t len);

/** A number below a limit, drawn likewise. */
uint32_t check_draw_below(struct check *check, uint32_t limit);

/** An id of `characters` letters and digits, in the case's arena; ptr is NULL without memory. */
struct bytes check_draw_id(struct check *check, size_t characters);

/** Records a difference unless there is one. Returns what ends the case. */
enum sks_status check_fail(struct check *check, const char *field, const char *wanted,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The end has not what the case needs, as only shows now. Returns what ends the case. */
enum sks_status check_skip(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Expectations. @param field  of the answer, e.g. "getKeyProtectionInfo: pinErrorCount" */
CHECKED enum sks_status expect_true(struct check *check, bool holds, const char *field,
                                    const char *wanted, const char *came);
CHECKED enum sks_status expect_number(struct check *check, const char *field, uint64_t wanted,
                                      uint64_t came);
CHECKED enum sks_status expect_text(struct check *check, const char *field, const char *wanted,
                                    struct bytes came);
CHECKED enum sks_status expect_bytes(struct check *check, const char *field, struct bytes wanted,
                                     struct bytes came);

/**
 * Expects a status of a call.
 *
 * @param call    what was called
 * @param wanted  one of SKS_OK to SKS_ERROR_NOT_AVAILABLE
 * @param came    what token_call() or its like returned; check->err has the text
 */
CHECKED enum sks_status expect_status(struct check *check, const char *call, enum sks_status wanted,
                                      enum sks_status came);

#endif
