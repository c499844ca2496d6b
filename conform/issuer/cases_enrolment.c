/* The page where a person begins: its link, and the one session that this begins. */
#include "conform/issuer/browser.h"
#include "conform/issuer/families.h"

#include <ctype.h>
#include <string.h>

#define LINK NEEDS(HAS_LINK)
#define LINK_WHOLE (NEEDS(HAS_LINK) | NEEDS_WHOLE)

/* The page of a profile that has one, and what its link says. */
static enum sks_status open_page(struct visit *browser, void *end, struct check *check,
                                 struct enrolment_link *link)
{
    struct site *site = end;
    const struct site_profile *profile = site_find(site, check->item->needs);
    enum sks_status rc;

    browser_open(browser, site, profile, check);
    if (profile == NULL)
        return check_skip(check, "no profile has all of what this needs");
    TRY(browser_load(browser, ""));
    rc = browser_link(browser, link);
out:
    return rc;
}

/* ---- the page ---- */

static enum sks_status page(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(expect_true(check, visit_has_word(visit_header(&browser, "Content-Type"), "text/html"),
                    "Content-Type", "text/html", browser.exchange.content_type));
    TRY(expect_true(check, visit_has_word(visit_header(&browser, "Cache-Control"), "no-store"),
                    "Cache-Control", "no-store", "another"));
    TRY(expect_true(
        check, visit_has_word(visit_header(&browser, "Content-Security-Policy"), "default-src 'n"),
        "Content-Security-Policy", "default-src 'none'", "another"));
    rc = expect_true(check, !visit_has_word(buf_bytes(&browser.exchange.body), "<script"),
                     "enrolment page", "no script", "one");
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status link_says(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    const char *uri;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    uri = browser.profile->issuer_uri;
    TRY(expect_text(check, "link: url", uri, bytes_of(link.url)));
    TRY(expect_text(check, "link: init", arena_printf(&check->arena, "%s?init=true", uri),
                    bytes_of(link.init)));
    TRY(expect_text(check, "link: cncl", arena_printf(&check->arena, "%s?abort=true", uri),
                    bytes_of(link.cncl)));
    rc = expect_true(check, strchr(link.cookie, '=') != NULL, "link: cookie", "NAME=VALUE",
                     link.cookie);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status link_encoded(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    for (size_t i = 0; i < link.query.len; i++) {
        const char c = (char)link.query.ptr[i];

        TRY(expect_true(check, isalnum((unsigned char)c) != 0 || strchr("-._~%=&", c) != NULL,
                        "link", "all but unreserved characters as %XX", (char[]){ c, '\0' }));
    }
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status loaded_again(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link, again;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(browser_load(&browser, ""));
    TRY(browser_link(&browser, &again));
    TRY(expect_text(check, "link of the page loaded again", link.cookie, bytes_of(again.cookie)));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(browser_load(&browser, ""));
    TRY(browser_link(&browser, &again));
    rc = expect_true(check, strcmp(link.cookie, again.cookie) != 0,
                     "link of the page, once a session has begun", "another", "the same");
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

/* A request to the page that is none of its kinds. */
struct request_row {
    const char *method, *content_type, *suffix, *body;
    unsigned status;
};

static enum sks_status refused(struct check *check, void *end, const void *from)
{
    const struct request_row *row = from;
    struct visit browser = { 0 };
    struct enrolment_link link;
    const char *url;
    enum sks_status rc;

    TRY(open_page(&browser, end, check, &link));
    url = arena_printf(&check->arena, "%s%s", browser.profile->page, row->suffix);
    REQUIRE(url != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(&browser, row->method, url, row->content_type, "text/html",
                   bytes_of(row->body)));
    rc = expect_number(check, "status", row->status, browser.exchange.status);
out:
    visit_free(&browser);
    return rc;
}

/* ---- what it begins ---- */

static enum sks_status whole(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

static enum sks_status given_up(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(visit_http(&v, "GET", link.cncl, NULL, NULL, bytes_of("")));
    TRY(visit_expect_given_up(&v, "cncl of the link"));
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

static enum sks_status begun_again(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(visit_get(&v, "?init=true"));
    rc = expect_bytes(check, "?init=true before the InvocationResponse", v.text,
                      buf_bytes(&v.exchange.body));
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

/* One link, one session: while it goes on, and when it is over. */
static enum sks_status used(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(visit_until(&v, AT_INITIALIZATION));
    TRY(visit_answer(&v));
    TRY(visit_get(&v, "?init=true"));
    TRY(visit_untouched(&v, 409));
    TRY(visit_get(&v, "?init=true"));
    rc = expect_number(check, "?init=true with the cookie of a link, behind the end", 409,
                       v.exchange.status);
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

static enum sks_status apart(struct check *check, void *end, const void *row)
{
    struct visit browser[2] = { 0 }, v[2] = { 0 };
    struct enrolment_link link[2];
    enum sks_status rc = SKS_OK;

    (void)row;
    for (size_t i = 0; i < NITEMS(v); i++) {
        TRY(open_page(&browser[i], end, check, &link[i]));
        TRY(visit_begin_with(&v[i], end, browser[i].profile, link[i].cookie, check));
    }
    rc = expect_true(
        check,
        !bytes_equal(v[0].invocation.server_session_id, v[1].invocation.server_session_id) &&
            strcmp(link[0].cookie, link[1].cookie) != 0,
        "two links", "two sessions", "one");
out:
    for (size_t i = 0; i < NITEMS(v); i++) {
        visit_free(&v[i]);
        visit_free(&browser[i]);
    }
    return rc;
}

/* A cookie that this page has not made for this profile is nobody's: whoever begins with it gets
 * another, or is refused. */
static enum sks_status not_adopted(struct check *check, struct site *site,
                                   const struct site_profile *profile, const char *cookie)
{
    struct visit v = { .site = site, .check = check, .profile = profile };
    enum sks_status rc;

    TRY(sks_explain(&check->err, bytes_to_text(bytes_of(cookie), v.cookie, sizeof v.cookie)));
    TRY(visit_get(&v, "?init=true"));
    v.at = v.exchange.status == 200 ? AT_INVOCATION : AT_NOTHING; /* one to be given up */
    rc = expect_true(check,
                     (v.exchange.status >= 400 && v.exchange.status <= 499) ||
                         (v.exchange.status == 200 && visit_keep_cookie(&v)),
                     "?init=true with a cookie that is not its page's",
                     "another cookie, or a refusal", "that it was adopted");
out:
    visit_free(&v);
    return rc;
}

static enum sks_status altered(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    char *cookie;
    size_t begin, at;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, end, check, &link));
    cookie = arena_text(&check->arena, bytes_of(link.cookie));
    REQUIRE(cookie != NULL && strchr(cookie, '=') != NULL, &check->err, SKS_ERROR_STORAGE,
            "no cookie");
    begin = (size_t)(strchr(cookie, '=') - cookie) + 1;
    for (int i = 0; i < 4 && cookie[begin] != '\0'; i++) {
        const char *other = arena_text(&check->arena, bytes_of(link.cookie));

        at = begin + check_draw_below(check, (uint32_t)(strlen(cookie) - begin));
        REQUIRE(other != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
        cookie[at] = other[at] == 'A' ? 'B' : 'A';
        TRY(not_adopted(check, end, browser.profile, cookie));
        cookie[at] = other[at];
    }
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status other_profile(struct check *check, void *end, const void *row)
{
    struct site *site = end;
    const struct site_profile *other = NULL;
    struct visit browser = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_page(&browser, site, check, &link));
    for (size_t i = 0; i < site->profiles; i++)
        if (&site->profile[i] != browser.profile && (site->profile[i].features & LINK) != 0)
            other = &site->profile[i];
    rc = other == NULL ? check_skip(check, "needs a second profile with such a page")
                       : not_adopted(check, site, other, link.cookie);
out:
    visit_free(&browser);
    return rc;
}

#define ENROLMENT(level, name, title, features, function)                                          \
    CASE(level, "enrolment." name, title, "http 9", features, function, NULL)
#define REFUSED(name, title, method, content_type, suffix, body, status)                           \
    CASE(LEVEL_SHOULD, "enrolment." name, title, "http 1, 3", LINK, refused,                       \
         &(const struct request_row){ method, content_type, suffix, body, status })

static const struct conform_case CASES[] = {
    ENROLMENT(LEVEL_SHOULD, "page", "the enrolment page is HTML with nothing from elsewhere", LINK,
              page),
    ENROLMENT(LEVEL_MUST, "link", "its link says init, url, cncl, cookie and ver", LINK, link_says),
    ENROLMENT(LEVEL_SHOULD, "link-encoded", "all in the link is percent-encoded", LINK,
              link_encoded),
    ENROLMENT(LEVEL_SHOULD, "loaded-again",
              "loaded again it has the same link, until a session has begun", LINK, loaded_again),
    ENROLMENT(LEVEL_MUST, "whole", "a whole session with the cookie of the link alone", LINK_WHOLE,
              whole),
    ENROLMENT(LEVEL_MUST, "given-up", "given up by the link", LINK, given_up),
    ENROLMENT(LEVEL_SHOULD, "begun-again",
              "?init=true again, before the InvocationResponse: the same answer", LINK,
              begun_again),
    ENROLMENT(LEVEL_MUST, "used", "?init=true later: 409, and its session goes on to its end",
              LINK_WHOLE, used),
    ENROLMENT(LEVEL_MUST, "apart", "two who load the page have two links and two sessions", LINK,
              apart),
    ENROLMENT(LEVEL_MUST, "altered", "an altered cookie of a link is not adopted", LINK, altered),
    ENROLMENT(LEVEL_MUST, "other-profile", "the cookie of a link is for its profile alone", LINK,
              other_profile),
    REFUSED("unknown", "the page of a profile that there is not: 404", "GET", NULL, "-none", "",
            404),
    REFUSED("put", "PUT of the page: 405", "PUT", "text/plain", "", "code=A", 405),
    REFUSED("json", "a form of another content type: 415", "POST", "application/json", "", "{}",
            415),
    REFUSED("no-code-wanted", "a code where none is wanted: 400", "POST",
            "application/x-www-form-urlencoded", "", "code=A", 400),
};

void issuer_cases_of_enrolment(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
