#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"

#include <openssl/crypto.h>
#include <string.h>

static const char JSON[] = "application/json";

/* ---- what came ---- */

/* Messages that may follow, and where they leave the session. */
static const struct json_type *const TYPES[] = {
    [AT_INVOCATION] = &INVOCATION_REQUEST,
    [AT_INITIALIZATION] = &PROVISIONING_INITIALIZATION_REQUEST,
    [AT_DISCOVERY] = &CREDENTIAL_DISCOVERY_REQUEST,
    [AT_CREATION] = &KEY_CREATION_REQUEST,
    [AT_FINALIZATION] = &PROVISIONING_FINALIZATION_REQUEST,
};
static const struct {
    enum visit_at first, last;
} FOLLOWS[] = {
    [AT_NOTHING] = { AT_INVOCATION, AT_INVOCATION },
    [AT_INVOCATION] = { AT_INITIALIZATION, AT_INITIALIZATION },
    [AT_INITIALIZATION] = { AT_DISCOVERY, AT_FINALIZATION },
    [AT_DISCOVERY] = { AT_CREATION, AT_FINALIZATION },
    [AT_CREATION] = { AT_FINALIZATION, AT_FINALIZATION },
};

static void *place_of(struct visit *v, enum visit_at at)
{
    void *const places[] = {
        [AT_INVOCATION] = &v->invocation,     [AT_INITIALIZATION] = &v->initialization,
        [AT_DISCOVERY] = &v->discovery,       [AT_CREATION] = &v->creation,
        [AT_FINALIZATION] = &v->finalization,
    };

    return places[at];
}

/* Behind what was refused before any message can come, and is no good news. */
static enum sks_status take_message(struct visit *v)
{
    const char *name;
    enum visit_at first, last;
    enum sks_status rc;

    v->text = arena_copy(&v->check->arena, buf_bytes(&v->exchange.body));
    name = keygen2_qualifier(v->text);
    if (v->at >= AT_FINALIZATION)
        return check_fail(v->check, "answer", "the end of the session", "%s", name);
    first = v->resumed && v->at == AT_INVOCATION ? AT_FINALIZATION : FOLLOWS[v->at].first;
    last = first > FOLLOWS[v->at].last ? first : FOLLOWS[v->at].last;
    for (enum visit_at at = first; at <= last; at++) {
        if (strcmp(TYPES[at]->name, name) != 0)
            continue;
        rc = keygen2_decode(TYPES[at], v->text, place_of(v, at), &v->check->arena, &v->check->err);
        if (rc != SKS_OK)
            return check_fail(v->check, name, "a message as the text has it", "%s",
                              v->check->err.text);
        v->at = at;
        return SKS_OK;
    }
    return check_fail(v->check, "answer", TYPES[first]->name, "%s (out of order)", name);
}

static enum sks_status take(struct visit *v)
{
    const char *location = v->exchange.location;
    unsigned status = v->exchange.status;

    if (status == 200)
        return take_message(v);
    v->at = AT_OTHER;
    if (status >= 400 && status <= 499)
        v->at = AT_REFUSED;
    if (status == 302 || status == 303 || status == 307)
        v->at = strstr(location, "/done/") != NULL      ? AT_DONE
                : strstr(location, "/failed/") != NULL  ? AT_FAILED
                : strstr(location, "/pending/") != NULL ? AT_PENDING
                                                        : AT_OTHER;
    return SKS_OK;
}

/* ---- begin ---- */

/* @param cookie  of the enrolment page; NULL: the issuer sets one */
static enum sks_status begin(struct visit *v, const char *cookie)
{
    enum sks_status rc;

    if (cookie != NULL)
        REQUIRE(bytes_to_text(bytes_of(cookie), v->cookie, sizeof v->cookie) == SKS_OK,
                &v->check->err, SKS_ERROR_STORAGE, "a cookie over %zu bytes", sizeof v->cookie - 1);
    TRY(visit_get(v, "?init=true"));
    v->begun = clock_monotonic_ms();
    if (v->exchange.status != 200) {
        rc = check_fail(v->check, "?init=true", "200", "%s", visit_told(v));
        goto out;
    }
    v->leaf = arena_copy(&v->check->arena, buf_bytes(&v->exchange.leaf));
    TRY(cookie == NULL ? expect_true(v->check, visit_keep_cookie(v), "?init=true: Set-Cookie",
                                     "a cookie, at most 1023 bytes", "none, or a longer one")
                       : expect_true(v->check, visit_header(v, "Set-Cookie").len == 0,
                                     "?init=true with the cookie of the enrolment page",
                                     "no other cookie", "Set-Cookie"));
    rc = take(v);
out:
    return rc;
}

enum sks_status visit_begin_at(struct visit *v, struct site *site,
                               const struct site_profile *profile, struct check *check)
{
    *v = (struct visit){ .site = site, .check = check, .profile = profile };
    return begin(v, NULL);
}

enum sks_status visit_begin_with(struct visit *v, struct site *site,
                                 const struct site_profile *profile, const char *cookie,
                                 struct check *check)
{
    *v = (struct visit){ .site = site, .check = check, .profile = profile };
    return begin(v, cookie);
}

enum sks_status visit_begin(struct visit *v, struct site *site, struct check *check,
                            uint64_t features)
{
    const struct site_profile *profile = site_find(site, features);
    enum sks_status rc;

    *v = (struct visit){ .site = site, .check = check };
    if (profile == NULL)
        return check_skip(check, "no profile has all of what this needs");
    if ((profile->features & NEEDS(HAS_DISCOVERY)) != 0)
        TRY(site_stock(site, profile, check));
    rc = visit_begin_at(v, site, profile, check);
out:
    return rc;
}

/* ---- answers ---- */

enum sks_status visit_answer(struct visit *v)
{
    static enum sks_status (*const ANSWERS[])(struct visit * v) = {
        [AT_INVOCATION] = visit_invocation,     [AT_INITIALIZATION] = visit_initialization,
        [AT_DISCOVERY] = visit_discovery,       [AT_CREATION] = visit_creation,
        [AT_FINALIZATION] = visit_finalization,
    };

    if (v->at < AT_INVOCATION || v->at > AT_FINALIZATION)
        return check_fail(v->check, "session", "another message", "%s", visit_told(v));
    buf_reset(&v->response);
    return ANSWERS[v->at](v);
}

enum sks_status visit_send(struct visit *v, struct bytes body)
{
    enum sks_status rc;

    TRY(visit_http(v, "POST", v->profile->issuer_uri, JSON, NULL, body));
    rc = take(v);
out:
    return rc;
}

enum sks_status visit_step(struct visit *v)
{
    enum visit_at before = v->at;
    enum sks_status rc;

    TRY(visit_answer(v));
    TRY(visit_send(v, buf_bytes(&v->response)));
    if (v->at >= AT_FAILED)
        rc = check_fail(v->check, TYPES[before]->name, "that its right answer is taken", "%s",
                        visit_told(v));
    else if (v->at == AT_DONE && before != AT_FINALIZATION)
        rc = check_fail(v->check, TYPES[before]->name, "another message", "%s", visit_told(v));
    else if (v->at == AT_PENDING && (before != AT_CREATION || !v->creation.deferred_issuance))
        rc = check_fail(v->check, TYPES[before]->name, "deferredIssuance, where it is deferred",
                        "%s", visit_told(v));
    else if (v->at == AT_DONE)
        visit_closed(v);
out:
    return rc;
}

enum sks_status visit_resume(struct visit *v, struct bytes id)
{
    const char *query = arena_printf(&v->check->arena, "?init=true&resume=%.*s", (int)id.len,
                                     id.len == 0 ? "" : (const char *)id.ptr);
    enum sks_status rc;

    REQUIRE(query != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_get(v, query));
    v->at = AT_NOTHING;
    TRY(take(v));
    v->resumed = true;
    if (v->at == AT_INVOCATION)
        rc = expect_bytes(v->check, "InvocationRequest: serverSessionId of a resumed session",
                          v->terms.server_session_id, v->invocation.server_session_id);
out:
    return rc;
}

enum sks_status visit_until(struct visit *v, enum visit_at at)
{
    enum sks_status rc = SKS_OK;

    while (v->at != at) {
        if (v->at >= AT_PENDING)
            return check_fail(v->check, "session", at == AT_DONE ? "/done" : TYPES[at]->name, "%s",
                              visit_told(v));
        TRY(visit_step(v));
    }
out:
    return rc;
}

enum sks_status visit_finish(struct visit *v)
{
    return visit_until(v, AT_DONE);
}

enum sks_status visit_ready(struct visit *v, struct site *site, struct check *check,
                            uint64_t features, enum visit_at at)
{
    enum sks_status rc;

    TRY(visit_begin(v, site, check, features));
    TRY(visit_until(v, at));
    rc = visit_answer(v);
out:
    return rc;
}

/* ---- refusals ---- */

/* What a session that has failed says to anything. */
static enum sks_status expect_dead(struct visit *v)
{
    struct bytes again = arena_copy(&v->check->arena, buf_bytes(&v->response));
    enum sks_status rc;

    TRY(visit_http(v, "POST", v->profile->issuer_uri, JSON, NULL, again));
    v->at = AT_FINALIZATION; /* no message may come any more */
    TRY(take(v));
    rc = expect_true(v->check, v->at == AT_FAILED || v->at == AT_REFUSED,
                     "another answer behind the refusal", "302 to /failed, or 4xx", visit_told(v));
    v->at = AT_FAILED;
out:
    return rc;
}

enum sks_status visit_refused(struct visit *v)
{
    bool is_failed = v->at == AT_FAILED;
    enum sks_status rc;

    TRY(expect_true(v->check, is_failed || v->at == AT_REFUSED, "answer", "302 to /failed, or 4xx",
                    visit_told(v)));
    if (is_failed && v->response.len > 0)
        rc = expect_dead(v);
out:
    return rc;
}

enum sks_status visit_answer_refused(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_answer(v));
    TRY(visit_send(v, buf_bytes(&v->response)));
    rc = visit_refused(v);
out:
    return rc;
}

enum sks_status visit_untouched(struct visit *v, unsigned status)
{
    enum sks_status rc;

    if (v->exchange.status != status)
        return check_fail(v->check, "status", arena_printf(&v->check->arena, "%u", status), "%s",
                          visit_told(v));
    v->site->lost = false;
    TRY(visit_send(v, buf_bytes(&v->response)));
    TRY(expect_true(v->check, v->at < AT_FAILED, "the right answer behind the refusal",
                    "that the session is untouched", visit_told(v)));
    rc = v->at == AT_DONE ? SKS_OK : visit_finish(v);
out:
    return rc;
}

/* ---- end ---- */

void visit_free(struct visit *v)
{
    char *url;

    if (v->check != NULL && v->cookie[0] != '\0' &&
        ((v->at > AT_NOTHING && v->at <= AT_PENDING) || v->at == AT_REFUSED)) {
        url = arena_printf(&v->check->arena, "%s?abort=true", v->profile->issuer_uri);
        http_client_set_cookie(v->site->http, v->cookie);
        if (url != NULL && !v->site->lost)
            (void)!http_client_exchange(v->site->http, "GET", url, NULL, NULL, bytes_of(""),
                                        &v->exchange, NULL);
    }
    OPENSSL_cleanse(&v->sk, sizeof v->sk);
    http_exchange_free(&v->exchange);
    buf_free(&v->response);
}
