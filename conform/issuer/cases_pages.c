/* The end of a session, and the pages that tell of it. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include <string.h>

#define WHOLE NEEDS_WHOLE

static enum sks_status location_absolute(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    size_t root;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_finish(&v));
    root = strlen(v.profile->root);
    TRY(expect_number(check, "status at the end", 302, v.exchange.status));
    rc = expect_true(check,
                     strncmp(v.exchange.location, v.profile->root, root) == 0 &&
                         v.exchange.location[root] == '/',
                     "Location", "an absolute URL of the issuer", v.exchange.location);
out:
    visit_free(&v);
    return rc;
}

struct page_row {
    enum visit_at at; /* how far the session has come; AT_FAILED: given up */
    const char *page;
    unsigned status;
    const char *verdict; /* NULL: none */
};

static enum sks_status page_of_session(struct check *check, void *end, const void *from)
{
    const struct page_row *row = from;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    if (row->at == AT_FAILED) {
        TRY(visit_send(&v, bytes_of("{}")));
        TRY(visit_refused(&v));
    } else {
        TRY(visit_until(&v, row->at));
    }
    rc = visit_page_says(&v, row->page, row->status, row->verdict == NULL ? NULL : "verdict",
                         row->verdict);
out:
    visit_free(&v);
    return rc;
}

#define PAGE(name, title, features, at, page, status, verdict)                                     \
    CASE(LEVEL_SHOULD, "page." name, title, "http 1, 7", features, page_of_session,                \
         &(const struct page_row){ at, page, status, verdict })

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "http.location", "the end is a 302 to an absolute URL of the issuer", "http 3",
         WHOLE, location_absolute, NULL),
    PAGE("done", "/done of a session that succeeded says so", WHOLE, AT_DONE, "done", 200,
         "succeeded"),
    PAGE("done-is-not-failed", "/failed of a session that succeeded: 404", WHOLE, AT_DONE, "failed",
         404, NULL),
    PAGE("failed", "/failed of a session that failed says so", 0, AT_FAILED, "failed", 200,
         "failed"),
    PAGE("failed-is-not-done", "/done of a session that failed: 404", 0, AT_FAILED, "done", 404,
         NULL),
    PAGE("open-is-not-done", "/done of a session under way: 404", 0, AT_INVOCATION, "done", 404,
         NULL),
    PAGE("open-is-not-failed", "/failed of a session under way: 404", 0, AT_INVOCATION, "failed",
         404, NULL),
    PAGE("not-done-before-proof", "/done with the finalization out and no proof: 404", WHOLE,
         AT_FINALIZATION, "done", 404, NULL),
};

void issuer_cases_of_pages(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
