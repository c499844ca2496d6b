#include "proxy/issuer_link.h"

#include "keygen2/base/json.h"
#include "keygen2/base/log.h"
#include "keygen2/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char JSON[] = "application/json", PLAIN[] = "text/plain";

struct issuer_link {
    struct issuer_transport transport;
    char url[SKS_URI_MAX + 1];
    size_t origin; /* length of "http(s)://HOST:PORT" in it */
    bool started, blind;
    struct buf certificate;
};

/* ---- opening ---- */

/* The issuerUri is bound into the session, so it is taken as it is or not at all. */
static bool set_url(struct issuer_link *link, const char *url)
{
    size_t len = strlen(url), scheme = strncmp(url, "https://", 8) == 0 ? 8 : 7;

    if (len > SKS_URI_MAX || (scheme == 7 && strncmp(url, "http://", 7) != 0))
        return false;
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~' || strchr("?#\"<>\\^`{|}", url[i]) != NULL)
            return false;
    link->origin = scheme + strcspn(url + scheme, "/");
    if (link->origin == scheme || memchr(url, '@', link->origin) != NULL)
        return false;
    memcpy(link->url, url, len + 1);
    return true;
}

enum sks_status issuer_link_open_over(const char *url, const struct issuer_transport *transport,
                                      struct issuer_link **link, struct sks_error *err)
{
    struct issuer_link *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *link = NULL;
    if (made == NULL) {
        if (transport->close != NULL)
            transport->close(transport->ctx);
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for an issuer link");
    }
    made->transport = *transport;
    REQUIRE(set_url(made, url), err, SKS_ERROR_OPTION,
            "'%.200s' is no issuer's URL: http(s)://HOST[:PORT]/PATH without query, up to %d "
            "characters",
            url, (int)SKS_URI_MAX);
    *link = made;
    made = NULL;
out:
    issuer_link_close(made);
    return rc;
}

static enum sks_status http_exchange_over(void *ctx, const char *method, const char *url,
                                          const char *content_type, const char *accept,
                                          struct bytes body, struct http_exchange *exchange,
                                          struct sks_error *err)
{
    return http_client_exchange(ctx, method, url, content_type, accept, body, exchange, err);
}

static enum sks_status http_cookies(void *ctx, struct buf *lines)
{
    return http_client_cookies(ctx, lines);
}

static enum sks_status http_add_cookies(void *ctx, struct bytes lines)
{
    return http_client_add_cookies(ctx, lines);
}

static void http_set_timeout(void *ctx, unsigned seconds)
{
    http_client_set_timeout(ctx, seconds);
}

static void http_close(void *ctx)
{
    http_client_free(ctx);
}

enum sks_status issuer_link_open(const char *url, const struct issuer_link_config *config,
                                 struct issuer_link **link, struct sks_error *err)
{
    struct issuer_transport transport = {
        NULL, http_exchange_over, http_cookies, http_add_cookies, http_set_timeout, http_close
    };
    struct http_client_config client = { .ca_file = config->ca_file,
                                         .insecure = config->insecure,
                                         .timeout = config->timeout,
                                         .stop = config->stop };
    struct http_client *made;
    enum sks_status rc = http_client_new(&client, &made, err);

    *link = NULL;
    if (rc != SKS_OK)
        return rc;
    transport.ctx = made;
    return issuer_link_open_over(url, &transport, link, err);
}

void issuer_link_close(struct issuer_link *link)
{
    if (link == NULL)
        return;
    if (link->transport.close != NULL)
        link->transport.close(link->transport.ctx);
    buf_free(&link->certificate);
    free(link);
}

const char *issuer_link_url(const struct issuer_link *link)
{
    return link->url;
}

struct bytes issuer_link_certificate(const struct issuer_link *link)
{
    return buf_bytes(&link->certificate);
}

void issuer_link_set_timeout(struct issuer_link *link, unsigned seconds)
{
    if (link->transport.set_timeout != NULL)
        link->transport.set_timeout(link->transport.ctx, seconds);
}

void issuer_link_set_blind(struct issuer_link *link, bool blind)
{
    link->blind = blind;
}

enum sks_status issuer_link_cookies(const struct issuer_link *link, struct buf *lines)
{
    return link->transport.cookies == NULL ? SKS_OK
                                           : link->transport.cookies(link->transport.ctx, lines);
}

enum sks_status issuer_link_add_cookies(const struct issuer_link *link, struct bytes lines)
{
    return link->transport.add_cookies == NULL
               ? SKS_OK
               : link->transport.add_cookies(link->transport.ctx, lines);
}

enum sks_status issuer_link_add_cookie(const struct issuer_link *link, const char *cookie,
                                       struct sks_error *err)
{
    const char *equals = strchr(cookie, '='), *host = strstr(link->url, "://") + 3;
    int host_len = (int)strcspn(host, ":/");
    char line[8192];
    enum sks_status rc = SKS_OK;

    for (const char *c = cookie; *c != '\0'; c++)
        equals = *c <= ' ' || *c > '~' || *c == ';' ? NULL : equals;
    REQUIRE(equals != NULL && equals > cookie && strlen(cookie) < 4096, err, SKS_ERROR_OPTION,
            "--cookie takes NAME=VALUE");
    if (host[0] == '[')
        host_len = (int)strcspn(host, "]") + 1;
    (void)snprintf(line, sizeof line, "%.*s\tFALSE\t/\t%s\t0\t%.*s\t%s", host_len, host,
                   strncmp(link->url, "https", 5) == 0 ? "TRUE" : "FALSE", (int)(equals - cookie),
                   cookie, equals + 1);
    TRY(sks_explain(err, issuer_link_add_cookies(link, bytes_of(line))));
out:
    return rc;
}

void issuer_reply_free(struct issuer_reply *reply)
{
    buf_free(&reply->message);
    *reply = (struct issuer_reply){ 0 };
}

/* ---- exchanges ---- */

/* rig: the serverCertificate is the leaf of the init GET; later connections must show the same. */
static enum sks_status check_certificate(struct issuer_link *link, struct bytes leaf,
                                         struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (!link->started) {
        put_raw(&link->certificate, leaf);
        link->started = true;
    }
    TRY(sks_explain(err, link->certificate.status));
    REQUIRE(link->blind || bytes_equal(buf_bytes(&link->certificate), leaf), err,
            SKS_ERROR_NOT_ALLOWED, "the server shows another TLS certificate than at the start");
out:
    return rc;
}

/* Takes the first line of what the issuer says to people. */
static void set_text(struct issuer_reply *reply, struct bytes text)
{
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

    (void)snprintf(reply->text, sizeof reply->text, "%.*s", (int)len, (const char *)text.ptr);
    log_clean(reply->text);
}

/* Makes a Location absolute; one that leaves the issuer's server leads nowhere we would go. */
static bool set_location(const struct issuer_link *link, const char *location,
                         struct issuer_reply *reply)
{
    int used;

    if (location[0] == '/' && location[1] != '/')
        used = snprintf(reply->location, sizeof reply->location, "%.*s%s", (int)link->origin,
                        link->url, location);
    else if (strncmp(location, link->url, link->origin) == 0 && location[link->origin] == '/')
        used = snprintf(reply->location, sizeof reply->location, "%s", location);
    else
        return false;
    return used > 0 && (size_t)used < sizeof reply->location;
}

static enum reply_kind redirect_kind(const struct issuer_link *link, const char *location,
                                     struct issuer_reply *reply)
{
    if (!set_location(link, location, reply)) {
        reply->location[0] = '\0';
        set_text(reply, bytes_of(location));
        return REPLY_AWAY;
    }
    if (strncmp(reply->location + link->origin, "/done/", 6) == 0)
        return REPLY_DONE;
    if (strncmp(reply->location + link->origin, "/pending/", 9) == 0)
        return REPLY_PENDING;
    return strncmp(reply->location + link->origin, "/failed/", 8) == 0 ? REPLY_FAILED : REPLY_AWAY;
}

static enum sks_status read_reply(const struct issuer_link *link,
                                  const struct http_exchange *exchange, struct issuer_reply *reply,
                                  struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    reply->status = exchange->status;
    if (exchange->status == 302) {
        reply->kind = redirect_kind(link, exchange->location, reply);
    } else if (exchange->status >= 400 && exchange->status < 500) {
        reply->kind = REPLY_REJECTED;
        if (strncmp(exchange->content_type, PLAIN, sizeof PLAIN - 1) == 0)
            set_text(reply, buf_bytes(&exchange->body));
    } else if (exchange->status == 200) {
        REQUIRE(link->blind || strcmp(exchange->content_type, JSON) == 0, err, SKS_ERROR_OPTION,
                "the issuer answered with content type \"%s\"", exchange->content_type);
        put_raw(&reply->message, buf_bytes(&exchange->body));
        TRY(sks_explain(err, reply->message.status));
        reply->kind = REPLY_MESSAGE;
    }
out:
    return rc;
}

enum sks_status issuer_link_exchange(struct issuer_link *link, const char *query,
                                     struct bytes message, struct issuer_reply *reply,
                                     struct sks_error *err)
{
    struct http_exchange exchange = { 0 };
    char url[SKS_URI_MAX + 210];
    enum sks_status rc;

    issuer_reply_free(reply);
    (void)snprintf(url, sizeof url, "%s%s%s", link->url, query == NULL ? "" : "?",
                   query == NULL ? "" : query);
    rc = link->transport.exchange(link->transport.ctx, query == NULL ? "POST" : "GET", url,
                                  query == NULL ? JSON : NULL, NULL, message, &exchange, err);
    if (exchange.too_large)
        rc = sks_fail(err, SKS_ERROR_OPTION, "%s: the answer is too large", url);
    TRY(rc);
    TRY(check_certificate(link, buf_bytes(&exchange.leaf), err));
    rc = read_reply(link, &exchange, reply, err);
out:
    http_exchange_free(&exchange);
    return rc;
}

static struct bytes member_text(const json_t *page, const char *name, struct arena *arena)
{
    const json_t *value = json_object_get(page, name);

    return json_is_string(value)
               ? arena_copy(arena, bytes_at(json_string_value(value), json_string_length(value)))
               : bytes_of("");
}

enum sks_status issuer_link_verdict(struct issuer_link *link, const char *location,
                                    struct bytes session_id, struct issuer_verdict *verdict,
                                    struct arena *arena, struct sks_error *err)
{
    struct http_exchange exchange = { 0 };
    json_t *page = NULL;
    enum sks_status rc;

    *verdict = (struct issuer_verdict){ bytes_of(""), bytes_of(""), 0 };
    REQUIRE(location[0] != '\0', err, SKS_ERROR_EXTERNAL, "the issuer names no page of its own");
    TRY(link->transport.exchange(link->transport.ctx, "GET", location, NULL, JSON,
                                 (struct bytes){ 0 }, &exchange, err));
    TRY(check_certificate(link, buf_bytes(&exchange.leaf), err));
    REQUIRE(exchange.status == 200 && json_parse(buf_bytes(&exchange.body), &page, NULL) == SKS_OK,
            err, SKS_ERROR_EXTERNAL, "the issuer's page about the session cannot be read");
    verdict->size = exchange.body.len;
    verdict->verdict = member_text(page, "verdict", arena);
    verdict->cause = member_text(page, "cause", arena);
    REQUIRE(verdict->verdict.len > 0 &&
                (session_id.len == 0 ||
                 bytes_equal(member_text(page, "serverSessionId", arena), session_id)),
            err, SKS_ERROR_EXTERNAL, "the issuer's page is not about this session");
out:
    json_decref(page);
    http_exchange_free(&exchange);
    return rc;
}
