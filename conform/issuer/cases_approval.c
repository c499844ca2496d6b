/* Deferred issuance where there is an operator to ask: approved, resumed, rejected. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include <string.h>

#define APPROVES (NEEDS_KNOWN | NEEDS(HAS_DEFERRED) | NEEDS(HAS_OPERATOR))

static enum sks_status decide(struct visit *v, void *end, struct check *check, const char *what)
{
    enum sks_status rc;

    TRY(visit_begin(v, end, check, check->item->needs));
    TRY(visit_until(v, AT_PENDING));
    rc = site_decide(end, check, what, v->terms.server_session_id);
out:
    return rc;
}

static enum sks_status resume(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_resume(v, v->terms.server_session_id));
    rc = visit_expect_at(v, "?resume of what was approved", AT_INVOCATION, "an InvocationRequest");
out:
    return rc;
}

static enum sks_status approved(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "approve"));
    TRY(resume(&v));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status approved_pages(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "approve"));
    TRY(visit_page_says(&v, "pending", 200, "state", "approved"));
    TRY(resume(&v));
    TRY(visit_finish(&v));
    TRY(visit_page_says(&v, "done", 200, "verdict", "succeeded"));
    TRY(visit_page(&v, "pending", "application/json"));
    rc = expect_true(check, strstr(v.exchange.location, "/done/") != NULL,
                     "/pending of a session that succeeded", "302 to /done", visit_told(&v));
out:
    visit_free(&v);
    return rc;
}

/* Answers that were lost on their way. */
static enum sks_status approved_repeats(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct bytes first;
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "approve"));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    TRY(visit_expect_at(&v, "the KeyCreationResponse once more", AT_PENDING, "302 to /pending"));
    TRY(resume(&v));
    first = v.text;
    TRY(resume(&v));
    TRY(expect_bytes(check, "?resume once more", first, v.text));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status approved_wrong_visitor(struct check *check, void *end, const void *row)
{
    char cookie[VISIT_COOKIE_MAX];
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "approve"));
    memcpy(cookie, v.cookie, sizeof cookie);
    v.cookie[0] = '\0';
    rc = visit_resume(&v, v.terms.server_session_id);
    memcpy(v.cookie, cookie, sizeof cookie);
    TRY(rc);
    TRY(expect_number(check, "status of ?resume without the cookie", 403, v.exchange.status));
    TRY(resume(&v));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

/* @param row  NULL: before it is resumed */
static enum sks_status approved_message(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(decide(&v, end, check, "approve"));
    if (row != NULL)
        TRY(resume(&v));
    TRY(visit_send(&v, bytes_of("{}")));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status rejected(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "reject"));
    TRY(visit_resume(&v, v.terms.server_session_id));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status rejected_page(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(decide(&v, end, check, "reject"));
    rc = visit_page_says(&v, "failed", 200, "verdict", "failed");
    v.at = AT_FAILED;
out:
    visit_free(&v);
    return rc;
}

#define APPROVAL(level, name, title, function, row)                                                \
    CASE(level, "deferred." name, title, "http 8", APPROVES, function, row)

static const struct conform_case CASES[] = {
    APPROVAL(LEVEL_MUST, "approved", "approved and resumed, it comes to its end", approved, NULL),
    APPROVAL(LEVEL_SHOULD, "approved-pages",
             "/pending says that it is approved, then leads to /done", approved_pages, NULL),
    APPROVAL(LEVEL_MUST, "approved-repeats",
             "approved, what was lost on its way may be asked for again", approved_repeats, NULL),
    APPROVAL(LEVEL_MUST, "approved-without-cookie",
             "approved, it is not resumed without its cookie", approved_wrong_visitor, NULL),
    APPROVAL(LEVEL_MUST, "approved-message", "approved, a message before it is resumed: refused",
             approved_message, NULL),
    APPROVAL(LEVEL_MUST, "resumed-message", "resumed, another message than awaited: refused",
             approved_message, "resumed"),
    APPROVAL(LEVEL_MUST, "rejected", "rejected, it cannot be resumed", rejected, NULL),
    APPROVAL(LEVEL_SHOULD, "rejected-page", "/failed of a session that was rejected says so",
             rejected_page, NULL),
};

void issuer_cases_of_approval(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
