#include "matrix/judge.h"

#include "matrix/issuer_end.h"
#include "matrix/unprotected.h"

#include <string.h>

const char *const MATRIX_VERDICT_NAMES[MATRIX_VERDICTS] = {
    [MATRIX_TOKEN] = "token",
    [MATRIX_ISSUER] = "issuer",
    [MATRIX_MIDDLEWARE] = "middleware",
    [MATRIX_HARMLESS] = "harmless",
    [MATRIX_UNPROTECTED] = "unprotected",
    [MATRIX_COMMITTED] = "committed",
    [MATRIX_UNDETECTED] = "undetected",
    [MATRIX_UNFIT] = "unfit",
};

static enum matrix_verdict detected_by(enum run_party party)
{
    return party == RUN_TOKEN    ? MATRIX_TOKEN
           : party == RUN_ISSUER ? MATRIX_ISSUER
                                 : MATRIX_MIDDLEWARE;
}

/* What proves something has no other value of the same meaning: who takes another one does not
 * look. */
static bool is_proof(const char *profile, const struct plan_case *item)
{
    static const char *const PROOFS[] = { "attestation", "mac", "authorization", "signature",
                                          "attested_session_key" };
    const char *name = strrchr(plan_hit(item), '/');

    (void)profile;
    if (strstr(plan_hit(item), "/signature/") != NULL)
        return true;
    for (size_t i = 0; name != NULL && i < NITEMS(PROOFS); i++)
        if (strcmp(name + 1, PROOFS[i]) == 0)
            return true;
    return false;
}

typedef bool case_test(const char *profile, const struct plan_case *item);

/* True if something holds for a part of a combination, or for all of them. */
static bool holds(const struct expectation *expected, const struct plan_case *item, case_test *is,
                  bool all)
{
    for (size_t i = 0; i < item->parts; i++)
        if (is(expected->profile, item->part[i]) != all)
            return !all;
    return item->parts == 0 ? is(expected->profile, item) : all;
}

static bool is_unprotected(const char *profile, const struct plan_case *item)
{
    return unprotected_find(profile, item) != NULL;
}

/* Something else may come of it, though both ends do the same. */
static bool means_elsewhere(const char *profile, const struct plan_case *item)
{
    const struct unprotected *row = unprotected_find(profile, item);

    return row != NULL && row->elsewhere;
}

enum matrix_verdict judge(const struct expectation *expected, const struct plan_case *item,
                          const struct run *run, const json_t *drawn, const json_t *undrawn,
                          bool *leftover)
{
    bool unchanged = json_equal(drawn, expected->before) != 0;
    bool others_unchanged = json_equal(json_object_get(drawn, "others"),
                                       json_object_get(expected->before, "others")) != 0;
    bool complete = others_unchanged && json_equal(undrawn, expected->after) != 0;
    bool counted = run->verdict[ISSUER_SUCCEEDED] >= expected->succeeded;

    *leftover = (!unchanged && !complete) || run->strayed;
    if (run->misfit || !run->altered)
        return MATRIX_UNFIT;
    if (counted && complete && holds(expected, item, means_elsewhere, false))
        return MATRIX_UNPROTECTED;
    if (counted && complete && !holds(expected, item, is_proof, false))
        return MATRIX_HARMLESS;
    if (unchanged && !counted)
        return detected_by(run->by);
    if (holds(expected, item, is_unprotected, true)) {
        *leftover = false;
        return MATRIX_UNPROTECTED;
    }
    if (complete && !counted)
        return MATRIX_COMMITTED;
    return MATRIX_UNDETECTED;
}
