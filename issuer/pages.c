#include "issuer/pages.h"
#include "keygen2/message/keygen2.h"

#include <stdio.h>
#include <string.h>

const char PAGE_HTML[] = "text/html; charset=utf-8";
const char PAGE_JSON[] = "application/json";

static const char START[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
static const char MIDDLE[] =
    "</title>\n<style>"
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;line-height:1.2}"
    "p{overflow-wrap:anywhere}"
    "dt{font-weight:bold}dd{margin:0 0 .75rem;overflow-wrap:anywhere}"
    ".go,button{display:block;box-sizing:border-box;width:100%;padding:.8rem;border:0;"
    "border-radius:.5rem;background:#1a56b0;color:#fff;font:inherit;font-weight:bold;"
    "text-align:center;text-decoration:none}"
    "label{display:block;font-weight:bold}"
    "input{box-sizing:border-box;width:100%;padding:.7rem;margin:.3rem 0 1rem;"
    "font:1.2rem ui-monospace,monospace}"
    ".qr{max-width:22rem;margin:0 auto 1.5rem}.qr svg{display:block;width:100%;height:auto}"
    ".long{overflow-wrap:anywhere;font-size:.85rem}"
    ".trouble{padding:.6rem .8rem;border-left:.3rem solid #c00;background:#c001}"
    "</style>\n</head>\n<body>\n<h1>";
static const char END[] = "</body>\n</html>\n";

void put_page_begin(struct buf *out, const char *title)
{
    put_text(out, START);
    put_text(out, title);
    put_text(out, MIDDLE);
    put_text(out, title);
    put_text(out, "</h1>\n");
}

void put_page_entry(struct buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    put_text(out, "<dt>");
    put_text(out, name);
    put_text(out, "</dt>\n<dd>");
    put_escaped(out, bytes_of(value));
    put_text(out, "</dd>\n");
}

/* To the minute, for people: "2026-11-22 02:43 UTC". */
void put_page_time(struct buf *out, const char *name, int64_t seconds)
{
    char precise[32], text[32];

    keygen2_time_format(seconds, false, precise);
    (void)snprintf(text, sizeof text, "%.10s %.5s UTC", precise, precise + 11);
    put_page_entry(out, name, text);
}

void put_page_end(struct buf *out)
{
    put_text(out, END);
}

void put_paragraph(struct buf *out, struct bytes text)
{
    if (text.len == 0)
        return;
    put_text(out, "<p>");
    put_escaped(out, text);
    put_text(out, "</p>\n");
}

void page_set_headers(struct http_response *response)
{
    http_set_header(response, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
                    " base-uri 'none'; frame-ancestors 'none'");
    http_set_header(response, "X-Content-Type-Options", "nosniff");
    http_set_header(response, "Referrer-Policy", "no-referrer");
    http_set_header(response, "Cache-Control", "no-store");
    http_set_header(response, "Vary", "Accept");
}

static void put_link(struct buf *out, const char *url)
{
    put_text(out, "<a href=\"");
    put_escaped(out, bytes_of(url));
    put_text(out, "\">");
    put_escaped(out, bytes_of(url));
    put_text(out, "</a>");
}

void put_refusal_page(struct buf *out, const char *text)
{
    const char *url = strstr(text, "http"), *end = url == NULL ? text + strlen(text) : url;

    put_page_begin(out, "This does not work");
    put_text(out, "<p>");
    if (*text >= 'a' && *text <= 'z')
        put_byte(out, (uint8_t)(*text++ - 'a' + 'A'));
    put_escaped(out, bytes_at(text, (size_t)(end - text)));
    if (url == NULL)
        put_text(out, ".");
    else
        put_link(out, url);
    put_text(out, "</p>\n");
    put_page_end(out);
}

static const struct {
    const char *title, *text;
} TOLD[] = {
    [VERDICT_OPEN] = { "Enrolment not finished", "The enrolment is still under way." },
    [VERDICT_SUCCEEDED] = { "Enrolment succeeded",
                            "Your new keys are in your device, and their certificates with them." },
    [VERDICT_FAILED] = { "Enrolment failed", "No certificate of this enrolment is valid." },
    [VERDICT_IN_DOUBT] = { "Enrolment in doubt",
                           "Your device did not confirm that it took the certificates. They do not"
                           " count until it does: use the program that you enrolled with once"
                           " more." },
};

void put_session_page(struct buf *out, const struct session *session)
{
    put_page_begin(out, TOLD[session->verdict].title);
    put_text(out, "<p>");
    put_text(out, TOLD[session->verdict].text);
    put_text(out, "</p>\n<dl>\n");
    put_page_entry(out, "Cause", session->cause);
    put_page_entry(out, "Profile", session->profile);
    put_page_entry(out, "Session", session->id);
    put_text(out, "</dl>\n");
    put_page_end(out);
}

/* Takes the document over. */
static void put_json(struct buf *out, json_t *root)
{
    enum sks_status rc = root == NULL ? SKS_ERROR_STORAGE : json_write(root, out);

    if (rc != SKS_OK && out->status == SKS_OK)
        out->status = rc;
    json_decref(root);
}

void put_session_json(struct buf *out, const struct session *session)
{
    put_json(out, json_pack("{s:s, s:s, s:s, s:s}", "serverSessionId", session->id, "profile",
                            session->profile, "verdict",
                            name_of_value(NAMES_VERDICT, (uint8_t)session->verdict), "cause",
                            session->cause));
}

static const char *pending_state(const struct session *session)
{
    bool waits = session->phase == PHASE_PENDING || session->phase == PHASE_UNCONFIRMED;

    return name_of_value(NAMES_PHASE, waits ? PHASE_PENDING : PHASE_APPROVED);
}

void put_pending_page(struct buf *out, const struct session *session)
{
    put_page_begin(out, "Enrolment waits for approval");
    put_text(out, "<p>Your keys are made. Their certificates come once the operator has approved;"
                  " then go on with the program that you began with.</p>\n");
    if (session->phase == PHASE_UNCONFIRMED)
        put_text(out, "<p>Tell the operator the first eight digits of the SHA-256 fingerprint of"
                      " your device's certificate, as the device itself shows them.</p>\n");
    put_text(out, "<dl>\n");
    put_page_entry(out, "State", pending_state(session));
    put_page_time(out, "Until", session->expires);
    put_page_entry(out, "Profile", session->profile);
    put_page_entry(out, "Session", session->id);
    put_text(out, "</dl>\n");
    put_page_end(out);
}

void put_pending_json(struct buf *out, const struct session *session)
{
    char expires[32];

    keygen2_time_format(session->expires, false, expires);
    put_json(out, json_pack("{s:s, s:s, s:s, s:s}", "serverSessionId", session->id, "profile",
                            session->profile, "state", pending_state(session), "expires", expires));
}

static json_t *index_entry(const struct profile *profile, const char *base)
{
    json_t *entry =
        json_pack("{s:s, s:b, s:o}", "name", profile->name, "code",
                  (int)profile_wants_code(profile), "description", json_text(profile->description));

    (void)json_object_set_new(entry, "keygen2", json_sprintf("%s/kg2/%s", base, profile->name));
    (void)json_object_set_new(entry, "enroll", json_sprintf("%s/enroll/%s", base, profile->name));
    return entry;
}

void put_index_json(struct buf *out, const struct profile_list *profiles, const char *base)
{
    json_t *list = json_array();

    for (size_t i = 0; i < profiles->count; i++)
        (void)json_array_append_new(list, index_entry(&profiles->item[i], base));
    put_json(out, json_pack("{s:o}", "profiles", list));
}

void put_index_page(struct buf *out, const struct profile_list *profiles, const char *base)
{
    put_page_begin(out, "SKS issuer");
    put_text(out,
             "<p>Begin at one of these pages, or with a KeyGen2 client at the address below it,"
             " with ?init=true.</p>\n"
             "<dl>\n");
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *profile = &profiles->item[i];

        put_text(out, "<dt><a href=\"/enroll/");
        put_escaped(out, bytes_of(profile->name));
        put_text(out, "\">");
        put_escaped(out, bytes_of(profile->name));
        put_text(out, "</a></dt>\n<dd class=\"long\">");
        put_escaped(out, bytes_of(base));
        put_text(out, "/kg2/");
        put_escaped(out, bytes_of(profile->name));
        put_text(out, "</dd>\n<dd>");
        put_escaped(out, profile->description);
        put_text(out, "</dd>\n");
    }
    put_text(out, "</dl>\n");
    put_page_end(out);
}
