/* KeyGen2 over HTTP: headers of answers, cookies, content types, methods, URLs and pages. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WHOLE (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST) | NEEDS(HAS_KEYS) | NEEDS(HAS_END))

static const char JSON[] = "application/json";

/* ---- headers of the answers ---- */

struct header_row {
    enum visit_at at;
    const char *header, *value;
};

static bool has_word(struct bytes text, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp((const char *)text.ptr + i, word, len) == 0)
            return true;
    return false;
}

static enum sks_status header_of_message(struct check *check, void *end, const void *from)
{
    const struct header_row *row = from;
    struct visit v = { 0 };
    struct bytes came;
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, row->at));
    came = visit_header(&v, row->header);
    if (strcmp(row->header, "Content-Type") == 0)
        rc = expect_text(check, row->header, row->value, came);
    else
        rc = expect_true(check, has_word(came, row->value), row->header, row->value,
                         came.len == 0 ? "none"
                                       : arena_printf(&check->arena, "%.*s", (int)came.len,
                                                      (const char *)came.ptr));
out:
    visit_free(&v);
    return rc;
}

static const struct {
    enum visit_at at;
    const char *name;
} MESSAGES[] = {
    { AT_INVOCATION, "InvocationRequest" },
    { AT_INITIALIZATION, "ProvisioningInitializationRequest" },
    { AT_CREATION, "KeyCreationRequest" },
    { AT_FINALIZATION, "ProvisioningFinalizationRequest" },
};

/* ---- the cookie ---- */

static enum sks_status cookie_attribute(struct check *check, void *end, const void *row)
{
    const char *wanted = row;
    struct visit v = { 0 };
    struct bytes cookie;
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    cookie = visit_header(&v, "Set-Cookie");
    rc =
        expect_true(check, has_word(cookie, wanted), "Set-Cookie", wanted,
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
    struct bytes cookie;
    const char *url;
    size_t len = 0;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    url = arena_printf(&check->arena, "%s?init=true", v.profile->issuer_uri);
    REQUIRE(url != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(&v, "GET", url, NULL, NULL, bytes_of("")));
    TRY(expect_number(check, "?init=true with the cookie of a session", 200, v.exchange.status));
    cookie = visit_header(&v, "Set-Cookie");
    while (len < cookie.len && cookie.ptr[len] != ';')
        len++;
    other = (struct visit){ .site = v.site, .check = check, .profile = v.profile };
    other.at = bytes_to_text(bytes_at(cookie.ptr, len), other.cookie, sizeof other.cookie) == SKS_OK
                   ? AT_INVOCATION
                   : AT_NOTHING;
    TRY(keygen2_decode(&INVOCATION_REQUEST, buf_bytes(&v.exchange.body), &other.invocation,
                       &check->arena, &check->err));
    rc = expect_true(
        check, !bytes_equal(v.invocation.server_session_id, other.invocation.server_session_id),
        "InvocationRequest: serverSessionId", "another session", "the same");
out:
    visit_free(&other);
    visit_free(&v);
    return rc;
}

/* ---- requests that touch no session ---- */

enum cookie_kind {
    COOKIE_RIGHT,
    COOKIE_NONE,
    COOKIE_EMPTY,
    COOKIE_ALTERED,
    COOKIE_SHORT,
    COOKIE_LONG,
    COOKIE_OTHER_NAME,
    COOKIE_UNKNOWN
};

struct request_row {
    const char *name, *title;
    const char *method, *content_type;
    const char *suffix; /* of the issuerUri; "/..." in front of all: of the root */
    enum cookie_kind cookie;
    unsigned status;
    enum case_level level;
};

static void spoil_cookie(struct visit *v, enum cookie_kind kind)
{
    char *value = strchr(v->cookie, '=');
    size_t len = strlen(v->cookie);

    if (value == NULL || value[1] == '\0' || len + 2 > sizeof v->cookie)
        return;
    switch (kind) {
    case COOKIE_RIGHT:
        break;
    case COOKIE_NONE:
        v->cookie[0] = '\0';
        break;
    case COOKIE_EMPTY:
        value[1] = '\0';
        break;
    case COOKIE_ALTERED:
        v->cookie[len - 1] = v->cookie[len - 1] == 'A' ? 'B' : 'A';
        break;
    case COOKIE_SHORT:
        v->cookie[len - 1] = '\0';
        break;
    case COOKIE_LONG:
        v->cookie[len] = 'A';
        v->cookie[len + 1] = '\0';
        break;
    case COOKIE_OTHER_NAME:
        v->cookie[0] = v->cookie[0] == 'x' ? 'y' : 'x';
        break;
    case COOKIE_UNKNOWN:
        for (char *c = value + 1; *c != '\0'; c++)
            *c = 'A';
        break;
    }
}

static const struct request_row REQUESTS[] = {
    { "no-cookie", "the right message without a cookie", "POST", JSON, "", COOKIE_NONE, 403, 0 },
    { "empty-cookie", "an empty cookie", "POST", JSON, "", COOKIE_EMPTY, 403, 0 },
    { "altered-cookie", "the last character of the cookie altered", "POST", JSON, "",
      COOKIE_ALTERED, 403, 0 },
    { "short-cookie", "the cookie without its last character", "POST", JSON, "", COOKIE_SHORT, 403,
      0 },
    { "long-cookie", "the cookie with a character more", "POST", JSON, "", COOKIE_LONG, 403, 0 },
    { "other-cookie", "the cookie under another name", "POST", JSON, "", COOKIE_OTHER_NAME, 403,
      0 },
    { "unknown-cookie", "a cookie of no session", "POST", JSON, "", COOKIE_UNKNOWN, 403, 0 },
    { "put", "PUT", "PUT", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "delete", "DELETE", "DELETE", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "patch", "PATCH", "PATCH", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "options", "OPTIONS", "OPTIONS", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "trace", "TRACE", "TRACE", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "unknown-method", "a method that there is not", "BREW", JSON, "", COOKIE_RIGHT, 405, 0 },
    { "type-text", "text/plain", "POST", "text/plain", "", COOKIE_RIGHT, 415, 0 },
    { "type-form", "a form", "POST", "application/x-www-form-urlencoded", "", COOKIE_RIGHT, 415,
      0 },
    { "type-xml", "application/xml", "POST", "application/xml", "", COOKIE_RIGHT, 415, 0 },
    { "type-octets", "application/octet-stream", "POST", "application/octet-stream", "",
      COOKIE_RIGHT, 415, 0 },
    { "type-json-text", "text/json", "POST", "text/json", "", COOKIE_RIGHT, 415, 0 },
    { "type-json-longer", "application/json-seq", "POST", "application/json-seq", "", COOKIE_RIGHT,
      415, 0 },
    { "type-none", "no content type", "POST", NULL, "", COOKIE_RIGHT, 415, 0 },
    { "no-query", "GET without init and abort", "GET", NULL, "", COOKIE_RIGHT, 400, LEVEL_SHOULD },
    { "init-false", "GET with init=false", "GET", NULL, "?init=false", COOKIE_RIGHT, 400,
      LEVEL_SHOULD },
    { "unknown-profile", "a profile that there is not", "GET", NULL, "-none?init=true",
      COOKIE_RIGHT, 404, 0 },
    { "unknown-profile-post", "the right message at a profile that there is not", "POST", JSON,
      "-none", COOKIE_RIGHT, 404, 0 },
    { "resume-nothing", "a session resumed that was not deferred", "GET", NULL,
      "?init=true&resume=none", COOKIE_RIGHT, 403, LEVEL_SHOULD },
};

/* A request of another kind than the session waits for: it goes on afterwards. */
static enum sks_status request_refused(struct check *check, void *end, const void *from)
{
    const struct request_row *row = from;
    char cookie[VISIT_COOKIE_MAX];
    struct visit v = { 0 };
    const char *url;
    bool get;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    url = arena_printf(&check->arena, "%s%s", v.profile->issuer_uri, row->suffix);
    REQUIRE(url != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    get = strcmp(row->method, "GET") == 0;
    memcpy(cookie, v.cookie, sizeof cookie);
    spoil_cookie(&v, row->cookie);
    rc = visit_http(&v, row->method, url, row->content_type, NULL,
                    get ? bytes_of("") : buf_bytes(&v.response));
    memcpy(v.cookie, cookie, sizeof cookie);
    TRY(rc);
    rc = visit_untouched(&v, row->status);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status allow_header(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct bytes allow;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_http(&v, "DELETE", v.profile->issuer_uri, NULL, NULL, bytes_of("")));
    allow = visit_header(&v, "Allow");
    rc = expect_true(check, has_word(allow, "GET") && has_word(allow, "POST"), "Allow",
                     "GET and POST",
                     arena_printf(&check->arena, "%.*s", (int)allow.len,
                                  allow.len == 0 ? "" : (const char *)allow.ptr));
out:
    visit_free(&v);
    return rc;
}

/* Parameters of the content type mean nothing; neither does the case of it. */
static enum sks_status type_taken(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    TRY(visit_http(&v, "POST", v.profile->issuer_uri, row, NULL, buf_bytes(&v.response)));
    rc = expect_number(check, "status", 200, v.exchange.status);
out:
    visit_free(&v);
    return rc;
}

/* ---- the end, and the pages ---- */

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

static enum sks_status expect_page(struct visit *v, const char *page, unsigned status)
{
    const char *url = arena_printf(&v->check->arena, "%s/%s/%.*s", v->profile->root, page,
                                   (int)v->invocation.server_session_id.len,
                                   (const char *)v->invocation.server_session_id.ptr);
    enum sks_status rc;

    REQUIRE(url != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(v, "GET", url, NULL, JSON, bytes_of("")));
    rc = expect_number(v->check, url, status, v->exchange.status);
out:
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
    json_t *told = NULL;
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    if (row->at == AT_FAILED) {
        TRY(visit_send(&v, bytes_of("{}")));
        TRY(visit_refused(&v));
    } else {
        TRY(visit_until(&v, row->at));
    }
    TRY(expect_page(&v, row->page, row->status));
    if (row->verdict != NULL) {
        TRY(json_parse(buf_bytes(&v.exchange.body), &told, &check->err));
        TRY(expect_text(check, "verdict", row->verdict,
                        bytes_of(json_string_value(json_object_get(told, "verdict")))));
        rc =
            expect_text(check, "serverSessionId",
                        arena_printf(&check->arena, "%.*s", (int)v.invocation.server_session_id.len,
                                     (const char *)v.invocation.server_session_id.ptr),
                        bytes_of(json_string_value(json_object_get(told, "serverSessionId"))));
    }
out:
    json_decref(told);
    visit_free(&v);
    return rc;
}

#define PAGE(name, title, features, at, page, status, verdict)                                     \
    CASE(LEVEL_SHOULD, "page." name, title, "http 1, 7", features, page_of_session,                \
         &(const struct page_row){ at, page, status, verdict })

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
    CASE(LEVEL_SHOULD, "http.allow", "405 says which methods there are", "RFC 9110, 15.5.6", 0,
         allow_header, NULL),
    CASE(LEVEL_SHOULD, "http.type-parameter", "parameters of the content type are ignored",
         "http 3", 0, type_taken, "application/json; charset=utf-8"),
    CASE(LEVEL_SHOULD, "http.type-case", "the content type in capitals is taken", "RFC 9110, 8.3.1",
         0, type_taken, "Application/JSON"),
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

static void add_header_case(struct cases *cases, size_t number, const char *header,
                            const char *value, const char *name, enum case_level level)
{
    struct header_row *row = arena_alloc(&cases->arena, 1, sizeof *row);

    if (row == NULL) {
        cases->status = SKS_ERROR_STORAGE;
        return;
    }
    *row = (struct header_row){ MESSAGES[number].at, header, value };
    cases_add(cases,
              &(struct conform_case){
                  .id = cases_text(cases, "http.%s-%s", name, MESSAGES[number].name),
                  .title = cases_text(cases, "%s: %s %s", MESSAGES[number].name, header, value),
                  .section = "http 3",
                  .level = level,
                  .needs = MESSAGES[number].at > AT_INITIALIZATION ? WHOLE : 0,
                  .run = header_of_message,
                  .row = row });
}

void issuer_cases_of_http(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(MESSAGES); i++) {
        add_header_case(cases, i, "Content-Type", JSON, "content-type", LEVEL_MUST);
        add_header_case(cases, i, "Cache-Control", "no-store", "cache-control", LEVEL_SHOULD);
    }
    for (size_t i = 0; i < NITEMS(REQUESTS); i++)
        cases_add(cases, &(struct conform_case){
                             .id = cases_text(cases, "http.%s", REQUESTS[i].name),
                             .title = cases_text(cases, "%s: %u, and no session is touched",
                                                 REQUESTS[i].title, REQUESTS[i].status),
                             .section = "http 3",
                             .level = REQUESTS[i].level,
                             .needs = WHOLE,
                             .run = request_refused,
                             .row = &REQUESTS[i] });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
