/* What became of a case. */
#ifndef MATRIX_JUDGE_H
#define MATRIX_JUDGE_H

#include "matrix/plan.h"
#include "matrix/rig.h"

enum matrix_verdict {
    MATRIX_TOKEN,       /* noticed by the token */
    MATRIX_ISSUER,      /* by the issuer */
    MATRIX_MIDDLEWARE,  /* by the middleware's own checks, or it got no answer */
    MATRIX_HARMLESS,    /* both ends did what they would have done */
    MATRIX_UNPROTECTED, /* of the reviewed list: unprotected.h */
    MATRIX_COMMITTED,   /* the token had committed: the issuer does not count it as a success */
    MATRIX_UNDETECTED,  /* the failure */
    MATRIX_UNFIT,       /* the operation does not fit there: no case */
    MATRIX_VERDICTS
};

extern const char *const MATRIX_VERDICT_NAMES[MATRIX_VERDICTS];

/* What a clean session leaves. */
struct expectation {
    const char *profile;
    json_t *before;                     /* view with what is drawn, at the beginning */
    json_t *unchanged;                  /* the same without it; NULL: it is looked at each time */
    json_t *after;                      /* view without it, at the end */
    json_t *other_before, *other_after; /* of the other device; NULL: there is none */
    int64_t succeeded;
};

/**
 * Judges a session.
 *
 * @param drawn, undrawn  views of the token at its end
 * @param leftover        out: the token holds what it should not, though nobody counts a success
 */
enum matrix_verdict judge(const struct expectation *expected, const struct plan_case *item,
                          const struct run *run, const json_t *drawn, const json_t *undrawn,
                          bool *leftover);

#endif
