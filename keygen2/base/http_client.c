#include "keygen2/base/http_client.h"

#include "keygen2/base/version.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT = 120,        /* seconds for an exchange, unless the config says otherwise */
    CONNECT_TIMEOUT = 30, /* seconds for a connection */
    BODY_MAX = 4 * 1024 * 1024,
    HEADER_MAX = 128, /* bytes of a header's value */
    HEAD_MAX = 64 * 1024,
};

struct http_client {
    CURL *curl;
    struct http_client_config config;
    bool refused;               /* to send the request a second time */
    struct curl_slist *headers; /* of the last exchange, which had: */
    char content_type[HEADER_MAX], accept[HEADER_MAX];
    CURLU *parsed; /* the URL of the last exchange, which was: */
    char *url;
    struct buf leaf;            /* of the kept connection */
    char text[CURL_ERROR_SIZE]; /* libcurl's word on the last failure */
};

/* ---- callbacks ---- */

/*
 * When a kept connection turns out dead before any byte of the answer, libcurl sends the request
 * again on a new one, without a word. It comes by here each time that it is about to send: with
 * never_twice, once a byte has gone, that is refused. (If none has, nothing was sent that a server
 * could act upon.)
 */
static int allow_request(void *ctx, char *peer, char *own, int peer_port, int own_port)
{
    struct http_client *client = ctx;
    long sent = 0;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    if (!client->config.never_twice)
        return CURL_PREREQFUNC_OK;
    client->refused =
        curl_easy_getinfo(client->curl, CURLINFO_REQUEST_SIZE, &sent) != CURLE_OK || sent > 0;
    return client->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

struct sink {
    struct buf *body;
    size_t max;
    bool *too_large;
};

static size_t write_body(char *from, size_t size, size_t count, void *ctx)
{
    struct sink *sink = ctx;

    *sink->too_large = size * count > sink->max - sink->body->len;
    if (*sink->too_large)
        return 0; /* libcurl ends the exchange */
    put_raw(sink->body, bytes_at(from, size * count));
    return sink->body->status == SKS_OK ? size * count : 0;
}

static size_t write_head(char *from, size_t size, size_t count, void *ctx)
{
    struct buf *head = ctx;

    if (head->len + size * count > HEAD_MAX)
        return 0;
    put_raw(head, bytes_at(from, size * count));
    return head->status == SKS_OK ? size * count : 0;
}

static int watch_stop(void *ctx, curl_off_t total_in, curl_off_t in, curl_off_t total_out,
                      curl_off_t out)
{
    const struct http_client *client = ctx;

    (void)total_in, (void)in, (void)total_out, (void)out;
    return client->config.stop != NULL && *client->config.stop != 0;
}

/* ---- setting up ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_libcurl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* What holds for every exchange; true if libcurl took it all. */
static bool set_basics(struct http_client *client)
{
    CURL *curl = client->curl;
    const struct http_client_config *config = &client->config;
    CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad != CURLE_OK ? bad : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, client->text);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROXY, ""); /* the environment does not decide who sees the messages */
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    if (!config->bare) {
        SET(CURLOPT_COOKIEFILE, ""); /* turns the cookie engine on, in memory */
        SET(CURLOPT_USERAGENT, "sks-rig/" SKS_RIG_VERSION);
    }
    SET(CURLOPT_WRITEFUNCTION, write_body);
    if (config->keep_head)
        SET(CURLOPT_HEADERFUNCTION, write_head);
    SET(CURLOPT_MAXCONNECTS, 1L); /* so that the leaf below is that of the kept connection */
    SET(CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT);
    SET(CURLOPT_VERBOSE, config->verbose ? 1L : 0L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, watch_stop);
    SET(CURLOPT_XFERINFODATA, client);
    SET(CURLOPT_PREREQFUNCTION, allow_request);
    SET(CURLOPT_PREREQDATA, client);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each connection shows its certificate */
    SET(CURLOPT_CERTINFO, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
    if (config->ca_file != NULL) {
        SET(CURLOPT_CAINFO, config->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (config->unix_socket != NULL)
        SET(CURLOPT_UNIX_SOCKET_PATH, config->unix_socket);
#undef SET
    return bad == CURLE_OK;
}

enum sks_status http_client_new(const struct http_client_config *config,
                                struct http_client **client, struct sks_error *err)
{
    struct http_client *made;
    enum sks_status rc;

    *client = NULL;
    (void)pthread_once(&once, start_libcurl);
    made = calloc(1, sizeof *made);
    REQUIRE(made != NULL && (made->curl = curl_easy_init()) != NULL, err, SKS_ERROR_STORAGE,
            "no memory for an HTTP client");
    made->config = *config;
    REQUIRE(set_basics(made), err, SKS_ERROR_INTERNAL, "libcurl refused a setting: %s", made->text);
    http_client_set_timeout(made, config->timeout);
    *client = made;
    made = NULL;
    rc = SKS_OK;
out:
    http_client_free(made);
    return rc;
}

void http_client_set_timeout(struct http_client *client, unsigned seconds)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, seconds == 0 ? (long)TIMEOUT : seconds);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    curl_url_cleanup(client->parsed);
    free(client->url);
    buf_free(&client->leaf);
    free(client);
}

void http_exchange_free(struct http_exchange *exchange)
{
    buf_free(&exchange->body);
    buf_free(&exchange->head);
    buf_free(&exchange->leaf);
    *exchange = (struct http_exchange){ 0 };
}

/* ---- cookies ---- */

void http_client_set_cookie(struct http_client *client, const char *cookie)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_COOKIE, cookie);
}

enum sks_status http_client_cookies(struct http_client *client, struct buf *lines)
{
    struct curl_slist *list = NULL;

    if (curl_easy_getinfo(client->curl, CURLINFO_COOKIELIST, &list) != CURLE_OK)
        return SKS_ERROR_STORAGE;
    for (const struct curl_slist *line = list; line != NULL; line = line->next) {
        put_text(lines, line->data);
        put_byte(lines, '\n');
    }
    curl_slist_free_all(list);
    return lines->status;
}

enum sks_status http_client_add_cookies(struct http_client *client, struct bytes lines)
{
    char line[8192];

    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.ptr, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.ptr);

        /* libcurl takes a text without tabs for a command or a header. */
        if (memchr(lines.ptr, '\t', len) == NULL ||
            bytes_to_text(bytes_at(lines.ptr, len), line, sizeof line) != SKS_OK)
            return SKS_ERROR_OPTION;
        if (curl_easy_setopt(client->curl, CURLOPT_COOKIELIST, line) != CURLE_OK)
            return SKS_ERROR_STORAGE;
        len += end != NULL;
        lines = bytes_at(lines.ptr + len, lines.len - len);
    }
    return SKS_OK;
}

/* ---- one exchange ---- */

/* From memory: then head and body leave in one piece, and the server wakes up once. */
static void set_body(struct http_client *client, struct bytes body)
{
    CURL *curl = client->curl;

    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.len == 0 ? "" : (const char *)body.ptr);
}

/* Without a value libcurl's own header of that name is left out. */
static bool add_header(struct http_client *client, const char *name, const char *value)
{
    char line[HEADER_MAX + 20];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof line, "%s:%s%s", name, value[0] == '\0' ? "" : " ", value);
    longer = curl_slist_append(client->headers, line);
    if (longer != NULL)
        client->headers = longer;
    return longer != NULL;
}

/* Those of the last exchange serve again as long as they are the same. */
static enum sks_status set_headers(struct http_client *client, const char *content_type,
                                   const char *accept, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (client->headers != NULL && strcmp(client->content_type, content_type) == 0 &&
        strcmp(client->accept, accept) == 0)
        return SKS_OK;
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    REQUIRE(strlen(content_type) < HEADER_MAX && strlen(accept) < HEADER_MAX, err, SKS_ERROR_OPTION,
            "a header is over %d bytes", HEADER_MAX - 1);
    (void)snprintf(client->content_type, HEADER_MAX, "%s", content_type);
    (void)snprintf(client->accept, HEADER_MAX, "%s", accept);
    /* An empty Expect: libcurl would wait a second for servers that never answer it. */
    REQUIRE(
        add_header(client, "Expect", client->config.ask_first ? "100-continue" : "") &&
            add_header(client, "Content-Type", content_type) &&
            ((accept[0] == '\0' && !client->config.bare) || add_header(client, "Accept", accept)),
        err, SKS_ERROR_STORAGE, "no memory for headers");
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
out:
    if (rc != SKS_OK) {
        curl_slist_free_all(client->headers);
        client->headers = NULL;
    }
    return rc;
}

/* That of the last exchange is not parsed again. What libcurl cannot parse it gets as a text, so
 * that it says why. */
static enum sks_status set_url(struct http_client *client, const char *url, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;
    bool good;

    if (client->url != NULL && strcmp(client->url, url) == 0)
        return SKS_OK;
    (void)curl_easy_setopt(client->curl, CURLOPT_CURLU, NULL);
    free(client->url);
    client->url = strdup(url);
    curl_url_cleanup(client->parsed); /* in what holds one, another is a link of its page */
    client->parsed = curl_url();
    REQUIRE(client->url != NULL && client->parsed != NULL &&
                curl_easy_setopt(client->curl, CURLOPT_URL, url) == CURLE_OK,
            err, SKS_ERROR_STORAGE, "no memory for a URL");
    good = curl_url_set(client->parsed, CURLUPART_URL, url,
                        CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    (void)curl_easy_setopt(client->curl, CURLOPT_CURLU, good ? client->parsed : NULL);
out:
    if (rc != SKS_OK) {
        free(client->url);
        client->url = NULL;
    }
    return rc;
}

static enum sks_status set_request(struct http_client *client, const char *method, const char *url,
                                   struct bytes body, struct sks_error *err)
{
    CURL *curl = client->curl;
    bool post = strcmp(method, "POST") == 0;
    bool other = !post && strcmp(method, "GET") != 0;

    post = post || (other && body.len > 0);
    (void)curl_easy_setopt(curl, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, other ? method : NULL);
    if (post)
        set_body(client, body);
    return set_url(client, url, err);
}

static bool put_pem_as_der(struct buf *out, const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *x509 = text == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);
    uint8_t *der = NULL;
    int len = x509 == NULL ? 0 : i2d_X509(x509, &der);

    if (len > 0)
        put_raw(out, bytes_at(der, (size_t)len));
    OPENSSL_free(der);
    X509_free(x509);
    BIO_free(text);
    return len > 0 && out->status == SKS_OK;
}

/* libcurl tells of certificates in the exchange that made the connection, and only there. */
static enum sks_status take_leaf(struct http_client *client, const char *url,
                                 struct http_exchange *exchange, struct sks_error *err)
{
    struct curl_certinfo *info = NULL;
    long connections = 0;
    enum sks_status rc = SKS_OK;

    (void)curl_easy_getinfo(client->curl, CURLINFO_NUM_CONNECTS, &connections);
    (void)curl_easy_getinfo(client->curl, CURLINFO_CERTINFO, &info);
    if (connections > 0)
        buf_reset(&client->leaf);
    if (connections > 0 && info != NULL && info->num_of_certs > 0)
        for (struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next)
            if (strncmp(line->data, "Cert:", 5) == 0)
                (void)put_pem_as_der(&client->leaf, line->data + 5);
    REQUIRE(client->leaf.len > 0 || strncmp(url, "https:", 6) != 0, err, SKS_ERROR_EXTERNAL,
            "%s: the server's certificate cannot be read", url);
    put_raw(&exchange->leaf, buf_bytes(&client->leaf));
    TRY(sks_explain(err, exchange->leaf.status));
out:
    return rc;
}

static void take_header(CURL *curl, const char *name, char *text, size_t size)
{
    struct curl_header *header = NULL;

    text[0] = '\0';
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        strlen(header->value) < size)
        memcpy(text, header->value, strlen(header->value) + 1);
}

const char *http_client_trouble(CURL *curl, CURLcode code, const char *text, bool unix_socket)
{
    long number = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (unix_socket && code == CURLE_COULDNT_CONNECT && number != 0)
        return strerror((int)number);
    return text[0] != '\0' ? text : curl_easy_strerror(code);
}

static enum sks_status explain_failure(const struct http_client *client, const char *url,
                                       CURLcode code, struct sks_error *err)
{
    const char *path = client->config.unix_socket;

    return sks_fail(err, SKS_ERROR_EXTERNAL, "%s%s: %s%s",
                    path == NULL ? "" : "unix:", path == NULL ? url : path,
                    http_client_trouble(client->curl, code, client->text, path != NULL),
                    code == CURLE_PEER_FAILED_VERIFICATION
                        ? " (--ca names the certificates that are trusted)"
                        : "");
}

static enum sks_status perform(struct http_client *client, const char *url,
                               struct http_exchange *exchange, struct sks_error *err)
{
    CURL *curl = client->curl;
    long status = 0, request_size = 0;
    CURLcode code;
    enum sks_status rc = SKS_OK;

    client->text[0] = '\0';
    client->refused = false;
    code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_size);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    exchange->sent = request_size > 0;
    REQUIRE(!client->refused, err, SKS_ERROR_EXTERNAL,
            "%s: the connection ended before an answer, and the request must not be sent twice",
            url);
    REQUIRE(code != CURLE_ABORTED_BY_CALLBACK, err, SKS_ERROR_USER_ABORT, "interrupted");
    REQUIRE(code != CURLE_WRITE_ERROR, err, SKS_ERROR_EXTERNAL, "%s: the answer is too large", url);
    if (code != CURLE_OK)
        return explain_failure(client, url, code, err);
    exchange->status = (unsigned)status;
    take_header(curl, "Content-Type", exchange->content_type, sizeof exchange->content_type);
    take_header(curl, "Location", exchange->location, sizeof exchange->location);
    TRY(take_leaf(client, url, exchange, err));
out:
    return rc;
}

enum sks_status http_client_exchange(struct http_client *client, const char *method,
                                     const char *url, const char *content_type, const char *accept,
                                     struct bytes body, struct http_exchange *exchange,
                                     struct sks_error *err)
{
    size_t max = client->config.body_max == 0 ? BODY_MAX : client->config.body_max;
    struct sink sink = { &exchange->body, max, &exchange->too_large };
    enum sks_status rc;

    http_exchange_free(exchange);
    TRY(set_request(client, method, url, body, err));
    TRY(set_headers(client, content_type == NULL ? "" : content_type, accept == NULL ? "" : accept,
                    err));
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &sink);
    if (client->config.keep_head)
        (void)curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &exchange->head);
    rc = perform(client, url, exchange, err);
out:
    (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, NULL); /* the caller's */
    return rc;
}
