/* KeyGen2 over HTTP: headers of answers, content types, methods and URLs. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include <string.h>

#define WHOLE NEEDS_WHOLE

static const char JSON[] = "application/json";

/* ---- headers of the answers ---- */

struct header_row {
    enum visit_at at;
    const char *header, *value;
};

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
        rc = expect_true(check, visit_has_word(came, row->value), row->header, row->value,
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
    rc = expect_true(check, visit_has_word(allow, "GET") && visit_has_word(allow, "POST"), "Allow",
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

static const struct conform_case CASES[] = {
    CASE(LEVEL_SHOULD, "http.allow", "405 says which methods there are", "RFC 9110, 15.5.6", 0,
         allow_header, NULL),
    CASE(LEVEL_SHOULD, "http.type-parameter", "parameters of the content type are ignored",
         "http 3", 0, type_taken, "application/json; charset=utf-8"),
    CASE(LEVEL_SHOULD, "http.type-case", "the content type in capitals is taken", "RFC 9110, 8.3.1",
         0, type_taken, "Application/JSON"),
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
