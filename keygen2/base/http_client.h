/* One peer over HTTP: libcurl with a kept connection and cookies in memory. Not for two threads. */
#ifndef KEYGEN2_BASE_HTTP_CLIENT_H
#define KEYGEN2_BASE_HTTP_CLIENT_H

#include "keygen2/base/bytes.h"

#include <curl/curl.h>
#include <signal.h>

struct http_client;

struct http_client_config {
    const char *unix_socket; /* connect there, whatever the URL's host says; NULL: TCP */
    const char *ca_file;     /* PEM to trust instead of the system's; NULL: the system's */
    bool insecure;           /* do not check the server's certificate */
    bool never_twice;        /* fail rather than send a request again on a connection that died */
    bool bare;        /* no cookies, no User-Agent, no Accept: the peer has no use for them */
    bool keep_head;   /* what answers say in their headers too */
    bool ask_first;   /* wait for an answer to the head, a second long, before the body is sent */
    bool verbose;     /* libcurl's own account of each exchange, on standard error */
    unsigned timeout; /* seconds for one exchange; 0: 120 */
    size_t body_max;  /* of an answer, bytes; 0: 4 MiB */
    const volatile sig_atomic_t *stop; /* not 0: give up the exchange; NULL: never */
};

/* Free with http_exchange_free(). */
struct http_exchange {
    unsigned status;
    bool sent;              /* the request has left, at least in part */
    bool too_large;         /* an answer came that is over the limit */
    char content_type[128]; /* as sent, "" if none */
    char location[2048];    /* "" if none */
    struct buf body;
    struct buf head; /* the lines of its headers, each with its end; only with keep_head */
    struct buf leaf; /* DER of the server's certificate, empty over http */
};

/** Calls curl_global_init() once; the config is copied, its strings are not. */
CHECKED enum sks_status http_client_new(const struct http_client_config *config,
                                        struct http_client **client, struct sks_error *err);

/** Changes the seconds for one exchange; 0: 120. */
void http_client_set_timeout(struct http_client *client, unsigned seconds);

/**
 * One request and its answer; redirects are not followed.
 *
 * @param method        "GET", "POST", or another one, sent with the body if that is not empty
 * @param url           "http://..." or "https://..."
 * @param content_type  of the body; NULL without one
 * @param accept        Accept header, NULL for any
 * @param exchange      out: starts as {0}; `sent` is set even if this fails
 * @return SKS_OK for any HTTP status; SKS_ERROR_EXTERNAL if there was no whole answer;
 *         SKS_ERROR_USER_ABORT if *stop ended it
 */
CHECKED enum sks_status http_client_exchange(struct http_client *client, const char *method,
                                             const char *url, const char *content_type,
                                             const char *accept, struct bytes body,
                                             struct http_exchange *exchange, struct sks_error *err);

/** What a bare client says in the header Cookie from now on. @param cookie  kept; NULL: nothing */
void http_client_set_cookie(struct http_client *client, const char *cookie);

/** Appends the cookies that the client holds, a line each, in the form of Netscape's files. */
CHECKED enum sks_status http_client_cookies(struct http_client *client, struct buf *lines);

/** Adds cookies that another client held. @param lines  of http_client_cookies() */
CHECKED enum sks_status http_client_add_cookies(struct http_client *client, struct bytes lines);

void http_exchange_free(struct http_exchange *exchange);

/** NULL is allowed. */
void http_client_free(struct http_client *client);

/**
 * Why an exchange of libcurl's failed. Of a Unix socket that cannot be reached curl itself names
 * the host and the port of the URL, which nobody asked for.
 *
 * @param text  what CURLOPT_ERRORBUFFER has
 */
const char *http_client_trouble(CURL *curl, CURLcode code, const char *text, bool unix_socket);

#endif
