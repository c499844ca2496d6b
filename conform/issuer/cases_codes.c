/* Enrolment pages that want a code. */
#include "conform/issuer/browser.h"
#include "conform/issuer/families.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CODE NEEDS(HAS_CODE)
#define NEW_CODE (CODE | NEEDS(HAS_NEW_CODE))

static const char FORM[] = "application/x-www-form-urlencoded";

/* The page of a profile that wants a code. */
static enum sks_status open_form(struct visit *browser, void *end, struct check *check)
{
    struct site *site = end;
    const struct site_profile *profile = site_find(site, check->item->needs);
    enum sks_status rc;

    browser_open(browser, site, profile, check);
    if (profile == NULL)
        return check_skip(check, "no profile has all of what this needs");
    TRY(browser_load(browser, ""));
    rc = expect_true(check, !browser_has_link(browser), "page without a code", "no link", "one");
out:
    return rc;
}

/* No link is there, and whatever cookie came with it begins no session. */
static enum sks_status expect_no_entry(struct visit *browser)
{
    enum sks_status rc;

    TRY(expect_true(browser->check, !browser_has_link(browser), "the page", "no link", "one"));
    TRY(visit_get(browser, "?init=true"));
    rc = expect_number(browser->check, "?init=true with what the page gave", 403,
                       browser->exchange.status);
out:
    return rc;
}

static enum sks_status expect_form(struct visit *browser, unsigned status)
{
    enum sks_status rc;

    TRY(expect_number(browser->check, "status of the form", status, browser->exchange.status));
    rc = expect_true(browser->check,
                     visit_has_word(buf_bytes(&browser->exchange.body), "name=\"code\""),
                     "the page", "the form once more", "another");
out:
    return rc;
}

/* A code that is taken, and the link behind it. */
static enum sks_status enter(struct visit *browser, const char *code, struct enrolment_link *link)
{
    enum sks_status rc;

    TRY(browser_send_code(browser, code));
    TRY(expect_number(browser->check, "status of a right code", 303, browser->exchange.status));
    TRY(expect_text(browser->check, "Location behind a right code", browser->profile->page,
                    bytes_of(browser->exchange.location)));
    TRY(browser_load(browser, ""));
    rc = browser_link(browser, link);
out:
    return rc;
}

static enum sks_status expect_refused(struct visit *browser, const char *code)
{
    enum sks_status rc;

    TRY(browser_send_code(browser, code));
    TRY(expect_form(browser, 403));
    rc = expect_no_entry(browser);
out:
    return rc;
}

static enum sks_status open_with_code(struct visit *browser, void *end, struct check *check,
                                      const char **code)
{
    enum sks_status rc;

    TRY(open_form(browser, end, check));
    rc = site_code(end, check, browser->profile, code);
out:
    return rc;
}

/* ---- without one ---- */

static enum sks_status none(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(expect_form(&browser, 200));
    browser.cookie[0] = '\0';
    rc = expect_no_entry(&browser);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status wrong(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    enum sks_status rc;

    TRY(open_form(&browser, end, check));
    TRY(browser_send_code(&browser, row));
    TRY(expect_form(&browser, 403));
    TRY(expect_true(check, !visit_has_word(buf_bytes(&browser.exchange.body), "<script"),
                    "what was typed", "escaped, or not there", "as it was typed"));
    rc = expect_no_entry(&browser);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status malformed(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    enum sks_status rc;

    TRY(open_form(&browser, end, check));
    TRY(browser_send(&browser, FORM, bytes_of(row)));
    TRY(expect_number(check, "status of the form", 400, browser.exchange.status));
    rc = expect_no_entry(&browser);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status other_type(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(browser_send(&browser, "application/json", bytes_of("{\"code\":\"A\"}")));
    rc = expect_number(check, "status of the form", 415, browser.exchange.status);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status filled_in(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(browser_load(&browser, "?code=%22%3E%3Cscript%3E"));
    TRY(expect_form(&browser, 200));
    TRY(expect_true(check, !visit_has_word(buf_bytes(&browser.exchange.body), "<script"),
                    "what the URL fills in", "escaped, or not there", "as it stood there"));
    rc = expect_no_entry(&browser);
out:
    visit_free(&browser);
    return rc;
}

/* The cookie of a page that wants none. */
static enum sks_status other_page(struct check *check, void *end, const void *row)
{
    const struct site_profile *open = site_find(end, NEEDS(HAS_LINK));
    struct visit browser = { 0 }, other = { 0 };
    struct enrolment_link link;
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    if (open == NULL) {
        rc = check_skip(check, "needs a profile whose page wants no code");
        goto out;
    }
    browser_open(&other, end, open, check);
    TRY(browser_load(&other, ""));
    TRY(browser_link(&other, &link));
    memcpy(browser.cookie, other.cookie, sizeof browser.cookie);
    TRY(browser_load(&browser, ""));
    rc = expect_no_entry(&browser);
out:
    visit_free(&other);
    visit_free(&browser);
    return rc;
}

/* ---- with one ---- */

/* As far as a device comes that the issuer may not trust. */
static enum sks_status right(struct check *check, void *end, const void *row)
{
    const struct site *site = end;
    bool trusted = site->config->options->trusted || (site->capabilities & NEEDS(HAS_TRUST)) != 0;
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_with_code(&browser, end, check, &code));
    TRY(enter(&browser, code, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(visit_until(&v, AT_INITIALIZATION));
    while (trusted && v.at < AT_CREATION)
        TRY(visit_step(&v));
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

static enum sks_status used(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, other = { 0 };
    struct enrolment_link link;
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_with_code(&browser, end, check, &code));
    TRY(enter(&browser, code, &link));
    browser_open(&other, end, browser.profile, check);
    rc = expect_refused(&other, code);
out:
    visit_free(&other);
    visit_free(&browser);
    return rc;
}

static enum sks_status looked_at(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    struct buf query = { 0 };
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_with_code(&browser, end, check, &code));
    put_text(&query, "?code=");
    put_text(&query, code);
    put_byte(&query, 0);
    TRY(sks_explain(&check->err, query.status));
    for (int i = 0; i < 3; i++) {
        TRY(browser_load(&browser, (const char *)query.ptr));
        TRY(expect_form(&browser, 200));
        TRY(expect_true(check, visit_has_word(buf_bytes(&browser.exchange.body), code),
                        "the page of ?code=", "the code filled in", "another"));
        TRY(expect_no_entry(&browser));
    }
    rc = enter(&browser, code, &link);
out:
    buf_free(&query);
    visit_free(&browser);
    return rc;
}

/* Small letters, O for 0, L for 1, and blanks for what parts it. */
static enum sks_status as_typed(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    struct buf typed = { 0 };
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_with_code(&browser, end, check, &code));
    put_byte(&typed, ' ');
    for (; *code != '\0'; code++)
        put_byte(&typed, (uint8_t)(*code == '0'   ? 'o'
                                   : *code == '1' ? 'l'
                                   : *code == '-' ? ' '
                                                  : tolower((unsigned char)*code)));
    put_byte(&typed, 0);
    TRY(sks_explain(&check->err, typed.status));
    rc = enter(&browser, (const char *)typed.ptr, &link);
out:
    buf_free(&typed);
    visit_free(&browser);
    return rc;
}

/* A code is for one profile, where it is good after it was refused elsewhere. */
static enum sks_status other_profile(struct check *check, void *end, const void *row)
{
    const struct site *site = end;
    const struct site_profile *elsewhere = NULL;
    struct visit browser = { 0 }, other = { 0 };
    struct enrolment_link link;
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    for (size_t i = 0; i < site->profiles; i++)
        if (&site->profile[i] != browser.profile && (site->profile[i].features & CODE) != 0)
            elsewhere = &site->profile[i];
    if (elsewhere == NULL) {
        rc = check_skip(check, "needs a second profile that wants a code");
        goto out;
    }
    TRY(site_code(end, check, browser.profile, &code));
    browser_open(&other, end, elsewhere, check);
    TRY(expect_refused(&other, code));
    rc = enter(&browser, code, &link);
out:
    visit_free(&other);
    visit_free(&browser);
    return rc;
}

/* What a code has opened begins one session. */
static enum sks_status one_session(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 }, v = { 0 };
    struct enrolment_link link;
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_with_code(&browser, end, check, &code));
    TRY(enter(&browser, code, &link));
    TRY(visit_begin_with(&v, end, browser.profile, link.cookie, check));
    TRY(visit_until(&v, AT_INITIALIZATION));
    TRY(visit_get(&v, "?abort=true"));
    v.at = AT_FAILED;
    TRY(visit_get(&v, "?init=true"));
    TRY(expect_number(check, "?init=true with the cookie of a link that was used", 409,
                      v.exchange.status));
    TRY(browser_load(&browser, ""));
    rc = expect_true(check, !browser_has_link(&browser), "page behind the session", "no link",
                     "one");
out:
    visit_free(&v);
    visit_free(&browser);
    return rc;
}

static enum sks_status expired(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(site_invite(end, check, "expired", browser.profile, &code));
    rc = expect_refused(&browser, code);
out:
    visit_free(&browser);
    return rc;
}

static enum sks_status withdrawn(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(site_invite(end, check, "invite", browser.profile, &code));
    TRY(site_withdraw(end, check, code));
    rc = expect_refused(&browser, code);
out:
    visit_free(&browser);
    return rc;
}

/* Behind the code, before a session. */
static enum sks_status withdrawn_link(struct check *check, void *end, const void *row)
{
    struct visit browser = { 0 };
    struct enrolment_link link;
    const char *code;
    enum sks_status rc;

    (void)row;
    TRY(open_form(&browser, end, check));
    TRY(site_invite(end, check, "invite", browser.profile, &code));
    TRY(enter(&browser, code, &link));
    TRY(site_withdraw(end, check, code));
    (void)snprintf(browser.cookie, sizeof browser.cookie, "%s", link.cookie);
    TRY(visit_get(&browser, "?init=true"));
    rc = expect_number(check, "?init=true behind the withdrawal", 403, browser.exchange.status);
out:
    visit_free(&browser);
    return rc;
}

#define WITHOUT(level, name, title, function, row)                                                 \
    CASE(level, "code." name, title, "http 3, 9", CODE, function, row)
#define WITH(level, name, title, function)                                                         \
    CASE(level, "code." name, title, "http 9", NEW_CODE, function, NULL)

static const struct conform_case CASES[] = {
    WITHOUT(LEVEL_MUST, "none", "without a code no session begins: 403", none, NULL),
    WITHOUT(LEVEL_MUST, "wrong", "a wrong code: 403, and the form again", wrong, "0000-0000-0000"),
    WITHOUT(LEVEL_MUST, "escaped", "what was typed is escaped in the page", wrong,
            "\"><script>alert(1)</script>"),
    WITHOUT(LEVEL_MUST, "filled-in", "what ?code= fills in is escaped in the page", filled_in,
            NULL),
    WITHOUT(LEVEL_SHOULD, "missing", "a form without a code: 400", malformed, "other=1"),
    WITHOUT(LEVEL_SHOULD, "empty-form", "an empty form: 400", malformed, ""),
    WITHOUT(LEVEL_SHOULD, "no-percent", "a form that does not decode: 400", malformed, "code=%zz"),
    WITHOUT(LEVEL_SHOULD, "no-utf-8", "a code that is no UTF-8: 400", malformed, "code=%ff"),
    WITHOUT(LEVEL_SHOULD, "json", "a code as JSON: 415", other_type, NULL),
    WITHOUT(LEVEL_MUST, "other-page", "the cookie of a page that wants no code: 403", other_page,
            NULL),
    WITH(LEVEL_MUST, "right", "a right code leads to the link, and a session begins", right),
    WITH(LEVEL_MUST, "used", "a code once more, good for one enrolment: 403", used),
    WITH(LEVEL_MUST, "looked-at", "?code= fills in the form, and uses nothing up", looked_at),
    WITH(LEVEL_SHOULD, "as-typed", "a code as people type it is taken", as_typed),
    WITH(LEVEL_MUST, "other-profile", "a code of another profile: 403, and it is not used up",
         other_profile),
    WITH(LEVEL_MUST, "expired", "a code that has expired: 403, and the form again", expired),
    WITH(LEVEL_MUST, "withdrawn", "a code that was withdrawn: 403, and the form again", withdrawn),
    WITH(LEVEL_MUST, "withdrawn-link", "withdrawn behind the code: no session begins any more",
         withdrawn_link),
    WITH(LEVEL_MUST, "one-session", "a code begins one session", one_session),
};

void issuer_cases_of_codes(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
