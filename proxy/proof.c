#include "proxy/proof.h"

#include "keygen2/base/json.h"
#include "keygen2/base/log.h"
#include "proxy/suspended.h"

#include <stdio.h>
#include <string.h>

struct sending {
    const struct proof_config *config;
    struct sks_error *err;
};

/* ---- one session ---- */

static void set_cause(struct proof_result *result, enum outcome_kind kind, const char *text)
{
    result->kind = kind;
    (void)snprintf(result->cause, sizeof result->cause, "%s", text);
    log_clean(result->cause);
}

/* As the dialogue does it: only the issuer's own word is a success. */
static void read_verdict(struct issuer_link *link, const struct issuer_reply *reply,
                         struct proof_result *result)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct issuer_verdict verdict;
    char text[600];

    if (issuer_link_verdict(link, reply->location, result->server_session_id, &verdict, &arena,
                            &err) != SKS_OK) {
        set_cause(result, reply->kind == REPLY_FAILED ? OUTCOME_REFUSED : OUTCOME_IN_DOUBT,
                  reply->kind == REPLY_FAILED ? "the issuer failed the session" : err.text);
    } else if (reply->kind == REPLY_DONE && bytes_equal(verdict.verdict, bytes_of("succeeded"))) {
        set_cause(result, OUTCOME_SUCCEEDED, "");
    } else if (bytes_equal(verdict.verdict, bytes_of("failed"))) {
        (void)snprintf(text, sizeof text, "the issuer failed the session: %.*s",
                       (int)verdict.cause.len, (const char *)verdict.cause.ptr);
        set_cause(result, OUTCOME_REFUSED, text);
    } else {
        set_cause(result, OUTCOME_IN_DOUBT, "the issuer is in doubt");
    }
    arena_free(&arena);
}

static void read_reply(struct issuer_link *link, const struct issuer_reply *reply,
                       struct proof_result *result)
{
    char text[100];

    if (reply->kind == REPLY_DONE || reply->kind == REPLY_FAILED) {
        read_verdict(link, reply, result);
        return;
    }
    (void)snprintf(text, sizeof text,
                   "the issuer answered the closing proof with HTTP %u, not with its verdict",
                   reply->status);
    set_cause(result, OUTCOME_IN_DOUBT, text);
}

static enum sks_status send_proof(const struct suspended *session,
                                  const struct issuer_link_config *config,
                                  struct proof_result *result, struct sks_error *err)
{
    struct issuer_link *link = NULL;
    struct issuer_reply reply = { 0 };
    struct sks_error why = { 0 };
    char url[SKS_URI_MAX + 1];
    enum sks_status rc;

    TRY(sks_explain(err, bytes_to_text(session->issuer_uri, url, sizeof url)));
    TRY(issuer_link_open(url, config, &link, err));
    TRY(sks_explain(err, issuer_link_add_cookies(link, session->cookies)));
    if (issuer_link_exchange(link, NULL, session->proof, &reply, &why) == SKS_OK)
        read_reply(link, &reply, result);
    else
        set_cause(result, OUTCOME_IN_DOUBT, why.text);
out:
    issuer_reply_free(&reply);
    issuer_link_close(link);
    return rc;
}

/* "http(s)://HOST:PORT": whatever the profile, it is one issuer. */
static struct bytes origin_of(struct bytes uri)
{
    size_t len = 0, slashes = 0;

    while (len < uri.len && (slashes += uri.ptr[len] == '/') < 3)
        len++;
    return bytes_at(uri.ptr, len);
}

static bool is_wanted(const struct proof_config *config, const struct suspended *session)
{
    return (config->issuer_uri == NULL ||
            bytes_equal(origin_of(bytes_of(config->issuer_uri)), origin_of(session->issuer_uri))) &&
           (config->session == NULL ||
            bytes_equal(bytes_of(config->session), session->server_session_id));
}

static enum sks_status visit(void *ctx, const struct suspended *session)
{
    const struct sending *sending = ctx;
    const struct proof_config *config = sending->config;
    struct proof_result result = { .issuer_uri = session->issuer_uri,
                                   .server_session_id = session->server_session_id,
                                   .kind = OUTCOME_PENDING };
    enum sks_status rc = SKS_OK;

    if (!is_wanted(config, session))
        return SKS_OK;
    if (config->forget)
        set_cause(&result, OUTCOME_REFUSED, "forgotten");
    else if (session->proof.len > 0)
        TRY(send_proof(session, &config->link, &result, sending->err));
    if (result.kind == OUTCOME_SUCCEEDED || result.kind == OUTCOME_REFUSED)
        suspended_remove(config->state_folder, session->issuer_uri, session->server_session_id);
    config->told(config->ctx, &result);
out:
    return rc;
}

enum sks_status proof_send_all(const struct proof_config *config, struct sks_error *err)
{
    struct sending sending = { config, err };

    return suspended_each(config->state_folder, visit, &sending, err);
}

/* ---- telling ---- */

static const char *text_of(const struct proof_result *result)
{
    switch (result->kind) {
    case OUTCOME_SUCCEEDED:
        return "succeeded";
    case OUTCOME_REFUSED:
        return "refused";
    case OUTCOME_PENDING:
        return "pending";
    default:
        return "in doubt";
    }
}

void proof_log(void *ctx, const struct proof_result *result)
{
    (void)ctx;
    if (result->kind != OUTCOME_PENDING)
        (void)fprintf(stderr, "sks-proxy: session %.*s, whose closing proof was kept: %s%s%s\n",
                      (int)result->server_session_id.len,
                      (const char *)result->server_session_id.ptr, text_of(result),
                      result->cause[0] == '\0' ? "" : ": ", result->cause);
}

struct report {
    json_t *list; /* NULL: lines for people */
    bool in_doubt, refused;
    size_t count;
};

static void report_one(void *ctx, const struct proof_result *result)
{
    struct report *report = ctx;

    report->count++;
    report->in_doubt |= result->kind == OUTCOME_IN_DOUBT;
    report->refused |= result->kind == OUTCOME_REFUSED;
    if (report->list != NULL)
        (void)json_array_append_new(report->list,
                                    json_pack("{s:o, s:o, s:s, s:s}", "serverSessionId",
                                              json_text(result->server_session_id), "issuerUri",
                                              json_text(result->issuer_uri), "outcome",
                                              text_of(result), "cause", result->cause));
    else
        (void)printf("session %.*s at %.*s: %s%s%s\n", (int)result->server_session_id.len,
                     (const char *)result->server_session_id.ptr, (int)result->issuer_uri.len,
                     (const char *)result->issuer_uri.ptr, text_of(result),
                     result->cause[0] == '\0' ? "" : ": ", result->cause);
}

static void print_list(json_t *list)
{
    (void)program_print_json(json_pack("{s:O}", "sessions", list), JSON_INDENT(2));
}

enum exit_code proof_resume(struct proof_config *config, bool json)
{
    struct report report = { .list = json ? json_array() : NULL };
    struct sks_error err = { 0 };
    enum sks_status rc;

    config->told = report_one;
    config->ctx = &report;
    rc = proof_send_all(config, &err);
    if (json)
        print_list(report.list);
    else if (report.count == 0)
        (void)printf("nothing is kept\n");
    json_decref(report.list);
    if (rc != SKS_OK)
        return program_fail(program_exit_code(rc), "%s", err.text);
    if (config->forget)
        return report.count > 0 ? EXIT_DONE : EXIT_REFUSED;
    return report.in_doubt ? EXIT_IN_DOUBT : report.refused ? EXIT_REFUSED : EXIT_DONE;
}
