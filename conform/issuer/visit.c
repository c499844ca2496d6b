#include "conform/issuer/visit.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { BUSY_TRIES = 20, BUSY_SECONDS = 5 };

static const char JSON[] = "application/json";

/* ---- HTTP ---- */

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

/* ---- what came ---- */

enum sks_status visit_blame(struct visit *v, const char *message, const char *wanted,
                            const char *format, ...)
{
    char came[FINDING_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(came, sizeof came, format, args);
    va_end(args);
    return check_fail(v->check, message, wanted, "%s", came);
}

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
    enum sks_status rc;

    v->text = arena_copy(&v->check->arena, buf_bytes(&v->exchange.body));
    name = keygen2_qualifier(v->text);
    if (v->at >= AT_FINALIZATION)
        return check_fail(v->check, "answer", "the end of the session", "%s", name);
    for (enum visit_at at = FOLLOWS[v->at].first; at <= FOLLOWS[v->at].last; at++) {
        if (strcmp(TYPES[at]->name, name) != 0)
            continue;
        rc = keygen2_decode(TYPES[at], v->text, place_of(v, at), &v->check->arena, &v->check->err);
        if (rc != SKS_OK)
            return check_fail(v->check, name, "a message as the text has it", "%s",
                              v->check->err.text);
        v->at = at;
        return SKS_OK;
    }
    return check_fail(v->check, "answer", TYPES[FOLLOWS[v->at].first]->name, "%s (out of order)",
                      name);
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

/* The reason that the page gives, where it gives one. */
static const char *cause_of(struct visit *v)
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
                            v->exchange.location, cause_of(v));
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

/* ---- begin ---- */

static enum sks_status take_cookie(struct visit *v)
{
    struct bytes cookie = visit_header(v, "Set-Cookie");
    const uint8_t *end = cookie.len == 0 ? NULL : memchr(cookie.ptr, ';', cookie.len);
    enum sks_status rc;

    if (end != NULL)
        cookie.len = (size_t)(end - cookie.ptr);
    TRY(expect_true(v->check, cookie.len > 0, "?init=true: Set-Cookie", "a cookie", "none"));
    if (bytes_to_text(cookie, v->cookie, sizeof v->cookie) != SKS_OK)
        rc = check_fail(v->check, "?init=true: Set-Cookie", "a cookie", "one over %zu bytes",
                        sizeof v->cookie - 1);
out:
    return rc;
}

enum sks_status visit_begin_at(struct visit *v, struct site *site,
                               const struct site_profile *profile, struct check *check)
{
    const char *url;
    enum sks_status rc;

    *v = (struct visit){ .site = site, .check = check, .profile = profile };
    url = arena_printf(&check->arena, "%s?init=true", profile->issuer_uri);
    REQUIRE(url != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(v, "GET", url, NULL, NULL, bytes_of("")));
    if (v->exchange.status != 200) {
        rc = check_fail(check, "?init=true", "200", "%s", visit_told(v));
        goto out;
    }
    v->leaf = arena_copy(&check->arena, buf_bytes(&v->exchange.leaf));
    TRY(take_cookie(v));
    rc = take(v);
out:
    return rc;
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
    else if (v->at == AT_DONE)
        visit_closed(v);
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

/* ---- what the answers have in common ---- */

enum sks_status visit_keep(struct visit *v, struct buf *data, struct bytes *kept)
{
    enum sks_status rc = data->status;

    if (rc == SKS_OK) {
        *kept = arena_copy(&v->check->arena, buf_bytes(data));
        rc = kept->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
    }
    buf_free(data);
    return sks_explain(&v->check->err, rc);
}

enum sks_status visit_encode(struct visit *v, const struct json_type *type, const void *message)
{
    buf_reset(&v->response);
    return sks_explain(&v->check->err, keygen2_encode(type, message, &v->response));
}

enum sks_status visit_mac(struct visit *v, const char *message, const char *method, struct bytes id,
                          struct buf *data, struct bytes mac)
{
    unsigned counter = v->sk.counter;
    uint8_t wanted[SKS_MAC_SIZE];
    const char *field =
        arena_printf(&v->check->arena, "%s: mac of %s %.*s (counter %u)", message, method,
                     (int)id.len, id.len == 0 ? "" : (const char *)id.ptr, counter);
    enum sks_status rc;

    TRY(sks_explain(&v->check->err, data->status));
    TRY(sks_explain(&v->check->err, session_mac(&v->sk, method, buf_bytes(data), wanted)));
    rc = expect_bytes(v->check, field == NULL ? method : field, bytes_at(wanted, sizeof wanted),
                      mac);
out:
    buf_free(data);
    return rc;
}

enum sks_status visit_attest(struct visit *v, const struct visit_key *key, struct buf *data,
                             struct bytes *attestation)
{
    struct session_key sk = v->sk;
    uint8_t mac[SKS_MAC_SIZE];
    enum sks_status rc;

    if (v->bends.attest != NULL)
        v->bends.attest(v, key, &sk, data);
    TRY(data->status);
    TRY(session_mac(&sk, MAC_DEVICE_ATTESTATION, buf_bytes(data), mac));
    v->sk.counter++;
    *attestation = arena_copy(&v->check->arena, bytes_at(mac, sizeof mac));
    rc = attestation->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(data);
    return sks_explain(&v->check->err, rc);
}

enum sks_status visit_ids(struct visit *v, const char *message, struct bytes server_id,
                          struct bytes client_id)
{
    char field[100];
    enum sks_status rc;

    (void)snprintf(field, sizeof field, "%s: serverSessionId", message);
    TRY(expect_bytes(v->check, field, v->terms.server_session_id, server_id));
    (void)snprintf(field, sizeof field, "%s: clientSessionId", message);
    rc = expect_bytes(v->check, field, v->terms.client_session_id, client_id);
out:
    return rc;
}
