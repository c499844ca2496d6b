/* The exchanges of a session: busy issuers, headers, and what came for people to read. */
#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"

#include <string.h>
#include <strings.h>
#include <time.h>

enum { BUSY_TRIES = 20, BUSY_SECONDS = 5, LATE_MS = 1200 };

static const char JSON[] = "application/json";

struct bytes visit_header(const struct visit *v, const char *name)
{
    const char *line = (const char *)v->exchange.head.ptr;
    const char *end = line == NULL ? NULL : line + v->exchange.head.len;
    size_t len = strlen(name);

    while (line != NULL && line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        const char *value = line + len + 1, *stop = next == NULL ? end : next;

        if ((size_t)(stop - line) > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            while (value < stop && *value == ' ')
                value++;
            while (stop > value && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            return bytes_at(value, (size_t)(stop - value));
        }
        line = next == NULL ? end : next + 1;
    }
    return bytes_of("");
}

bool visit_has_word(struct bytes text, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp((const char *)text.ptr + i, word, len) == 0)
            return true;
    return false;
}

bool visit_keep_cookie(struct visit *v)
{
    struct bytes cookie = visit_header(v, "Set-Cookie");
    const uint8_t *end = cookie.len == 0 ? NULL : memchr(cookie.ptr, ';', cookie.len);

    if (end != NULL)
        cookie.len = (size_t)(end - cookie.ptr);
    return cookie.len > 0 && bytes_to_text(cookie, v->cookie, sizeof v->cookie) == SKS_OK;
}

/* An issuer may have enough of so many requests for a moment. */
static bool is_busy(struct visit *v)
{
    struct bytes wait = visit_header(v, "Retry-After");
    struct timespec pause = { .tv_sec = 1 };

    if ((v->exchange.status != 429 && v->exchange.status != 503) || wait.len == 0 ||
        *v->check->stop != 0)
        return false;
    if (wait.ptr[0] > '1' && wait.ptr[0] <= '9')
        pause.tv_sec =
            wait.len > 1 || wait.ptr[0] - '0' > BUSY_SECONDS ? BUSY_SECONDS : wait.ptr[0] - '0';
    (void)nanosleep(&pause, NULL);
    return true;
}

enum sks_status visit_http(struct visit *v, const char *method, const char *url,
                           const char *content_type, const char *accept, struct bytes body)
{
    static const volatile sig_atomic_t never = 0;
    unsigned tries = 0;
    enum sks_status rc;

    if (v->check->stop == NULL)
        v->check->stop = &never;
    do {
        http_client_set_cookie(v->site->http, v->cookie[0] == '\0' ? NULL : v->cookie);
        rc = http_client_exchange(v->site->http, method, url, content_type, accept, body,
                                  &v->exchange, &v->check->err);
    } while (rc == SKS_OK && tries++ < BUSY_TRIES && is_busy(v));
    v->site->lost = rc != SKS_OK;
    return rc == SKS_OK ? rc : check_fail(v->check, "HTTP", "an answer", "%s", v->check->err.text);
}

enum sks_status visit_expect_at(struct visit *v, const char *field, enum visit_at at,
                                const char *wanted)
{
    return expect_true(v->check, v->at == at, field, wanted, visit_told(v));
}

enum sks_status visit_expect_given_up(struct visit *v, const char *field)
{
    bool failed = v->exchange.status == 302 && strstr(v->exchange.location, "/failed/") != NULL;
    enum sks_status rc = expect_true(v->check, failed, field, "302 to /failed", visit_told(v));

    if (rc == SKS_OK)
        v->at = AT_FAILED;
    return rc;
}

enum sks_status visit_get(struct visit *v, const char *query)
{
    const char *url = arena_printf(&v->check->arena, "%s%s", v->profile->issuer_uri, query);
    enum sks_status rc;

    REQUIRE(url != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    rc = visit_http(v, "GET", url, NULL, NULL, bytes_of(""));
out:
    return rc;
}

enum sks_status visit_wait(struct visit *v)
{
    const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
    int64_t end = v->begun + (int64_t)v->profile->life_time * 1000 + LATE_MS;

    while (clock_monotonic_ms() < end && *v->check->stop == 0)
        (void)nanosleep(&pause, NULL);
    return SKS_OK;
}

/* ---- pages ---- */

enum sks_status visit_page(struct visit *v, const char *page, const char *accept)
{
    const struct bytes id = v->invocation.server_session_id;
    const char *url = arena_printf(&v->check->arena, "%s/%s/%.*s", v->profile->root, page,
                                   (int)id.len, (const char *)id.ptr);
    enum sks_status rc;

    REQUIRE(url != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    rc = visit_http(v, "GET", url, NULL, accept, bytes_of(""));
out:
    return rc;
}

static enum sks_status expect_member(struct visit *v, const json_t *told, const char *page,
                                     const char *member, const char *value)
{
    const char *field = arena_printf(&v->check->arena, "/%s: %s", page, member);

    return expect_text(v->check, field == NULL ? member : field, value == NULL ? "" : value,
                       bytes_of(json_string_value(json_object_get(told, member))));
}

enum sks_status visit_page_says(struct visit *v, const char *page, unsigned status,
                                const char *member, const char *value)
{
    const char *field = arena_printf(&v->check->arena, "status of /%s", page);
    json_t *told = NULL;
    enum sks_status rc;

    TRY(visit_page(v, page, JSON));
    TRY(expect_number(v->check, field == NULL ? "status" : field, status, v->exchange.status));
    if (member == NULL)
        goto out;
    TRY(json_parse(buf_bytes(&v->exchange.body), &told, &v->check->err));
    TRY(expect_member(v, told, page, "serverSessionId",
                      arena_text(&v->check->arena, v->invocation.server_session_id)));
    rc = expect_member(v, told, page, member, value);
out:
    json_decref(told);
    return rc;
}

/* ---- what came ---- */

const char *visit_cause(struct visit *v)
{
    char *location = arena_text(&v->check->arena, bytes_of(v->exchange.location));
    struct http_exchange kept = v->exchange;
    json_t *page = NULL;
    const char *cause = NULL;

    v->exchange = (struct http_exchange){ 0 };
    http_client_set_cookie(v->site->http, NULL);
    if (location != NULL &&
        http_client_exchange(v->site->http, "GET", location, NULL, JSON, bytes_of(""), &v->exchange,
                             NULL) == SKS_OK &&
        json_parse(buf_bytes(&v->exchange.body), &page, NULL) == SKS_OK &&
        json_is_string(json_object_get(page, "cause")))
        cause =
            arena_printf(&v->check->arena, "%s", json_string_value(json_object_get(page, "cause")));
    json_decref(page);
    http_exchange_free(&v->exchange);
    v->exchange = kept;
    return cause == NULL ? "" : cause;
}

const char *visit_told(struct visit *v)
{
    struct bytes line = buf_bytes(&v->exchange.body);
    const uint8_t *end = line.len == 0 ? NULL : memchr(line.ptr, '\n', line.len);
    const char *told;

    if (end != NULL)
        line.len = (size_t)(end - line.ptr);
    if (line.len > 100)
        line.len = 100;
    if (v->at == AT_FAILED)
        told = arena_printf(&v->check->arena, "%u to %s: %s", v->exchange.status,
                            v->exchange.location, visit_cause(v));
    else if (v->exchange.location[0] != '\0')
        told = arena_printf(&v->check->arena, "%u to %s", v->exchange.status, v->exchange.location);
    else if (v->exchange.status == 200)
        told = arena_printf(&v->check->arena, "200 with %s",
                            keygen2_qualifier(buf_bytes(&v->exchange.body)));
    else
        told = arena_printf(&v->check->arena, "%u: %.*s", v->exchange.status, (int)line.len,
                            line.len == 0 ? "" : (const char *)line.ptr);
    return told == NULL ? "" : told;
}
