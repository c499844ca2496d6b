/* Sessions whose life time runs out while the issuer waits for a message. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#define SHORT (NEEDS(HAS_SHORT_LIFE) | NEEDS_KNOWN)
#define SHORT_KEYS (SHORT | NEEDS(HAS_KEYS))

static enum sks_status late(struct check *check, void *end, const void *row)
{
    const enum visit_at *at = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, *at));
    TRY(visit_wait(&v));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* The last message once more: its answer is stored no longer. */
static enum sks_status repeated(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    TRY(visit_wait(&v));
    v.at = AT_FINALIZATION; /* no message may come any more */
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* Nothing is sent: it is over by itself. */
static enum sks_status told(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    TRY(visit_page_says(&v, "failed", 404, NULL, NULL));
    TRY(visit_wait(&v));
    TRY(visit_page_says(&v, "failed", 200, "verdict", "failed"));
    TRY(visit_page_says(&v, "failed", 200, "cause", "life time over"));
    rc = visit_page_says(&v, "done", 404, NULL, NULL);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status given_up(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_wait(&v));
    TRY(visit_get(&v, "?abort=true"));
    rc = visit_expect_given_up(&v, "?abort=true");
out:
    visit_free(&v);
    return rc;
}

static enum sks_status deferred(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_PENDING));
    TRY(visit_wait(&v));
    TRY(visit_resume(&v, v.terms.server_session_id));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status approved(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_PENDING));
    TRY(site_decide(end, check, "approve", v.terms.server_session_id));
    TRY(visit_wait(&v));
    TRY(visit_resume(&v, v.terms.server_session_id));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static const enum visit_at INVOCATION = AT_INVOCATION, INITIALIZATION = AT_INITIALIZATION,
                           CREATION = AT_CREATION;

#define LIFE_TIME(of, name, text, features, function, with)                                        \
    {                                                                                              \
        .level = of, .id = "life-time." name, .title = text, .section = "http 7",                  \
        .needs = features, .slow = true, .run = function, .row = with                              \
    }

static const struct conform_case CASES[] = {
    LIFE_TIME(LEVEL_MUST, "InvocationResponse", "InvocationResponse behind the life time: refused",
              SHORT, late, &INVOCATION),
    LIFE_TIME(LEVEL_MUST, "ProvisioningInitializationResponse",
              "ProvisioningInitializationResponse behind the life time: refused", SHORT, late,
              &INITIALIZATION),
    LIFE_TIME(LEVEL_MUST, "KeyCreationResponse",
              "KeyCreationResponse behind the life time: refused", SHORT_KEYS, late, &CREATION),
    LIFE_TIME(LEVEL_MUST, "repeated",
              "the last message once more, behind the life time: no answer to it", SHORT, repeated,
              NULL),
    LIFE_TIME(LEVEL_SHOULD, "told", "over by itself, it has failed, and /failed says why", SHORT,
              told, NULL),
    LIFE_TIME(LEVEL_SHOULD, "given-up", "given up behind the life time: /failed", SHORT, given_up,
              NULL),
    LIFE_TIME(LEVEL_MUST, "deferred", "deferred, and not approved in time: it cannot be resumed",
              SHORT | NEEDS(HAS_DEFERRED), deferred, NULL),
    LIFE_TIME(LEVEL_MUST, "approved", "approved, and resumed too late: refused",
              SHORT | NEEDS(HAS_DEFERRED) | NEEDS(HAS_OPERATOR), approved, NULL),
};

void issuer_cases_of_life_time(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
