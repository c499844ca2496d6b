#include "issuer/request_log.h"
#include "issuer/issuer.h"
#include "issuer/metrics.h"
#include "issuer/refusal.h"
#include "keygen2/base/log.h"

#include <inttypes.h>
#include <stdio.h>

enum { ADDRESS_MAX = 64, PATH_SHOWN = 600, METHOD_SHOWN = 20 };

/* Of a query nothing is shown but that it has one of these names: all else may be a secret. */
static void put_path(char text[PATH_SHOWN], const struct http_request *request)
{
    static const char *const SHOWN[] = { "init", "resume", "abort", "discard" };
    int len = snprintf(text, PATH_SHOWN, "%.500s", http_path(request));
    char before = '?';

    for (size_t i = 0; i < NITEMS(SHOWN); i++)
        if (http_query(request, SHOWN[i]) != NULL) {
            len += snprintf(text + len, PATH_SHOWN - (size_t)len, "%c%s", before, SHOWN[i]);
            before = '&';
        }
}

static void write_json(const struct http_request *request, const struct http_seen *seen,
                       const char *path, const char *address, const char *refusal)
{
    struct buf line = { 0 };

    if (!log_json_begin(&line, LOG_LEVEL_INFO))
        return;
    log_json_text(&line, "method", http_method(request));
    log_json_text(&line, "path", path);
    log_json_number(&line, "status", seen->status);
    log_json_number(&line, "received", (int64_t)seen->received);
    log_json_number(&line, "bytes", (int64_t)seen->sent);
    log_json_number(&line, "microseconds", seen->microseconds);
    log_json_text(&line, "address", address);
    if (seen->subject != NULL)
        log_json_text(&line, "session", seen->subject);
    if (refusal != NULL)
        log_json_text(&line, "refusal", refusal);
    if (seen->cause != NULL)
        log_json_text(&line, "cause", seen->cause);
    log_json_end(&line);
}

static void write_text(const struct http_request *request, const struct http_seen *seen,
                       const char *path, const char *address, const char *refusal)
{
    log_info("request %.*s %s %u received %zu sent %zu in %" PRId64 " us from %s%s%s%s%s%s%s",
             METHOD_SHOWN, http_method(request), path, seen->status, seen->received, seen->sent,
             seen->microseconds, address, seen->subject == NULL ? "" : " session ",
             seen->subject == NULL ? "" : seen->subject,
             refusal == NULL ? "" : " refused: ", refusal == NULL ? "" : refusal,
             seen->cause == NULL ? "" : ": ", seen->cause == NULL ? "" : seen->cause);
}

void request_seen(void *ctx, const struct http_request *request, const struct http_seen *seen)
{
    const struct issuer *issuer = ctx;
    bool refused = seen->cause != NULL || seen->status == 0 || seen->status >= 400;
    const char *refusal = refused ? refusal_name(refusal_number(seen->cause, seen->status)) : NULL;
    char path[PATH_SHOWN], address[ADDRESS_MAX];

    metrics_request(issuer->metrics, seen, refused);
    put_path(path, request);
    http_address(request, address, sizeof address);
    if (log_is_json())
        write_json(request, seen, path, address, refusal);
    else
        write_text(request, seen, path, address, refusal);
}
