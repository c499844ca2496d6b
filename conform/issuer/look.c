#include "conform/issuer/look.h"

enum sks_status look_at(struct check *check, void *end, const void *row)
{
    const struct look *look = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, look->at));
    TRY(visit_answer(&v));
    rc = look->at_it(&v);
out:
    visit_free(&v);
    return rc;
}

enum sks_status is_fresh(struct check *check, void *end, const void *row)
{
    const struct fresh *fresh = row;
    struct visit v[3] = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(v); i++) {
        TRY(visit_begin(&v[i], end, check, check->item->needs));
        TRY(visit_until(&v[i], fresh->at));
        TRY(visit_answer(&v[i]));
        for (size_t k = 0; k < i; k++)
            TRY(expect_true(check,
                            fresh->value(&v[i]).len > 0 &&
                                !bytes_equal(fresh->value(&v[i]), fresh->value(&v[k])),
                            fresh->field, "one of its own for each session", "the same twice"));
    }
out:
    for (size_t i = 0; i < NITEMS(v); i++)
        visit_free(&v[i]);
    return rc;
}
