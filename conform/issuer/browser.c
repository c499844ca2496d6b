#include "conform/issuer/browser.h"

#include "keygen2/base/percent.h"

#include <string.h>

static const char START[] = "webpkiproxy://keygen2?", FORM[] = "application/x-www-form-urlencoded";

void browser_open(struct visit *v, struct site *site, const struct site_profile *profile,
                  struct check *check)
{
    *v = (struct visit){ .site = site, .check = check, .profile = profile };
}

enum sks_status browser_load(struct visit *v, const char *query)
{
    const char *url = arena_printf(&v->check->arena, "%s%s", v->profile->page, query);
    enum sks_status rc;

    REQUIRE(url != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(v, "GET", url, NULL, "text/html", bytes_of("")));
    (void)visit_keep_cookie(v);
out:
    return rc;
}

enum sks_status browser_send(struct visit *v, const char *content_type, struct bytes form)
{
    enum sks_status rc;

    TRY(visit_http(v, "POST", v->profile->page, content_type, "text/html", form));
    (void)visit_keep_cookie(v);
out:
    return rc;
}

enum sks_status browser_send_code(struct visit *v, const char *code)
{
    struct buf form = { 0 };
    enum sks_status rc;

    put_text(&form, "code=");
    percent_encode(&form, bytes_of(code));
    TRY(sks_explain(&v->check->err, form.status));
    rc = browser_send(v, FORM, buf_bytes(&form));
out:
    buf_free(&form);
    return rc;
}

/* ---- the link ---- */

static struct bytes find_link(const struct visit *v)
{
    struct bytes page = buf_bytes(&v->exchange.body);
    const uint8_t *at = page.len == 0 ? NULL : memmem(page.ptr, page.len, START, strlen(START));
    struct bytes rest = { 0 };
    size_t len = 0;

    if (at == NULL)
        return rest;
    at += strlen(START);
    rest = bytes_at(at, page.len - (size_t)(at - page.ptr));
    while (len < rest.len && rest.ptr[len] > ' ' && strchr("\"'<>", rest.ptr[len]) == NULL)
        len++;
    return bytes_at(at, len);
}

bool browser_has_link(const struct visit *v)
{
    return find_link(v).ptr != NULL;
}

/* As HTML has it: "&amp;" for '&'. */
static void put_unescaped(struct buf *out, struct bytes text)
{
    static const char AND[] = "&amp;";

    while (text.len > 0) {
        bool escaped = text.len >= strlen(AND) && memcmp(text.ptr, AND, strlen(AND)) == 0;
        size_t len = escaped ? strlen(AND) : 1;

        put_byte(out, text.ptr[0]);
        text = bytes_at(text.ptr + len, text.len - len);
    }
}

static enum sks_status take(struct visit *v, struct bytes query, const char *name,
                            const char **text)
{
    struct buf value = { 0 };
    bool found = false;
    enum sks_status rc = percent_find(query, name, false, &value, &found);

    *text = NULL;
    if (rc == SKS_OK && found)
        *text = arena_text(&v->check->arena, buf_bytes(&value));
    buf_free(&value);
    return expect_true(v->check, *text != NULL, arena_printf(&v->check->arena, "link: %s", name),
                       "a value, percent-encoded", found ? "another" : "none");
}

enum sks_status browser_link(struct visit *v, struct enrolment_link *link)
{
    struct buf query = { 0 };
    enum sks_status rc;

    *link = (struct enrolment_link){ 0 };
    TRY(expect_number(v->check, "status of the enrolment page", 200, v->exchange.status));
    TRY(expect_true(v->check, browser_has_link(v), "enrolment page", "a link webpkiproxy://keygen2",
                    "none"));
    put_unescaped(&query, find_link(v));
    TRY(visit_keep(v, &query, &link->query));
    TRY(take(v, link->query, "init", &link->init));
    TRY(take(v, link->query, "url", &link->url));
    TRY(take(v, link->query, "cncl", &link->cncl));
    TRY(take(v, link->query, "cookie", &link->cookie));
    rc = take(v, link->query, "ver", &link->ver);
out:
    return rc;
}
