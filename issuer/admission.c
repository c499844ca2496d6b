#include "issuer/admission.h"
#include "issuer/pages.h"
#include "issuer/phase_internal.h"
#include "issuer/ticket.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <stdatomic.h>
#include <string.h>

enum { RETRY_FULL = 30 /* seconds */ };

const char ADMISSION_COOKIE[] = "sks-session";

void admission_set_cause(struct http_response *response, const char *name, const char *text)
{
    const char *cause = arena_printf(response->arena, "%s: %s", name, text);

    response->cause = cause == NULL ? name : cause;
}

void admission_refuse(const struct http_request *request, struct http_response *response,
                      unsigned status, const char *name, const char *text, unsigned retry_after)
{
    const char *accept = http_header(request, "Accept");
    const char *seconds = arena_printf(response->arena, "%u", retry_after);

    admission_set_cause(response, name, text);
    http_answer(response, status, "text/plain; charset=utf-8", (struct bytes){ 0 });
    if (accept != NULL && strstr(accept, "text/html") != NULL) {
        response->content_type = PAGE_HTML;
        put_refusal_page(&response->body, text);
        page_set_headers(response);
    } else {
        put_text(&response->body, text);
        put_text(&response->body, "\n");
    }
    if (retry_after > 0 && seconds != NULL)
        http_set_header(response, "Retry-After", seconds);
}

bool admission_stops(struct issuer *issuer, const struct http_request *request,
                     struct http_response *response)
{
    if (!atomic_load(&issuer->stopping))
        return false;
    admission_refuse(request, response, 503, "stopping",
                     "the issuer stops: it begins no session any more", HTTP_RETRY_SECONDS);
    http_set_header(response, "Connection", "close");
    return true;
}

/* ---- requests ---- */

/* Who floods us must not flood the log. */
static void tell_flood(const struct http_address *from)
{
    static _Atomic int64_t told;
    int64_t now = clock_now();
    char text[CAPS_ADDRESS_TEXT];

    if (atomic_exchange(&told, now) == now)
        return;
    http_address_text(from, text);
    log_info("refused: too many requests from %s (at most one such line a second)", text);
}

bool admission_request(void *ctx, const struct http_request *request,
                       struct http_response *response)
{
    struct issuer *issuer = ctx;
    struct http_address from = http_client_address(request);

    if (client_caps_request(issuer->caps, &from))
        return true;
    tell_flood(&from);
    admission_refuse(request, response, 429, "too many requests",
                     "too many requests from your address, wait a moment", 1);
    return false;
}

/* ---- sessions ---- */

/* Why somebody may not begin: the name of the refusal, and the words for it. */
struct objection {
    const char *name, *text;
    unsigned status;
};

static const struct objection FULL[] = {
    [CAPS_FULL] = { "too many sessions",
                    "the issuer has as many open sessions as it takes, try again later", 503 },
    [CAPS_ADDRESS_FULL] = { "too many sessions of one address",
                            "your address has too many open sessions: finish or abort them first",
                            429 },
};
static const struct objection
    LINK_EXPIRED = { "link expired", "this link has run out: begin again at", 403 },
    NO_CODE = { "no code", "this enrolment wants a code: begin at", 403 },
    LINK_USED = { "link used", "this link has begun a session already: for another begin at", 409 },
    WITHDRAWN = { "invitation withdrawn",
                  "the invitation was withdrawn: ask for another, and begin at", 403 };
static const char TROUBLE[] = "the issuer has a problem of its own, try again";

static void tell_refused(const struct http_request *request, const struct profile *profile,
                         const char *text)
{
    struct http_address from = http_client_address(request);
    char address[CAPS_ADDRESS_TEXT];

    http_address_text(&from, address);
    log_info("profile %s: refused %s: %s", profile->name, address, text);
}

static bool take_place(struct issuer *issuer, const struct http_request *request,
                       const struct profile *profile, struct bytes cookie_hash,
                       struct http_response *response)
{
    struct http_address from = http_client_address(request);
    enum caps_answer answer = client_caps_open(issuer->caps, &from, cookie_hash,
                                               clock_now() + profile->session_life_time);

    if (answer == CAPS_GRANTED)
        return true;
    tell_refused(request, profile, FULL[answer].text);
    admission_refuse(request, response, FULL[answer].status, FULL[answer].name, FULL[answer].text,
                     RETRY_FULL);
    return false;
}

/* What stands against a session with that cookie; NULL: nothing. */
static const struct objection *find_objection(const struct profile *profile, bool is_ticket,
                                              const struct ticket *ticket)
{
    if (is_ticket && ticket->expires < clock_now())
        return &LINK_EXPIRED;
    if (profile_wants_code(profile) && (!is_ticket || ticket->invitation == 0))
        return &NO_CODE;
    return NULL;
}

static bool refuse_visitor(const struct http_request *request, const struct profile *profile,
                           const char *issuer_uri, const struct objection *objection,
                           struct http_response *response)
{
    int base = (int)(strlen(issuer_uri) - strlen("/kg2/") - strlen(profile->name));
    const char *whole = arena_printf(response->arena, "%s %.*s/enroll/%s", objection->text, base,
                                     issuer_uri, profile->name);

    tell_refused(request, profile, objection->text);
    admission_refuse(request, response, objection->status, objection->name,
                     whole == NULL ? objection->text : whole, 0);
    return false;
}

static struct bytes server_certificate(const struct issuer *issuer,
                                       const struct http_request *request, const char *issuer_uri)
{
    return strncmp(issuer_uri, "https:", 6) == 0
               ? tls_seen(&issuer->tls, http_shown_certificate(request))
               : (struct bytes){ 0 };
}

bool admission_begin(struct issuer *issuer, const struct http_request *request,
                     const struct profile *profile, const char *issuer_uri,
                     struct http_response *response, char cookie[COOKIE_LENGTH + 1],
                     struct outcome *outcome)
{
    struct arrival arrival = {
        .cookie = http_cookie(request, ADMISSION_COOKIE),
        .issuer_uri = issuer_uri,
        .tls = http_is_tls(request),
        .server_certificate = server_certificate(issuer, request, issuer_uri),
    };
    struct ticket ticket = { 0 };
    bool is_ticket = ticket_read(issuer->store.seal_key, profile->name, arrival.cookie, &ticket);
    const struct objection *objection = find_objection(profile, is_ticket, &ticket);
    struct bytes hash;

    cookie[0] = '\0';
    if (admission_stops(issuer, request, response))
        return false;
    if (is_ticket && phase_begin_again(issuer, &arrival, response->arena, outcome))
        return outcome->kind != OUTCOME_OVER ||
               refuse_visitor(request, profile, issuer_uri, &LINK_USED, response);
    if (objection != NULL)
        return refuse_visitor(request, profile, issuer_uri, objection, response);
    if (!is_ticket) {
        arrival.cookie = random_id(cookie, COOKIE_LENGTH) == SKS_OK ? cookie : NULL;
        ticket.invitation = 0;
    }
    hash = phase_hash(response->arena, bytes_of(arrival.cookie));
    if (arrival.cookie == NULL || hash.ptr == NULL) {
        admission_refuse(request, response, 503, "issuer trouble", TROUBLE, 0);
        return false;
    }
    if (!take_place(issuer, request, profile, hash, response))
        return false;
    phase_begin_with(issuer, profile, &arrival, ticket.invitation, response->arena, outcome);
    if (outcome->kind == OUTCOME_OVER &&
        phase_begin_again(issuer, &arrival, response->arena, outcome))
        return true; /* another request with the same ticket was faster */
    if (outcome->kind == OUTCOME_ANSWER)
        return true;
    client_caps_close(issuer->caps, hash);
    return outcome->kind != OUTCOME_OVER ||
           refuse_visitor(request, profile, issuer_uri, &WITHDRAWN, response);
}

void admission_end(struct issuer *issuer, const struct session *session)
{
    if (session->verdict != VERDICT_OPEN)
        client_caps_close(issuer->caps, session->cookie_hash);
}

static void count_open(void *ctx, struct bytes cookie_hash, int64_t expires)
{
    (void)client_caps_open(ctx, NULL, cookie_hash, expires);
}

enum sks_status admission_load(struct issuer *issuer, struct sks_error *err)
{
    return session_store_each_open(&issuer->store, count_open, issuer->caps, err);
}
