#include "proxy/issuer_exchange.h"

#include "keygen2/base/log.h"

#include <stdio.h>
#include <string.h>

/* ---- traces ---- */

/* The first step of a location's path, "/done"; the rest is the session's id. */
static void short_path(const char *location, char path[40])
{
    const char *start = strstr(location, "://");

    start = start == NULL ? NULL : strchr(start + 3, '/');
    (void)snprintf(path, 40, "%.*s", start == NULL ? 0 : (int)(1 + strcspn(start + 1, "/?")),
                   start == NULL ? "" : start);
}

/* An answer that is no message. */
static void trace_answer(struct enrolment *e, const struct issuer_reply *reply)
{
    char path[40], name[60] = "answer";

    short_path(reply->location, path);
    if (reply->status == 302)
        (void)snprintf(name, sizeof name, "redirect to %s",
                       path[0] == '\0' ? "another server" : path);
    trace_message(e->trace, &(struct trace_event){
                                .hop = HOP_ISSUER, .name = name, .status = reply->status });
}

static void trace_get(struct enrolment *e, const char *what)
{
    char name[80];

    (void)snprintf(name, sizeof name, "GET %s", what);
    trace_message(e->trace, &(struct trace_event){
                                .hop = HOP_ISSUER, .direction = DIRECTION_OUT, .name = name });
}

static enum sks_status exchange(struct enrolment *e, const char *query, struct bytes message,
                                struct issuer_reply *reply)
{
    enum sks_status rc = issuer_link_exchange(e->issuer, query, message, reply, &e->err);

    if (rc != SKS_OK) {
        /* A changed certificate, a wrong content type, a user who gives up: our own refusal. */
        e->fault = rc == SKS_ERROR_EXTERNAL || rc == SKS_ERROR_STORAGE ? PARTY_NONE : PARTY_PROXY;
        trace_message(e->trace, &(struct trace_event){ .hop = HOP_ISSUER,
                                                       .name = "answer",
                                                       .status = reply->status,
                                                       .refused = e->err.text });
    } else if (reply->kind != REPLY_MESSAGE) {
        trace_answer(e, reply);
    }
    return rc;
}

/* An id is up to 32 characters, any of which may have to be escaped. */
static void put_resume(char *query, size_t size, struct bytes id)
{
    size_t used = (size_t)snprintf(query, size, "init=true&resume=");

    for (size_t i = 0; i < id.len && size - used > 3; i++) {
        bool plain = (id.ptr[i] >= '0' && id.ptr[i] <= '9') ||
                     (id.ptr[i] >= 'A' && id.ptr[i] <= 'Z') ||
                     (id.ptr[i] >= 'a' && id.ptr[i] <= 'z') || strchr("-._~", id.ptr[i]) != NULL;

        used += (size_t)snprintf(query + used, size - used, plain ? "%c" : "%%%02X", id.ptr[i]);
    }
}

enum sks_status issuer_begin(struct enrolment *e, struct issuer_reply *reply)
{
    char query[200] = "init=true";
    enum sks_status rc;

    if (e->resume)
        put_resume(query, sizeof query, e->server_session_id);
    trace_get(e, e->resume ? "?init=true&resume=..." : "?init=true");
    TRY(exchange(e, query, (struct bytes){ 0 }, reply));
    e->issuer_began = reply->kind == REPLY_MESSAGE;
out:
    return rc;
}

enum sks_status issuer_send(struct enrolment *e, const char *name, struct bytes message,
                            const char *altered, struct issuer_reply *reply)
{
    trace_message(e->trace, &(struct trace_event){ .hop = HOP_ISSUER,
                                                   .direction = DIRECTION_OUT,
                                                   .name = name,
                                                   .bytes = message.len,
                                                   .altered = altered });
    return exchange(e, NULL, message, reply);
}

void issuer_read_verdict(struct enrolment *e, const struct issuer_reply *reply,
                         struct issuer_verdict *verdict)
{
    struct trace_event line = { .hop = HOP_ISSUER };
    struct sks_error why = { 0 };
    char text[60];
    enum sks_status rc;

    *verdict = (struct issuer_verdict){ bytes_of(""), bytes_of(""), 0 };
    if (reply->location[0] == '\0')
        return;
    short_path(reply->location, text);
    trace_get(e, text);
    rc = issuer_link_verdict(e->issuer, reply->location, e->server_session_id, verdict, &e->arena,
                             &why);
    if (rc != SKS_OK)
        *verdict = (struct issuer_verdict){ bytes_of(""), bytes_of(""), 0 };
    (void)snprintf(text, sizeof text, "verdict \"%.*s\"", (int)verdict->verdict.len,
                   (const char *)verdict->verdict.ptr);
    log_clean(text);
    line.name = text;
    line.bytes = verdict->size;
    line.status = rc == SKS_OK ? 200 : 0;
    line.refused = rc == SKS_OK ? NULL : why.text;
    if (bytes_equal(verdict->verdict, bytes_of("succeeded")))
        line.verified = "closing proof, by the issuer";
    trace_message(e->trace, &line);
}

enum sks_status issuer_refused(struct enrolment *e, const struct issuer_reply *reply)
{
    struct issuer_verdict verdict;

    e->fault = PARTY_ISSUER;
    if (reply->kind == REPLY_REJECTED)
        return sks_fail(&e->err, SKS_ERROR_NOT_ALLOWED, "the issuer answered HTTP %u%s%s",
                        reply->status, reply->text[0] == '\0' ? "" : ": ", reply->text);
    if (reply->kind != REPLY_DONE && reply->kind != REPLY_FAILED && reply->kind != REPLY_AWAY) {
        e->fault = PARTY_NONE;
        return sks_fail(&e->err, SKS_ERROR_EXTERNAL, "the issuer answered HTTP %u", reply->status);
    }
    e->issuer_ended = true;
    if (reply->kind == REPLY_AWAY && reply->text[0] != '\0')
        return sks_fail(&e->err, SKS_ERROR_NOT_ALLOWED,
                        "the issuer ended the session and points to %s: is %s its public URL?",
                        reply->text, issuer_link_url(e->issuer));
    issuer_read_verdict(e, reply, &verdict);
    return sks_fail(&e->err, SKS_ERROR_NOT_ALLOWED, "the issuer failed the session%s%.*s",
                    verdict.cause.len == 0 ? "" : ": ", (int)verdict.cause.len,
                    (const char *)verdict.cause.ptr);
}

void issuer_give_up(struct enrolment *e)
{
    struct issuer_reply reply = { 0 };
    struct sks_error why = { 0 };
    enum sks_status rc;

    trace_get(e, "?abort=true");
    rc = issuer_link_exchange(e->issuer, "abort=true", (struct bytes){ 0 }, &reply, &why);
    if (rc == SKS_OK)
        trace_answer(e, &reply);
    issuer_reply_free(&reply);
}
