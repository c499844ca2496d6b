#include "proxy/relay/upstream.h"

#include "keygen2/base/http_client.h"
#include "proxy/relay/request_head.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    FIELDS_MAX = 100,
    AHEAD_MAX = 256 * 1024, /* bytes of an answer that may wait for the client to take them */
    WAIT_MS = 200,          /* how soon a stop is seen */
};

struct upstream {
    const struct upstream_config *config;
    CURLM *multi;
    CURL *easy;
    bool running, over, has_sent;
    CURLcode result;
    char text[CURL_ERROR_SIZE];
    struct curl_slist *lines; /* of the request's head */
    struct bytes piece;       /* of its body */
    bool complete, waits_for_piece;
    struct http_field field[FIELDS_MAX]; /* of the answer's head */
    size_t fields;
    bool head, full;
    struct buf ahead;
    size_t taken; /* of it */
};

/* ---- what libcurl asks for, and hands over ---- */

static size_t give_piece(char *to, size_t size, size_t count, void *ctx)
{
    struct upstream *u = ctx;
    size_t len = size * count < u->piece.len ? size * count : u->piece.len;

    u->waits_for_piece = len == 0 && !u->complete;
    if (u->waits_for_piece)
        return CURL_READFUNC_PAUSE;
    if (len > 0)
        memcpy(to, u->piece.ptr, len);
    u->piece = bytes_at(u->piece.ptr + len, u->piece.len - len);
    return len;
}

static void drop_fields(struct upstream *u)
{
    while (u->fields > 0) {
        u->fields--;
        free(u->field[u->fields].name);
        free(u->field[u->fields].value);
    }
}

static bool keep_field(struct upstream *u, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    const char *value = colon == NULL ? NULL : colon + 1, *end = line + len;
    struct http_field *field = &u->field[u->fields];

    if (colon == NULL || u->fields == FIELDS_MAX)
        return colon == NULL; /* the status line */
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    field->name = strndup(line, (size_t)(colon - line));
    field->value = strndup(value, (size_t)(end - value));
    u->fields++;
    if (field->name == NULL || field->value == NULL)
        return false;
    if (http_field_is_local(field->name)) {
        u->fields--;
        free(field->name);
        free(field->value);
    }
    return true;
}

/* One line of a head; that of an interim answer (1xx) gives way to the next. Lines behind the body
 * of a chunked answer are dropped. */
static size_t take_line(char *line, size_t size, size_t count, void *ctx)
{
    struct upstream *u = ctx;
    size_t len = size * count;
    long status = 0;

    if (u->head)
        return size * count;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len >= 5 && strncmp(line, "HTTP/", 5) == 0)
        drop_fields(u);
    else if (len > 0)
        return keep_field(u, line, len) ? size * count : 0;
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &status);
    u->head = len == 0 && status >= 200;
    return size * count;
}

static size_t take_body(char *from, size_t size, size_t count, void *ctx)
{
    struct upstream *u = ctx;

    u->full = u->ahead.len - u->taken > AHEAD_MAX;
    if (u->full)
        return CURL_WRITEFUNC_PAUSE;
    put_raw(&u->ahead, bytes_at(from, size * count));
    return u->ahead.status == SKS_OK ? size * count : 0;
}

/* ---- its life ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_libcurl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool upstream_address_is(const char *to)
{
    const char *host = strncmp(to, "http://", 7) == 0    ? to + 7
                       : strncmp(to, "https://", 8) == 0 ? to + 8
                                                         : NULL;

    if (strncmp(to, "unix:", 5) == 0)
        return to[5] != '\0';
    return host != NULL && strcspn(host, "/?#@ ") > 0 && strpbrk(host, "?#@ ") == NULL;
}

static bool set_basics(struct upstream *u)
{
    const struct upstream_config *config = u->config;
    CURL *curl = u->easy;
    CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, u->text);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TIMEOUT, (long)config->timeout);
    SET(CURLOPT_READFUNCTION, give_piece);
    SET(CURLOPT_READDATA, u);
    SET(CURLOPT_HEADERFUNCTION, take_line);
    SET(CURLOPT_HEADERDATA, u);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, u);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->ca_file != NULL) {
        SET(CURLOPT_CAINFO, config->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (strncmp(config->to, "unix:", 5) == 0)
        SET(CURLOPT_UNIX_SOCKET_PATH, config->to + 5);
#undef SET
    return bad == CURLE_OK;
}

enum sks_status upstream_new(const struct upstream_config *config, struct upstream **upstream,
                             struct sks_error *err)
{
    struct upstream *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *upstream = NULL;
    (void)pthread_once(&once, start_libcurl);
    REQUIRE(made != NULL && (made->easy = curl_easy_init()) != NULL &&
                (made->multi = curl_multi_init()) != NULL,
            err, SKS_ERROR_STORAGE, "no memory for a connection");
    made->config = config;
    REQUIRE(set_basics(made), err, SKS_ERROR_INTERNAL, "libcurl refused a setting: %s", made->text);
    *upstream = made;
    made = NULL;
out:
    upstream_free(made);
    return rc;
}

void upstream_free(struct upstream *u)
{
    if (u == NULL)
        return;
    upstream_end(u);
    curl_easy_cleanup(u->easy);
    (void)curl_multi_cleanup(u->multi);
    buf_free(&u->ahead);
    free(u);
}

/* ---- one exchange ---- */

enum sks_status upstream_begin(struct upstream *u, const char *method, const char *target,
                               const struct http_field *field, size_t fields, int64_t length,
                               struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    upstream_end(u);
    u->text[0] = '\0';
    REQUIRE(request_head_set(
                &(struct request_head){ u->config->to, method, target, field, fields, length },
                u->easy, &u->lines),
            err, SKS_ERROR_OPTION, "the request cannot be handed on");
    u->complete = length == 0;
    REQUIRE(curl_multi_add_handle(u->multi, u->easy) == CURLM_OK, err, SKS_ERROR_STORAGE,
            "no memory for a request");
    u->running = true;
out:
    return rc;
}

/* Does what can be done now; the exchange may be over then. */
static void step(struct upstream *u)
{
    const CURLMsg *message;
    int left;
    long sent = 0;

    if (curl_multi_perform(u->multi, &left) != CURLM_OK) {
        u->over = true;
        u->result = CURLE_FAILED_INIT;
    }
    while ((message = curl_multi_info_read(u->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE) {
            u->over = true;
            u->result = message->data.result;
        }
    (void)curl_easy_getinfo(u->easy, CURLINFO_REQUEST_SIZE, &sent);
    u->has_sent = u->has_sent || sent > 0;
}

static void go_on(struct upstream *u)
{
    (void)curl_easy_pause(u->easy, (u->waits_for_piece ? CURLPAUSE_SEND : 0) |
                                       (u->full ? CURLPAUSE_RECV : 0));
}

static void wait(struct upstream *u)
{
    (void)curl_multi_poll(u->multi, NULL, 0, WAIT_MS, NULL);
    if (*u->config->stop && !u->over) {
        u->over = true;
        u->result = CURLE_ABORTED_BY_CALLBACK;
    }
}

void upstream_send(struct upstream *u, struct bytes piece)
{
    u->piece = piece;
    if (u->waits_for_piece) {
        u->waits_for_piece = false;
        go_on(u);
    }
    for (step(u); !u->over && !u->head && u->piece.len > 0; step(u))
        wait(u);
    u->piece = (struct bytes){ 0 };
}

enum sks_status upstream_finish(struct upstream *u, struct upstream_head *head,
                                struct sks_error *err)
{
    long status = 0;
    curl_off_t length = -1;
    enum sks_status rc = SKS_OK;

    u->complete = true;
    if (u->waits_for_piece) {
        u->waits_for_piece = false;
        go_on(u);
    }
    for (step(u); !u->over && !u->head; step(u))
        wait(u);
    REQUIRE(
        u->head, err, SKS_ERROR_EXTERNAL, "%s: %s", u->config->to,
        http_client_trouble(u->easy, u->result, u->text, strncmp(u->config->to, "unix:", 5) == 0));
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(u->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    *head = (struct upstream_head){ (unsigned)status, u->field, u->fields, length };
out:
    return rc;
}

bool upstream_has_sent(const struct upstream *u)
{
    return u->has_sent;
}

int64_t upstream_read(struct upstream *u, void *to, size_t size)
{
    size_t len;

    while (u->ahead.len == u->taken && !u->over) {
        wait(u);
        step(u);
    }
    len = u->ahead.len - u->taken < size ? u->ahead.len - u->taken : size;
    if (len == 0)
        return u->result == CURLE_OK ? 0 : -1;
    memcpy(to, u->ahead.ptr + u->taken, len);
    u->taken += len;
    if (u->taken == u->ahead.len) {
        buf_reset(&u->ahead);
        u->taken = 0;
        if (u->full) {
            u->full = false;
            go_on(u);
        }
    }
    return (int64_t)len;
}

void upstream_end(struct upstream *u)
{
    if (u->running)
        (void)curl_multi_remove_handle(u->multi, u->easy);
    (void)curl_easy_setopt(u->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(u->lines);
    drop_fields(u);
    buf_reset(&u->ahead);
    u->lines = NULL;
    u->piece = (struct bytes){ 0 };
    u->taken = 0;
    u->running = u->over = u->has_sent = u->head = u->full = u->waits_for_piece = false;
    u->result = CURLE_OK;
}
