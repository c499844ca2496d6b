#include "keygen2/message/issuer_probe.h"
#include "keygen2/base/http_client.h"
#include "keygen2/base/json.h"
#include "keygen2/message/keygen2.h"

#include <stdio.h>
#include <string.h>

enum { URL_MAX = 2048, SHOWN_MAX = 120, BODY_MAX = 1024 * 1024 };

static const char KEYGEN2[] = "/kg2/", JSON[] = "application/json";

struct probing {
    struct health *health;
    struct http_client *client;
    struct http_exchange exchange; /* the last one */
    char url[URL_MAX];             /* of the profile, or of the issuer while none is chosen */
    char profile[URL_MAX];
};

/* What an issuer says to a request that it does not take. */
static enum sks_status refuse(const struct probing *p, const char *url, struct sks_error *err)
{
    const struct http_exchange *x = &p->exchange;
    size_t len = 0;

    while (len < x->body.len && len < SHOWN_MAX && x->body.ptr[len] != '\n')
        len++;
    if (strncmp(x->content_type, "text/plain", 10) != 0)
        len = 0;
    return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: HTTP %u%s%.*s", url, x->status,
                    len == 0 ? "" : ": ", (int)len, (const char *)x->body.ptr);
}

static enum sks_status get(struct probing *p, const char *url, const char *accept,
                           struct sks_error *err)
{
    unsigned seconds;
    enum sks_status rc;

    TRY(health_left(p->health, &seconds, err));
    http_client_set_timeout(p->client, seconds);
    rc = http_client_exchange(p->client, "GET", url, NULL, accept, (struct bytes){ 0 },
                              &p->exchange, err);
out:
    return rc;
}

static enum sks_status get_behind(struct probing *p, const char *more, const char *accept,
                                  struct sks_error *err)
{
    char url[URL_MAX + 64];

    (void)snprintf(url, sizeof url, "%s%s", p->url, more);
    return get(p, url, accept, err);
}

/* ---- which profile ---- */

/* The first without a code, else the first. @param code out: also that one wants a code */
static const char *choose(const json_t *page, bool *code)
{
    const json_t *list = json_object_get(page, "profiles");
    const char *first = NULL;

    *code = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *profile = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(profile, "name"));

        if (name != NULL && json_is_false(json_object_get(profile, "code")))
            return name;
        first = first == NULL ? name : first;
    }
    *code = true;
    return first;
}

static enum sks_status find_profile(struct probing *p, bool *code, struct sks_error *err)
{
    json_t *page = NULL;
    const char *name;
    enum sks_status rc;

    TRY(get_behind(p, "/", JSON, err));
    if (p->exchange.status != 200)
        return refuse(p, p->url, err);
    REQUIRE(strncmp(p->exchange.content_type, JSON, sizeof JSON - 1) == 0 &&
                json_parse(buf_bytes(&p->exchange.body), &page, NULL) == SKS_OK,
            err, SKS_ERROR_EXTERNAL, "%s: no list of profiles there: name one, by --profile",
            p->url);
    name = choose(page, code);
    REQUIRE(name != NULL, err, SKS_ERROR_EXTERNAL, "%s: offers no profile", p->url);
    REQUIRE(strlen(name) < sizeof p->profile && strpbrk(name, "/?#% ") == NULL, err,
            SKS_ERROR_EXTERNAL, "%s: the name of a profile is none", p->url);
    (void)snprintf(p->profile, sizeof p->profile, "%s", name);
out:
    json_decref(page);
    return rc;
}

/* ---- what is asked of it ---- */

static enum sks_status add_path(struct probing *p, const char *path, struct sks_error *err)
{
    size_t len = strlen(p->url);
    enum sks_status rc = SKS_OK;

    REQUIRE((size_t)snprintf(p->url + len, sizeof p->url - len, "%s%s", path, p->profile) <
                sizeof p->url - len,
            err, SKS_ERROR_OPTION, "'%s' is too long for an address", p->url);
out:
    return rc;
}

static enum sks_status see_enrolment_page(struct probing *p, struct sks_error *err)
{
    enum sks_status rc;

    TRY(add_path(p, "/enroll/", err));
    TRY(get(p, p->url, NULL, err));
    if (p->exchange.status != 200)
        return refuse(p, p->url, err);
    REQUIRE(strncmp(p->exchange.content_type, "text/html", 9) == 0 && p->exchange.body.len > 0, err,
            SKS_ERROR_EXTERNAL, "%s: no page", p->url);
    (void)snprintf(p->health->found, sizeof p->health->found,
                   "all profiles want a code; the enrolment page of %.100s answers", p->profile);
out:
    return rc;
}

static enum sks_status check_invocation(const struct probing *p, struct sks_error *err)
{
    struct invocation_request request = { 0 };
    struct arena arena = { 0 };
    struct sks_error why = { 0 };
    enum sks_status rc = SKS_OK;

    if (p->exchange.status != 200)
        return refuse(p, p->url, err);
    REQUIRE(strcmp(p->exchange.content_type, JSON) == 0, err, SKS_ERROR_EXTERNAL,
            "%s: a session begins with content type \"%s\"", p->url, p->exchange.content_type);
    REQUIRE(keygen2_decode(&INVOCATION_REQUEST, buf_bytes(&p->exchange.body), &request, &arena,
                           &why) == SKS_OK,
            err, SKS_ERROR_EXTERNAL, "%s: no InvocationRequest: %s", p->url, why.text);
out:
    arena_free(&arena);
    return rc;
}

/* The cookie is in the client. A foreign issuer does not know discard, and ends it as any other. */
static enum sks_status open_and_abort(struct probing *p, struct sks_error *err)
{
    struct sks_error later = { 0 };
    enum sks_status rc, ended;

    TRY(get_behind(p, "?init=true", NULL, err));
    rc = check_invocation(p, err);
    if (p->exchange.status != 200)
        goto out; /* there is none to end */
    ended = get_behind(p, "?abort=true&discard=true", NULL, &later);
    if (ended == SKS_OK && p->exchange.status != 200 && p->exchange.status != 302)
        ended = refuse(p, p->url, &later);
    if (rc == SKS_OK && ended != SKS_OK)
        rc = sks_fail(err, ended, "the session was opened, but not ended: %s", later.text);
    (void)snprintf(p->health->found, sizeof p->health->found,
                   "a session opened and ended at %.200s",
                   strstr(p->url, KEYGEN2) == NULL ? p->url : strstr(p->url, KEYGEN2) + 5);
out:
    return rc;
}

static enum sks_status set_url(struct probing *p, const char *profile, bool *chosen,
                               struct sks_error *err)
{
    const char *address = p->health->address, *start = strstr(address, "://"), *path;
    bool web = strncmp(address, "http://", 7) == 0 || strncmp(address, "https://", 8) == 0;
    size_t len = strlen(address);
    enum sks_status rc = SKS_OK;

    REQUIRE((web || strncmp(address, "unix:", 5) == 0) && strpbrk(address, "?# \"<>") == NULL, err,
            SKS_ERROR_OPTION, "'%s' is no address of an issuer: http(s)://HOST:PORT", address);
    (void)snprintf(p->url, sizeof p->url, "%s", web ? address : "http://localhost");
    path = web ? strchr(start + 3, '/') : NULL;
    *chosen = path != NULL && strncmp(path, KEYGEN2, sizeof KEYGEN2 - 1) == 0;
    if (web && !*chosen && address[len - 1] == '/')
        p->url[len - 1] = '\0';
    if (profile == NULL || *chosen)
        goto out;
    REQUIRE(strlen(profile) < sizeof p->profile && strpbrk(profile, "/?#% ") == NULL, err,
            SKS_ERROR_OPTION, "--profile: '%.100s' is no name of a profile", profile);
    (void)snprintf(p->profile, sizeof p->profile, "%s", profile);
    *chosen = true;
    TRY(add_path(p, KEYGEN2, err));
out:
    return rc;
}

enum sks_status issuer_probe(struct issuer_probe *config, struct health *health,
                             struct sks_error *err)
{
    const struct http_client_config client = { .unix_socket = config->unix_socket,
                                               .ca_file = config->ca_file,
                                               .insecure = config->insecure,
                                               .body_max = BODY_MAX };
    struct probing p = { .health = health };
    bool chosen = false, code = false;
    enum sks_status rc;

    TRY(set_url(&p, config->profile, &chosen, err));
    TRY(http_client_new(&client, &p.client, err));
    if (!chosen) {
        rc = find_profile(&p, &code, err);
        config->no_page = p.exchange.status == 404;
        TRY(rc);
        if (code) {
            rc = see_enrolment_page(&p, err);
            goto out;
        }
        TRY(add_path(&p, KEYGEN2, err));
    }
    rc = open_and_abort(&p, err);
out:
    http_exchange_free(&p.exchange);
    http_client_free(p.client);
    return rc;
}
