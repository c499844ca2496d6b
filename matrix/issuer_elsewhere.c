/*
 * An issuer elsewhere, as KeyGen2 clients see it. It cannot be set back and shows nobody its books:
 * what counts as a success is its redirect to /done, and what that page says, as it came over the
 * wire; which certificates it issued is what stands in the messages that it sent.
 */
#include "keygen2/base/json.h"
#include "keygen2/objects.h"
#include "matrix/issuer_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char JSON[] = "application/json", PATH_NAME[] = "certificatePath";

struct issuer_elsewhere {
    struct issuer_end end;
    char url[SKS_URI_MAX + 1];
    struct http_client_config config;
    struct http_client *client;
    int64_t count[4];
    json_t *ended;  /* addresses of the pages of sessions that are counted */
    json_t *issued; /* certificates, as base64url; an object for its look-up */
    bool pages_unread;
};

/* ---- its state, as far as it is known here ---- */

static enum sks_status forget(struct issuer_end *base, struct sks_error *err)
{
    struct issuer_elsewhere *end = (struct issuer_elsewhere *)base;

    (void)err;
    memset(end->count, 0, sizeof end->count);
    (void)json_object_clear(end->ended);
    (void)json_object_clear(end->issued);
    return SKS_OK;
}

static enum sks_status begin(struct issuer_end *base, struct sks_error *err)
{
    struct issuer_elsewhere *end = (struct issuer_elsewhere *)base;

    http_client_free(end->client);
    end->client = NULL;
    return http_client_new(&end->config, &end->client, err);
}

static void write_url(const struct issuer_end *base, const char *profile, char *url, size_t size)
{
    const struct issuer_elsewhere *end = (const struct issuer_elsewhere *)base;
    bool is_folder = end->url[strlen(end->url) - 1] == '/';

    (void)snprintf(url, size, "%s%s", end->url, is_folder ? profile : "");
}

/* ---- what its answers tell ---- */

static void note_path(struct issuer_elsewhere *end, const json_t *path)
{
    const json_t *certificate;
    size_t i;

    json_array_foreach(path, i, certificate) if (json_is_string(certificate))(void)
        json_object_set_new(end->issued, json_string_value(certificate), json_true());
}

/* All certificates of all paths of a message. */
static void note_certificates(struct issuer_elsewhere *end, const json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (strcmp(name, PATH_NAME) == 0)
            note_path(end, member);
        else
            note_certificates(end, member);
    }
    json_array_foreach(value, i, member) note_certificates(end, member);
}

/* What the page of a session says; ISSUER_OPEN if it says nothing. */
static enum issuer_verdict_kind read_page(struct issuer_elsewhere *end, const char *url)
{
    static const struct name VERDICTS[] = { { "succeeded", ISSUER_SUCCEEDED },
                                            { "failed", ISSUER_FAILED },
                                            { "in doubt", ISSUER_IN_DOUBT },
                                            { NULL, 0 } };
    struct http_exchange page = { 0 };
    uint8_t verdict = ISSUER_OPEN;
    json_t *told = NULL;

    if (http_client_exchange(end->client, "GET", url, NULL, JSON, (struct bytes){ 0 }, &page,
                             NULL) == SKS_OK &&
        page.status == 200 && json_parse(buf_bytes(&page.body), &told, NULL) == SKS_OK) {
        const char *text = json_string_value(json_object_get(told, "verdict"));

        if (text == NULL || !name_to_value(VERDICTS, bytes_of(text), &verdict))
            verdict = ISSUER_OPEN;
    }
    json_decref(told);
    http_exchange_free(&page);
    return (enum issuer_verdict_kind)verdict;
}

/* Where a path of the URL begins. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host == NULL ? url : host + 3 + strcspn(host + 3, "/");
}

/* A redirect ends a session, once. */
static void note_redirect(struct issuer_elsewhere *end, const char *location)
{
    const char *path = path_of(location);
    size_t origin = (size_t)(path_of(end->url) - end->url);
    bool done = strncmp(path, "/done/", 6) == 0;
    enum issuer_verdict_kind told;
    char url[2100];

    if ((!done && strncmp(path, "/failed/", 8) != 0) ||
        json_object_get(end->ended, location) != NULL)
        return;
    (void)json_object_set_new(end->ended, location, json_true());
    (void)snprintf(url, sizeof url, "%.*s%s", (int)origin, end->url, path);
    told = read_page(end, url);
    if (told == ISSUER_OPEN) {
        end->pages_unread = true;
        told = done ? ISSUER_SUCCEEDED : ISSUER_FAILED;
    }
    end->count[told]++;
}

static enum sks_status exchange(struct issuer_end *base, const char *method, const char *url,
                                const char *content_type, const char *accept, struct bytes body,
                                struct http_exchange *exchange, struct sks_error *err)
{
    struct issuer_elsewhere *end = (struct issuer_elsewhere *)base;
    json_t *message = NULL;
    enum sks_status rc;

    TRY(http_client_exchange(end->client, method, url, content_type, accept, body, exchange, err));
    if (exchange->status == 302)
        note_redirect(end, exchange->location);
    if (exchange->status == 200 && json_parse(buf_bytes(&exchange->body), &message, NULL) == SKS_OK)
        note_certificates(end, message);
    json_decref(message);
out:
    return rc;
}

static enum sks_status count_verdicts(struct issuer_end *base, int64_t count[4],
                                      struct sks_error *err)
{
    (void)err;
    memcpy(count, ((struct issuer_elsewhere *)base)->count, 4 * sizeof count[0]);
    return SKS_OK;
}

static bool issued(const struct issuer_end *base, struct bytes der, const char *text)
{
    (void)der;
    return json_object_get(((const struct issuer_elsewhere *)base)->issued, text) != NULL;
}

static void limits(const struct issuer_end *base, json_t *texts)
{
    const struct issuer_elsewhere *end = (const struct issuer_elsewhere *)base;

    (void)json_array_append_new(
        texts, json_string("the issuer is not set back between cases: its sessions remain there; "
                           "what symmetric keys compute is not compared, as it may draw them "
                           "anew"));
    (void)json_array_append_new(
        texts, json_string(end->pages_unread
                               ? "the issuer's count of successes is not seen, nor do its pages "
                                 "say a verdict: its redirects count alone"
                               : "the issuer's count of successes is not seen: its redirects "
                                 "count, and the verdicts of the pages that they lead to"));
}

/* ---- its life ---- */

static void end_free(struct issuer_end *base)
{
    struct issuer_elsewhere *end = (struct issuer_elsewhere *)base;

    http_client_free(end->client);
    json_decref(end->ended);
    json_decref(end->issued);
    free(end);
}

static const struct issuer_end_kind KIND = {
    .keep = forget,
    .restore = forget,
    .url = write_url,
    .begin = begin,
    .exchange = exchange,
    .count = count_verdicts,
    .issued = issued,
    .limits = limits,
    .free = end_free,
};

enum sks_status issuer_end_elsewhere(const char *url, const char *ca, unsigned timeout,
                                     struct issuer_end **end, struct sks_error *err)
{
    struct issuer_elsewhere *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for an issuer");
    made->end.kind = &KIND;
    made->config = (struct http_client_config){ .ca_file = ca, .timeout = timeout };
    made->ended = json_object();
    made->issued = json_object();
    REQUIRE(made->ended != NULL && made->issued != NULL, err, SKS_ERROR_STORAGE,
            "no memory for an issuer");
    REQUIRE(url[0] != '\0' && strlen(url) < sizeof made->url, err, SKS_ERROR_OPTION,
            "--issuer: '%s' is no issuer's URL", url);
    memcpy(made->url, url, strlen(url) + 1);
    *end = &made->end;
    made = NULL;
out:
    if (made != NULL)
        end_free(&made->end);
    return rc;
}
