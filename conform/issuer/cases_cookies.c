/* The cookie of a session. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include <string.h>

static enum sks_status cookie_attribute(struct check *check, void *end, const void *row)
{
    const char *wanted = row;
    struct visit v = { 0 };
    struct bytes cookie;
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    cookie = visit_header(&v, "Set-Cookie");
    rc =
        expect_true(check, visit_has_word(cookie, wanted), "Set-Cookie", wanted,
                    arena_printf(&check->arena, "%.*s", (int)cookie.len, (const char *)cookie.ptr));
out:
    visit_free(&v);
    return rc;
}

enum { COOKIE_MIN = 22 /* characters of base64 for 128 bits */ };

static enum sks_status cookie_length(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    const char *value;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    value = strchr(v.cookie, '=');
    rc = expect_true(check, value != NULL && strlen(value + 1) >= COOKIE_MIN, "Set-Cookie",
                     "a value of 22 characters or more", v.cookie);
out:
    visit_free(&v);
    return rc;
}

enum { FRESH = 8 /* sessions that are compared */ };

static enum sks_status cookies_differ(struct check *check, void *end, const void *row)
{
    struct visit v[FRESH] = { 0 };
    enum sks_status rc = SKS_OK;

    (void)row;
    for (size_t i = 0; i < FRESH; i++) {
        TRY(visit_begin(&v[i], end, check, check->item->needs));
        for (size_t k = 0; k < i; k++) {
            TRY(expect_true(check, strcmp(v[i].cookie, v[k].cookie) != 0, "Set-Cookie",
                            "one of its own for each session", "the same twice"));
            TRY(expect_true(
                check,
                !bytes_equal(v[i].invocation.server_session_id, v[k].invocation.server_session_id),
                "InvocationRequest: serverSessionId", "one of its own for each session",
                "the same twice"));
        }
    }
out:
    for (size_t i = 0; i < FRESH; i++)
        visit_free(&v[i]);
    return rc;
}

/* A new session for whoever begins anew, cookie or not. */
static enum sks_status begun_again(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 }, other = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    other = (struct visit){ .site = v.site, .check = check, .profile = v.profile };
    memcpy(other.cookie, v.cookie, sizeof other.cookie);
    TRY(visit_get(&other, "?init=true"));
    TRY(expect_number(check, "?init=true with the cookie of a session", 200,
                      other.exchange.status));
    other.at = visit_keep_cookie(&other) ? AT_INVOCATION : AT_NOTHING;
    TRY(keygen2_decode(&INVOCATION_REQUEST, buf_bytes(&other.exchange.body), &other.invocation,
                       &check->arena, &check->err));
    rc = expect_true(
        check, !bytes_equal(v.invocation.server_session_id, other.invocation.server_session_id),
        "InvocationRequest: serverSessionId", "another session", "the same");
out:
    visit_free(&other);
    visit_free(&v);
    return rc;
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "cookie.http-only", "the cookie is HttpOnly", "http 3", 0, cookie_attribute,
         "HttpOnly"),
    CASE(LEVEL_SHOULD, "cookie.same-site", "the cookie is SameSite=Lax", "http 3", 0,
         cookie_attribute, "SameSite=Lax"),
    CASE(LEVEL_SHOULD, "cookie.path", "the cookie is for a path", "http 3", 0, cookie_attribute,
         "Path=/"),
    CASE(LEVEL_MUST, "cookie.secure", "over https the cookie is Secure", "http 3", NEEDS(HAS_TLS),
         cookie_attribute, "Secure"),
    CASE(LEVEL_MUST, "cookie.length", "the cookie has 128 bits or more", "http 3", 0, cookie_length,
         NULL),
    CASE(LEVEL_MUST, "cookie.fresh", "eight sessions have eight cookies and ids", "http 3", 0,
         cookies_differ, NULL),
    CASE(LEVEL_SHOULD, "cookie.begun-again", "?init=true with a cookie begins another session",
         "http 3", 0, begun_again, NULL),
};

void issuer_cases_of_cookies(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
