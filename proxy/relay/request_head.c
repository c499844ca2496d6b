#include "proxy/relay/request_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 8192 };

bool http_field_is_local(const char *name)
{
    static const char *const LOCAL[] = {
        "Connection", "Keep-Alive",       "Proxy-Authenticate", "Proxy-Authorization",
        "TE",         "Trailer",          "Transfer-Encoding",  "Upgrade",
        "Expect",     "Proxy-Connection", "Content-Length",     "Host",
    };

    for (size_t i = 0; i < NITEMS(LOCAL); i++)
        if (strcasecmp(name, LOCAL[i]) == 0)
            return true;
    return false;
}

static bool add_line(struct curl_slist **lines, const char *name, const char *separator,
                     const char *value)
{
    size_t size = strlen(name) + strlen(separator) + strlen(value) + 1;
    char *line = malloc(size);
    struct curl_slist *longer = NULL;

    if (line != NULL) {
        (void)snprintf(line, size, "%s%s%s", name, separator, value);
        longer = curl_slist_append(*lines, line);
    }
    free(line);
    if (longer != NULL)
        *lines = longer;
    return longer != NULL;
}

/* libcurl has headers of its own, which the client may not have sent. */
static bool set_fields(const struct request_head *head, CURL *curl, struct curl_slist **lines)
{
    static const char *const OWN[] = { "Accept", "Content-Type", "Expect", "User-Agent" };
    bool sent[NITEMS(OWN)] = { false };
    bool good = true;

    for (size_t i = 0; good && i < head->fields; i++) {
        if (http_field_is_local(head->field[i].name))
            continue;
        for (size_t j = 0; j < NITEMS(OWN); j++)
            sent[j] = sent[j] || strcasecmp(head->field[i].name, OWN[j]) == 0;
        good = head->field[i].value[0] == '\0'
                   ? add_line(lines, head->field[i].name, ";", "")
                   : add_line(lines, head->field[i].name, ": ", head->field[i].value);
    }
    for (size_t j = 0; good && j < NITEMS(OWN); j++)
        good = sent[j] || add_line(lines, OWN[j], ":", "");
    if (good && head->length == UPSTREAM_LENGTH_UNKNOWN)
        good = add_line(lines, "Transfer-Encoding", ": ", "chunked");
    return good && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *lines) == CURLE_OK;
}

static bool set_target(const struct request_head *head, CURL *curl)
{
    bool local = strncmp(head->to, "unix:", 5) == 0;
    const char *base = local ? "http://localhost" : head->to;
    size_t len = strlen(base);
    char url[URL_MAX];
    int used;

    len -= base[len - 1] == '/';
    used = snprintf(url, sizeof url, "%.*s%s", (int)len, base, head->target);
    return head->target[0] == '/' && used > 0 && (size_t)used < sizeof url &&
           curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_method(const struct request_head *head, CURL *curl)
{
    bool no_body = strcmp(head->method, "HEAD") == 0;

    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
    (void)curl_easy_setopt(curl, head->length == 0 ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOBODY, no_body ? 1L : 0L);
    if (head->length != 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)head->length);
    }
    return curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, head->method) == CURLE_OK;
}

bool request_head_set(const struct request_head *head, CURL *curl, struct curl_slist **lines)
{
    return set_target(head, curl) && set_method(head, curl) && set_fields(head, curl, lines);
}
