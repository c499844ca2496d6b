/* Deferred issuance: what a session may and may not while it waits for the issuer's operator. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"

#include <string.h>
#include <time.h>

#define WAITS (NEEDS_KNOWN | NEEDS(HAS_DEFERRED))

enum { CLOCKS_APART = 300 /* seconds */ };

/* A session that waits. */
static enum sks_status wait_at(struct visit *v, void *end, struct check *check)
{
    enum sks_status rc;

    TRY(visit_begin(v, end, check, check->item->needs));
    rc = visit_until(v, AT_PENDING);
out:
    return rc;
}

/* What was accepted last gets its answer again as long as the session waits. */
static enum sks_status still_waits(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_send(v, buf_bytes(&v->response)));
    rc = visit_expect_at(v, "the KeyCreationResponse once more", AT_PENDING, "302 to /pending");
out:
    return rc;
}

static enum sks_status give_up(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_get(v, "?abort=true"));
    TRY(visit_expect_given_up(v, "?abort=true"));
out:
    return rc;
}

/* ---- while it waits ---- */

static enum sks_status given_up(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    TRY(give_up(&v));
    TRY(visit_page_says(&v, "failed", 200, "verdict", "failed"));
    TRY(visit_page(&v, "pending", "application/json"));
    rc = expect_true(check, strstr(v.exchange.location, "/failed/") != NULL,
                     "/pending of a session that was given up", "302 to /failed", visit_told(&v));
out:
    visit_free(&v);
    return rc;
}

static enum sks_status location(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    const char *wanted;
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    wanted = arena_printf(&check->arena, "%s/pending/%.*s", v.profile->root,
                          (int)v.invocation.server_session_id.len,
                          (const char *)v.invocation.server_session_id.ptr);
    TRY(expect_number(check, "status", 302, v.exchange.status));
    rc =
        expect_text(check, "Location", wanted == NULL ? "" : wanted, bytes_of(v.exchange.location));
out:
    visit_free(&v);
    return rc;
}

static enum sks_status page(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    json_t *told = NULL;
    struct tm day = { 0 };
    const char *text, *end_of_text = NULL;
    int64_t expires = 0;
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    TRY(visit_page_says(&v, "pending", 200, "state", "pending"));
    TRY(json_parse(buf_bytes(&v.exchange.body), &told, &check->err));
    text = json_string_value(json_object_get(told, "expires"));
    if (text != NULL)
        end_of_text = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &day);
    if (end_of_text != NULL && *end_of_text == '\0')
        expires = timegm(&day);
    rc = expect_true(check,
                     expires > clock_now() - CLOCKS_APART &&
                         expires <= clock_now() + v.profile->life_time + CLOCKS_APART,
                     "/pending: expires", "the end of the life time, YYYY-MM-DDThh:mm:ssZ",
                     text == NULL ? "none" : text);
out:
    json_decref(told);
    visit_free(&v);
    return rc;
}

static enum sks_status page_for_people(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    TRY(visit_page(&v, "pending", "text/html"));
    TRY(expect_number(check, "status of /pending", 200, v.exchange.status));
    TRY(expect_true(check, visit_has_word(visit_header(&v, "Content-Type"), "text/html"),
                    "Content-Type", "text/html", v.exchange.content_type));
    rc = expect_true(check, visit_has_word(visit_header(&v, "Cache-Control"), "no-store"),
                     "Cache-Control", "no-store", "another");
out:
    visit_free(&v);
    return rc;
}

static enum sks_status no_such_page(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(wait_at(&v, end, check));
    TRY(visit_page_says(&v, row, 404, NULL, NULL));
    rc = still_waits(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status page_of_another(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    rc = visit_page_says(&v, "pending", 404, NULL, NULL);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status repeated(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    rc = still_waits(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status too_early(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    TRY(visit_resume(&v, v.terms.server_session_id));
    TRY(visit_expect_at(&v, "?resume before the operator has decided", AT_PENDING,
                        "302 to /pending"));
    rc = still_waits(&v);
out:
    visit_free(&v);
    return rc;
}

/* A message though none is awaited: it ends the session. */
static enum sks_status message_meanwhile(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct buf message = { 0 };
    enum sks_status rc;

    TRY(wait_at(&v, end, check));
    if (row == NULL)
        put_raw(&message, buf_bytes(&v.response));
    else
        put_text(&message, row);
    put_byte(&message, '\n');
    TRY(sks_explain(&check->err, message.status));
    TRY(visit_send(&v, buf_bytes(&message)));
    rc = visit_refused(&v);
out:
    buf_free(&message);
    visit_free(&v);
    return rc;
}

static enum sks_status after_the_end(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    TRY(give_up(&v));
    TRY(visit_resume(&v, v.terms.server_session_id));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- who may come back ---- */

enum visitor { OWN, NO_COOKIE, OTHER_COOKIE };

struct visitor_row {
    enum visitor cookie;
    const char *id; /* NULL: its own; "": that of the other session */
};

/* Refused, and the session that is meant waits on. */
static enum sks_status wrong_visitor(struct check *check, void *end, const void *from)
{
    const struct visitor_row *row = from;
    char cookie[VISIT_COOKIE_MAX];
    struct visit v = { 0 }, other = { 0 };
    struct bytes id;
    enum sks_status rc;

    TRY(wait_at(&v, end, check));
    TRY(wait_at(&other, end, check));
    id = row->id == NULL      ? v.terms.server_session_id
         : row->id[0] == '\0' ? other.terms.server_session_id
                              : bytes_of(row->id);
    memcpy(cookie, v.cookie, sizeof cookie);
    if (row->cookie == NO_COOKIE)
        v.cookie[0] = '\0';
    if (row->cookie == OTHER_COOKIE)
        memcpy(v.cookie, other.cookie, sizeof v.cookie);
    rc = visit_resume(&v, id);
    memcpy(v.cookie, cookie, sizeof cookie);
    TRY(rc);
    TRY(expect_number(check, "status of ?resume", 403, v.exchange.status));
    TRY(still_waits(&v));
    rc = still_waits(&other);
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

static enum sks_status other_profile(struct check *check, void *end, const void *row)
{
    const struct site *site = end;
    const struct site_profile *own;
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(wait_at(&v, end, check));
    own = v.profile;
    v.profile = &site->profile[own == site->profile ? 1 : 0];
    if (site->profiles < 2) {
        v.profile = own;
        rc = check_skip(check, "needs a second profile");
        goto out;
    }
    rc = visit_resume(&v, v.terms.server_session_id);
    v.profile = own;
    TRY(rc);
    TRY(expect_number(check, "status of ?resume at another profile", 403, v.exchange.status));
    rc = still_waits(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status not_deferred(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    const char *query;
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_CREATION));
    query =
        arena_printf(&check->arena, "?init=true&resume=%.*s", (int)v.terms.server_session_id.len,
                     (const char *)v.terms.server_session_id.ptr);
    REQUIRE(query != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_get(&v, query));
    rc = visit_untouched(&v, 409);
out:
    visit_free(&v);
    return rc;
}

#define DEFERRED(level, name, title, features, function, ...)                                      \
    CASE(level, name, title, "http 8", features, function, __VA_ARGS__)
#define VISITOR(name, title, ...)                                                                  \
    DEFERRED(LEVEL_MUST, "deferred.resume-" name, title ": 403, and it waits on", WAITS,           \
             wrong_visitor, &(const struct visitor_row)__VA_ARGS__)

static const struct conform_case CASES[] = {
    DEFERRED(LEVEL_SHOULD, "session.deferred",
             "deferred issuance: the session waits at /pending, and can be given up", WAITS,
             given_up, NULL),
    DEFERRED(LEVEL_MUST, "deferred.location", "it waits at an absolute URL of the issuer", WAITS,
             location, NULL),
    DEFERRED(LEVEL_SHOULD, "deferred.page", "/pending as JSON says until when it waits", WAITS,
             page, NULL),
    DEFERRED(LEVEL_SHOULD, "deferred.page-for-people", "/pending is a page for people", WAITS,
             page_for_people, NULL),
    DEFERRED(LEVEL_SHOULD, "deferred.not-done", "/done of a session that waits: 404", WAITS,
             no_such_page, "done"),
    DEFERRED(LEVEL_SHOULD, "deferred.not-failed", "/failed of a session that waits: 404", WAITS,
             no_such_page, "failed"),
    DEFERRED(LEVEL_SHOULD, "deferred.page-of-another",
             "/pending of a session that does not wait: 404", 0, page_of_another, NULL),
    DEFERRED(LEVEL_MUST, "deferred.repeated", "the KeyCreationResponse once more: /pending again",
             WAITS, repeated, NULL),
    DEFERRED(LEVEL_MUST, "deferred.too-early", "resumed too early: it waits on", WAITS, too_early,
             NULL),
    DEFERRED(LEVEL_MUST, "deferred.repeated-otherwise",
             "the KeyCreationResponse with a line feed behind it: refused", WAITS,
             message_meanwhile, NULL),
    DEFERRED(LEVEL_MUST, "deferred.message", "another message while it waits: refused", WAITS,
             message_meanwhile, "{}"),
    DEFERRED(LEVEL_MUST, "deferred.after-the-end", "given up, it cannot be resumed", WAITS,
             after_the_end, NULL),
    VISITOR("without-cookie", "resumed without a cookie", { NO_COOKIE, NULL }),
    VISITOR("other-cookie", "resumed with the cookie of another session", { OTHER_COOKIE, NULL }),
    VISITOR("other-id", "the id of another session that waits", { OWN, "" }),
    VISITOR("unknown-id", "an id of no session", { OWN, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
    VISITOR("encoded-id", "an id with a percent sign", { OWN, "%2e%2e%2f" }),
    DEFERRED(LEVEL_MUST, "deferred.resume-other-profile", "resumed at another profile: 403", WAITS,
             other_profile, NULL),
    DEFERRED(LEVEL_SHOULD, "deferred.resume-not-deferred",
             "a session resumed that does not wait: 409, and it goes on", NEEDS_WHOLE, not_deferred,
             NULL),
};

void issuer_cases_of_deferral(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
