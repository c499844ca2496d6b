#include "issuer/enroll_page.h"
#include "issuer/admission.h"
#include "issuer/invitation.h"
#include "issuer/pages.h"
#include "issuer/phase_internal.h"
#include "issuer/qr.h"
#include "issuer/ticket.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "keygen2/base/percent.h"

#include <string.h>

enum { TYPED_MAX = 64 /* bytes of what is typed for a code */ };

/* One request for the page. */
struct visit {
    struct issuer *issuer;
    const struct http_request *request;
    struct http_response *response;
    const struct profile *profile;
    const char *base; /* URL of the issuer */
    char address[CAPS_ADDRESS_TEXT];
};

static bool open_visit(struct visit *v, void *ctx, const struct http_request *request,
                       struct http_response *response)
{
    struct http_address from = http_client_address(request);

    *v = (struct visit){ .issuer = ctx, .request = request, .response = response };
    v->profile = profile_find(&v->issuer->profiles, http_path_rest(request));
    v->base = v->issuer->public_url != NULL ? v->issuer->public_url : http_listener_url(request);
    http_address_text(&from, v->address);
    if (v->profile == NULL) {
        admission_refuse(request, response, 404, "no such profile",
                         "there is no such enrolment here", 0);
        return false;
    }
    return !admission_stops(v->issuer, request, response);
}

static void fail(struct visit *v, const struct sks_error *err)
{
    log_error("%s", err->text[0] == '\0' ? "no memory for the enrolment page" : err->text);
    admission_refuse(v->request, v->response, 503, "issuer trouble",
                     "the issuer has a problem of its own, try again", 0);
}

/* ---- the link ---- */

static void put_pair(struct buf *out, const char *name, const char *value)
{
    put_text(out, name);
    percent_encode(out, bytes_of(value));
}

/* The parameters of the public client, in its order. */
static char *make_link(struct visit *v, const char *ticket)
{
    struct arena *arena = v->response->arena;
    const char *url = arena_printf(arena, "%s/kg2/%s", v->base, v->profile->name);
    const char *init = arena_printf(arena, "%s?init=true", url == NULL ? "" : url);
    const char *cancel = arena_printf(arena, "%s?abort=true", url == NULL ? "" : url);
    const char *cookie = arena_printf(arena, "%s=%s", ADMISSION_COOKIE, ticket);
    struct buf link = { 0 };
    char *text = NULL;

    if (url != NULL && init != NULL && cancel != NULL && cookie != NULL) {
        put_pair(&link, "webpkiproxy://keygen2?init=", init);
        put_pair(&link, "&url=", url);
        put_pair(&link, "&cncl=", cancel);
        put_pair(&link, "&cookie=", cookie);
        put_pair(&link, "&ver=", "1.00-9.99");
        if (link.status == SKS_OK)
            text = arena_text(arena, buf_bytes(&link));
    }
    buf_free(&link);
    return text;
}

/* A very long public URL does not fit; the link does without. */
static void put_qr(struct buf *out, const char *link)
{
    struct buf svg = { 0 };

    if (put_qr_svg(&svg, link, "QR code of the enrolment's link") == SKS_OK) {
        put_text(out, "<p>Or scan the code with the device that is to get the keys:</p>\n"
                      "<div class=\"qr\">");
        put_raw(out, buf_bytes(&svg));
        put_text(out, "</div>\n");
    }
    buf_free(&svg);
}

static void answer_link(struct visit *v, const char *ticket, int64_t expires)
{
    struct buf *out = &v->response->body;
    const char *link = make_link(v, ticket);
    struct sks_error err = { 0 };

    if (link == NULL) {
        fail(v, &err);
        return;
    }
    http_answer(v->response, 200, PAGE_HTML, (struct bytes){ 0 });
    put_page_begin(out, "Enrol a device");
    put_paragraph(out, v->profile->description);
    put_text(out, "<p><a class=\"go\" href=\"");
    put_escaped(out, bytes_of(link));
    put_text(out, "\">Enrol this device</a></p>\n");
    put_qr(out, link);
    put_text(out, "<dl>\n");
    put_page_entry(out, "Good for", "one enrolment");
    put_page_time(out, "Until", expires);
    put_page_entry(out, "Profile", v->profile->name);
    put_text(out, "</dl>\n<details><summary>The link as text</summary><p class=\"long\">");
    put_escaped(out, bytes_of(link));
    put_text(out, "</p></details>\n");
    put_page_end(out);
    page_set_headers(v->response);
}

static bool set_cookie(struct visit *v, const char *ticket)
{
    const char *header = arena_printf(
        v->response->arena, "%s=%s; HttpOnly; SameSite=Lax; Path=/enroll%s", ADMISSION_COOKIE,
        ticket, strncmp(v->base, "https:", 6) == 0 ? "; Secure" : "");

    if (header != NULL)
        http_set_header(v->response, "Set-Cookie", header);
    return header != NULL;
}

/* ---- the form ---- */

/* @param name of the refusal, with the words for it; NULL: it is none */
static void answer_form(struct visit *v, unsigned status, const char *name, const char *trouble,
                        const char *typed)
{
    struct buf *out = &v->response->body;

    http_answer(v->response, status, PAGE_HTML, (struct bytes){ 0 });
    put_page_begin(out, "Enrol a device");
    put_paragraph(out, v->profile->description);
    if (name != NULL) {
        admission_set_cause(v->response, name, trouble);
        put_text(out, "<p class=\"trouble\" role=\"alert\">");
        put_text(out, trouble);
        put_text(out, "</p>\n");
    }
    put_text(out, "<form method=\"post\" action=\"/enroll/");
    put_escaped(out, bytes_of(v->profile->name));
    put_text(out, "\"><label for=\"code\">Your code</label>\n<input id=\"code\" name=\"code\""
                  " required maxlength=\"32\" autocomplete=\"off\" autocapitalize=\"characters\""
                  " spellcheck=\"false\" placeholder=\"XXXX-XXXX-XXXX\" value=\"");
    put_escaped(out, bytes_of(typed == NULL ? "" : typed));
    put_text(out, "\">\n<button>Go on</button></form>\n<p>Whoever invited you has sent it. It works"
                  " as often as they said, and only for a time.</p>\n");
    put_page_end(out);
    page_set_headers(v->response);
}

/* ---- GET ---- */

/* A ticket that has begun a session leads nowhere new. */
static bool is_unused(struct visit *v, const char *cookie)
{
    struct session session;
    struct sks_error err = { 0 };
    bool found = true;

    return session_store_find_by_cookie(&v->issuer->store,
                                        phase_hash(v->response->arena, bytes_of(cookie)),
                                        v->response->arena, &session, &found, &err) == SKS_OK &&
           !found;
}

void enroll_get(void *ctx, const struct http_request *request, struct http_response *response)
{
    const char *cookie = http_cookie(request, ADMISSION_COOKIE);
    struct ticket ticket = { 0 };
    char text[TICKET_LENGTH + 1];
    struct sks_error err = { 0 };
    struct visit v;

    if (!open_visit(&v, ctx, request, response))
        return;
    if (ticket_read(v.issuer->store.seal_key, v.profile->name, cookie, &ticket) &&
        ticket.expires >= clock_now() &&
        (ticket.invitation != 0 || !profile_wants_code(v.profile)) && is_unused(&v, cookie)) {
        answer_link(&v, cookie, ticket.expires);
        return;
    }
    if (profile_wants_code(v.profile)) {
        answer_form(&v, 200, NULL, NULL, http_query(request, "code"));
        return;
    }
    ticket = (struct ticket){ .expires = clock_now() + TICKET_SECONDS };
    if (ticket_make(v.issuer->store.seal_key, v.profile->name, &ticket, text) != SKS_OK ||
        !set_cookie(&v, text))
        fail(&v, &err);
    else
        answer_link(&v, text, ticket.expires);
}

/* ---- POST ---- */

static const struct {
    const char *name, *text;
} REFUSED[] = {
    [INVITATION_UNKNOWN] = { "code unknown",
                             "This code is not known here. Please look at it again." },
    [INVITATION_EXPIRED] = { "code expired", "This code has expired. Please ask for another one." },
    [INVITATION_USED_UP] = { "code used up",
                             "This code was used already. Please ask for another one." },
    [INVITATION_WITHDRAWN] = { "code withdrawn",
                               "This code was withdrawn. Please ask for another one." },
};

/* To the page with the link: who loads it anew does not send the code again. */
static void go_on(struct visit *v, int64_t invitation)
{
    const struct ticket ticket = { clock_now() + TICKET_SECONDS, (uint32_t)invitation };
    const char *location =
        arena_printf(v->response->arena, "%s/enroll/%s", v->base, v->profile->name);
    char text[TICKET_LENGTH + 1];
    struct sks_error err = { 0 };

    http_answer(v->response, 303, NULL, (struct bytes){ 0 });
    if (location == NULL ||
        ticket_make(v->issuer->store.seal_key, v->profile->name, &ticket, text) != SKS_OK ||
        !set_cookie(v, text)) {
        fail(v, &err);
        return;
    }
    log_info("profile %s: invitation %lld used from %s", v->profile->name, (long long)invitation,
             v->address);
    http_set_header(v->response, "Location", location);
    http_set_header(v->response, "Cache-Control", "no-store");
}

static void try_code(struct visit *v, const char *typed)
{
    struct http_address from = http_client_address(v->request);
    enum invitation_answer answer;
    struct sks_error err = { 0 };
    int64_t number;

    if (!client_caps_guess(v->issuer->caps, &from)) {
        log_info("profile %s: refused %s: too many wrong codes", v->profile->name, v->address);
        answer_form(v, 429, "too many wrong codes",
                    "There were too many wrong codes. Please wait half a minute.", typed);
        http_set_header(v->response, "Retry-After",
                        arena_printf(v->response->arena, "%d", CAPS_GUESS_SECONDS));
        return;
    }
    if (invitation_redeem(&v->issuer->store, v->profile->name, bytes_of(typed), clock_now(),
                          &answer, &number, &err) != SKS_OK) {
        fail(v, &err);
        return;
    }
    if (answer != INVITATION_UNKNOWN)
        client_caps_right(v->issuer->caps, &from);
    if (answer == INVITATION_TAKEN) {
        go_on(v, number);
        return;
    }
    log_info("profile %s: refused %s: %s (invitation %lld)", v->profile->name, v->address,
             REFUSED[answer].name, (long long)number);
    answer_form(v, 403, REFUSED[answer].name, REFUSED[answer].text, typed);
}

void enroll_post(void *ctx, const struct http_request *request, struct http_response *response)
{
    struct buf value = { 0 };
    char typed[TYPED_MAX + 1] = "";
    bool found = false;
    struct visit v;

    if (!open_visit(&v, ctx, request, response))
        return;
    if (percent_find(http_body(request), "code", true, &value, &found) != SKS_OK || !found ||
        bytes_to_text(buf_bytes(&value), typed, sizeof typed) != SKS_OK ||
        !bytes_is_utf8(bytes_of(typed)))
        answer_form(&v, 400, "bad request", "Please type the code that you were given.", NULL);
    else if (!profile_wants_code(v.profile))
        admission_refuse(request, response, 400, "bad request", "this enrolment wants no code", 0);
    else
        try_code(&v, typed);
    buf_free(&value);
}
