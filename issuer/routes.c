#include "issuer/routes.h"
#include "issuer/admission.h"
#include "issuer/enroll_page.h"
#include "issuer/metrics.h"
#include "issuer/pages.h"
#include "issuer/phase.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <string.h>

static const char KEYGEN2_TYPE[] = "application/json"; /* exactly so: clients compare the text */
static const char TEXT_TYPE[] = "text/plain; charset=utf-8";

static const char *base_of(const struct issuer *issuer, const struct http_request *request)
{
    return issuer->public_url != NULL ? issuer->public_url : http_listener_url(request);
}

static void answer_text(struct http_response *response, unsigned status, const char *text)
{
    http_answer(response, status, TEXT_TYPE, bytes_of(text));
    put_text(&response->body, "\n");
    response->cause = text;
}

static const char LIFE_OVER[] = "life time over";

/* Why an outcome is none that the client wants; NULL: it is one. */
static const char *cause_of(const struct outcome *outcome, struct arena *arena)
{
    const char *cause = outcome->session.cause;

    if (outcome->kind != OUTCOME_FAILED)
        return NULL;
    if (!outcome->over || strncmp(cause, LIFE_OVER, sizeof LIFE_OVER - 1) == 0)
        return cause;
    cause = arena_printf(arena, "session over: %s", cause);
    return cause == NULL ? "session over" : cause;
}

static void answer_keygen2(struct http_response *response, struct bytes message)
{
    http_answer(response, 200, KEYGEN2_TYPE, message);
    http_set_header(response, "Cache-Control", "no-store");
}

static void redirect(struct http_response *response, const char *base, const char *page,
                     const char *id)
{
    const char *location = arena_printf(response->arena, "%s/%s/%s", base, page, id);

    if (location == NULL) {
        answer_text(response, 503, "no memory");
        return;
    }
    http_answer(response, 302, NULL, (struct bytes){ 0 });
    http_set_header(response, "Location", location);
    http_set_header(response, "Cache-Control", "no-store");
}

static void answer_outcome(struct issuer *issuer, const struct http_request *request,
                           struct http_response *response, const struct outcome *outcome)
{
    const char *base = base_of(issuer, request);

    response->subject = outcome->session.id;
    response->cause = cause_of(outcome, response->arena);
    if (outcome->kind != OUTCOME_NO_SESSION && outcome->kind != OUTCOME_TROUBLE)
        admission_end(issuer, &outcome->session);
    switch (outcome->kind) {
    case OUTCOME_ANSWER:
        answer_keygen2(response, outcome->answer);
        break;
    case OUTCOME_DONE:
        redirect(response, base, "done", outcome->session.id);
        break;
    case OUTCOME_FAILED:
        redirect(response, base, "failed", outcome->session.id);
        break;
    case OUTCOME_PENDING:
        redirect(response, base, "pending", outcome->session.id);
        break;
    case OUTCOME_OVER:
        answer_text(response, 409, "this session is over");
        break;
    case OUTCOME_NO_SESSION:
        answer_text(response, 403, "no cookie, or one of no session");
        break;
    case OUTCOME_TROUBLE:
        answer_text(response, 503, "the issuer has a problem of its own, try again");
        break;
    }
}

/* The URL that clients use for a profile; its bytes are part of what the device signs. */
static const char *issuer_uri_of(const struct issuer *issuer, const struct http_request *request,
                                 struct arena *arena)
{
    const struct profile *profile = profile_find(&issuer->profiles, http_path_rest(request));

    return profile == NULL
               ? NULL
               : arena_printf(arena, "%s/kg2/%s", base_of(issuer, request), profile->name);
}

static void begin(struct issuer *issuer, const struct http_request *request, const char *issuer_uri,
                  struct http_response *response)
{
    const struct profile *profile = profile_find(&issuer->profiles, http_path_rest(request));
    const char *secure = strncmp(issuer_uri, "https:", 6) == 0 ? "; Secure" : "";
    char cookie[COOKIE_LENGTH + 1];
    int64_t began = clock_monotonic_us();
    struct outcome outcome;
    const char *header;

    if (!admission_begin(issuer, request, profile, issuer_uri, response, cookie, &outcome))
        return;
    if (outcome.kind == OUTCOME_ANSWER)
        metrics_message(issuer->metrics, "init", clock_monotonic_us() - began);
    answer_outcome(issuer, request, response, &outcome);
    if (outcome.kind != OUTCOME_ANSWER || cookie[0] == '\0')
        return;
    header = arena_printf(response->arena, "%s=%s; HttpOnly; SameSite=Lax; Path=/kg2%s",
                          ADMISSION_COOKIE, cookie, secure);
    if (header == NULL)
        answer_text(response, 503, "no memory");
    else
        http_set_header(response, "Set-Cookie", header);
}

static bool is_true(const char *value)
{
    return value != NULL && strcmp(value, "true") == 0;
}

static void resume(struct issuer *issuer, const struct http_request *request,
                   const char *issuer_uri, struct http_response *response)
{
    const struct arrival arrival = {
        .cookie = http_cookie(request, ADMISSION_COOKIE),
        .issuer_uri = issuer_uri,
        .tls = http_is_tls(request),
    };
    int64_t began = clock_monotonic_us();
    struct outcome outcome;

    phase_resume(issuer, &arrival, http_query(request, "resume"), response->arena, &outcome);
    if (outcome.kind == OUTCOME_ANSWER)
        metrics_message(issuer->metrics, "resume", clock_monotonic_us() - began);
    answer_outcome(issuer, request, response, &outcome);
}

static void get_keygen2(void *ctx, const struct http_request *request,
                        struct http_response *response)
{
    struct issuer *issuer = ctx;
    const char *issuer_uri = issuer_uri_of(issuer, request, response->arena);
    struct outcome outcome;

    if (issuer_uri == NULL) {
        answer_text(response, 404, "no such profile");
    } else if (is_true(http_query(request, "init")) && http_query(request, "resume") != NULL) {
        resume(issuer, request, issuer_uri, response);
    } else if (is_true(http_query(request, "init"))) {
        begin(issuer, request, issuer_uri, response);
    } else if (is_true(http_query(request, "abort"))) {
        phase_abort(issuer, http_cookie(request, ADMISSION_COOKIE), response->arena, &outcome);
        answer_outcome(issuer, request, response, &outcome);
    } else {
        answer_text(response, 400, "?init=true begins a session, ?abort=true gives it up");
    }
}

static void post_keygen2(void *ctx, const struct http_request *request,
                         struct http_response *response)
{
    struct issuer *issuer = ctx;
    struct arrival arrival = {
        .cookie = http_cookie(request, ADMISSION_COOKIE),
        .issuer_uri = issuer_uri_of(issuer, request, response->arena),
        .tls = http_is_tls(request),
        .body = http_body(request),
    };
    int64_t began = clock_monotonic_us();
    struct outcome outcome;

    if (arrival.issuer_uri == NULL) {
        answer_text(response, 404, "no such profile");
        return;
    }
    phase_message(issuer, &arrival, response->arena, &outcome);
    metrics_message(issuer->metrics, outcome.message, clock_monotonic_us() - began);
    answer_outcome(issuer, request, response, &outcome);
}

/* FNV-1a: it only keeps the messages of one session apart in time. */
static uint64_t subject_of(const char *cookie)
{
    uint64_t hash = 14695981039346656037U;

    for (; cookie != NULL && *cookie != '\0'; cookie++)
        hash = (hash ^ (uint8_t)*cookie) * 1099511628211U;
    return cookie == NULL || hash == 0 ? 1 : hash;
}

/* RSA keys are made and used, and external CAs waited for, by a worker. A message that is repeated
 * while such a CA thinks must not ask it again. */
static bool is_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    const struct issuer *issuer = ctx;
    const struct profile *profile = profile_find(&issuer->profiles, http_path_rest(request));
    bool external =
        profile != NULL && (profile->external_ca.len > 0 || issuer->external_ca.command != NULL);

    if (external)
        *subject = subject_of(http_cookie(request, ADMISSION_COOKIE));
    return profile != NULL && (profile->slow || external);
}

/* ---- certificates ---- */

static void get_crl(void *ctx, const struct http_request *request, struct http_response *response)
{
    struct issuer *issuer = ctx;
    struct sks_error err = { 0 };

    (void)request;
    http_answer(response, 200, "application/pkix-crl", (struct bytes){ 0 });
    if (crl_current(&issuer->crl, &issuer->ca, &issuer->store, &response->body, &err) == SKS_OK) {
        http_set_header(response, "Cache-Control", "no-cache");
        return;
    }
    log_error("%s", err.text);
    buf_reset(&response->body);
    answer_text(response, 503, "the issuer has a problem of its own, try again");
}

/* A new one is made by a worker. */
static bool is_crl_slow(void *ctx, const struct http_request *request, uint64_t *subject)
{
    struct issuer *issuer = ctx;

    (void)request, (void)subject;
    return crl_is_stale(&issuer->crl, &issuer->store);
}

/* ---- pages ---- */

static bool wants_json(const struct http_request *request)
{
    const char *accept = http_header(request, "Accept");

    return accept != NULL && strstr(accept, PAGE_JSON) != NULL;
}

/* One that is not there, or has not that verdict: nobody is to learn which. */
static void refuse_page(const struct http_request *request, struct http_response *response)
{
    admission_refuse(request, response, 404, "no such session", "there is no such session here", 0);
}

static bool find_session(struct issuer *issuer, const struct http_request *request,
                         struct http_response *response, struct session *session)
{
    struct sks_error err = { 0 };
    bool found = false;

    if (session_store_expire(&issuer->store, clock_now(), &err) == SKS_OK &&
        session_store_find_by_id(&issuer->store, http_path_rest(request), response->arena, session,
                                 &found, &err) == SKS_OK) {
        if (!found)
            refuse_page(request, response);
        else
            response->subject = session->id;
        return found;
    }
    answer_text(response, 503, "the issuer has a problem of its own, try again");
    return false;
}

/* Each page stands for its verdicts only: /done of a failed session does not exist. */
static void answer_session(struct issuer *issuer, const struct http_request *request, bool success,
                           struct http_response *response)
{
    struct session session;

    if (!find_session(issuer, request, response, &session))
        return;
    if (session.verdict == VERDICT_OPEN || success != (session.verdict == VERDICT_SUCCEEDED)) {
        refuse_page(request, response);
        return;
    }
    http_answer(response, 200, wants_json(request) ? PAGE_JSON : PAGE_HTML, (struct bytes){ 0 });
    if (wants_json(request))
        put_session_json(&response->body, &session);
    else
        put_session_page(&response->body, &session);
    page_set_headers(response);
}

static void get_done(void *ctx, const struct http_request *request, struct http_response *response)
{
    answer_session(ctx, request, true, response);
}

static void get_failed(void *ctx, const struct http_request *request,
                       struct http_response *response)
{
    answer_session(ctx, request, false, response);
}

/* Who waits here learns the end as well. */
static void get_pending(void *ctx, const struct http_request *request,
                        struct http_response *response)
{
    struct outcome outcome = { 0 };
    struct session *session = &outcome.session;

    if (!find_session(ctx, request, response, session))
        return;
    if (session->verdict != VERDICT_OPEN) {
        outcome.kind = session->verdict == VERDICT_SUCCEEDED ? OUTCOME_DONE : OUTCOME_FAILED;
        answer_outcome(ctx, request, response, &outcome);
        return;
    }
    if (session->phase != PHASE_PENDING && session->phase != PHASE_APPROVED &&
        session->phase != PHASE_RESUMED && session->phase != PHASE_UNCONFIRMED) {
        refuse_page(request, response);
        return;
    }
    http_answer(response, 200, wants_json(request) ? PAGE_JSON : PAGE_HTML, (struct bytes){ 0 });
    if (wants_json(request))
        put_pending_json(&response->body, session);
    else
        put_pending_page(&response->body, session);
    page_set_headers(response);
    if (!wants_json(
            request)) /* the page without scripts sees for itself when the operator decided */
        http_set_header(response, "Refresh", "30");
}

static void get_index(void *ctx, const struct http_request *request, struct http_response *response)
{
    const struct issuer *issuer = ctx;

    http_answer(response, 200, wants_json(request) ? PAGE_JSON : PAGE_HTML, (struct bytes){ 0 });
    if (wants_json(request))
        put_index_json(&response->body, &issuer->profiles, base_of(issuer, request));
    else
        put_index_page(&response->body, &issuer->profiles, base_of(issuer, request));
    page_set_headers(response);
}

const struct http_route ISSUER_ROUTES[] = {
    { "GET", "/kg2/", NULL, get_keygen2, NULL },
    { "POST", "/kg2/", KEYGEN2_TYPE, post_keygen2, is_slow },
    { "GET", "/enroll/", NULL, enroll_get, NULL },
    { "POST", "/enroll/", ENROLL_FORM_TYPE, enroll_post, NULL },
    { "GET", "/crl", NULL, get_crl, is_crl_slow },
    { "GET", "/done/", NULL, get_done, NULL },
    { "GET", "/failed/", NULL, get_failed, NULL },
    { "GET", "/pending/", NULL, get_pending, NULL },
    { "GET", "/", NULL, get_index, NULL },
};
const size_t ISSUER_ROUTES_COUNT = NITEMS(ISSUER_ROUTES);
