#include "matrix/rig.h"

#include "keygen2/base/files.h"
#include "matrix/effects.h"
#include "matrix/issuer_end.h"
#include "matrix/token_end.h"
#include "matrix/view.h"
#include "proxy/dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those that the user chooses, and those that profiles preset. */
enum { CHOSEN_PINS = 2 };
static const char *const PINS[] = { "4711", "159204", "271828", "314159", NULL };

static const char JSON_BODY[] = "application/json", OCTETS[] = "application/octet-stream";

struct rig {
    struct issuer_end *issuer;
    struct token_end *token;
    /* Of the session under way. */
    const struct sks_dialect *dialect;
    bool checking;   /* the middleware does */
    struct buf leaf; /* certificate that the issuer shows: nobody in the middle has another */
    struct attack *attack;
    run_watcher *watch;
    void *watch_ctx;
    struct run *run;
    bool given_up; /* the middleware says goodbye: nothing is attacked any more */
    volatile sig_atomic_t stop;
};

/* ---- its life ---- */

static enum sks_status make_folder(const char *folder, const char *name, char path[PATH_MAX],
                                   struct sks_error *err)
{
    enum sks_status rc;

    TRY(file_path(path, PATH_MAX, folder, name));
    rc = file_make_folder(path, 0700, err);
out:
    return rc;
}

static enum sks_status make_token(struct rig *rig, const char *folder, const struct rig_ends *ends,
                                  struct sks_error *err)
{
    return ends->token == NULL
               ? token_end_new(folder, ends->device, &rig->token, err)
               : token_end_elsewhere(ends->token, ends->timeout, ends->shared, &rig->token, err);
}

static enum sks_status make_issuer(struct rig *rig, const char *folder, const char *trust,
                                   const char *profiles, const struct rig_ends *ends,
                                   struct sks_error *err)
{
    return ends->issuer == NULL
               ? issuer_end_new(folder, ends->token == NULL ? trust : ends->trust, profiles,
                                &rig->issuer, err)
               : issuer_end_elsewhere(ends->issuer, ends->ca, ends->timeout, &rig->issuer, err);
}

enum sks_status rig_new(const char *folder, const char *profiles, const struct rig_ends *ends,
                        struct rig **rig, struct sks_error *err)
{
    char issuer[PATH_MAX], token[PATH_MAX], trust[PATH_MAX];
    struct rig *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *rig = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a rig");
    TRY(make_folder(folder, "issuer", issuer, err));
    TRY(make_folder(folder, "token", token, err));
    TRY(file_path(trust, sizeof trust, token, "device-ca.pem"));
    TRY(make_token(made, token, ends, err));
    TRY(make_issuer(made, issuer, trust, profiles, ends, err));
    TRY(rig_keep(made, err));
    *rig = made;
    made = NULL;
out:
    rig_free(made);
    return sks_explain(err, rc);
}

enum sks_status rig_keep(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    TRY(rig->token->kind->keep(rig->token, err));
    rc = rig->issuer->kind->keep(rig->issuer, err);
out:
    return rc;
}

enum sks_status rig_restore(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    TRY(rig->token->kind->restore(rig->token, err));
    rc = rig->issuer->kind->restore(rig->issuer, err);
out:
    return rc;
}

void rig_set_checking(struct rig *rig, bool checking)
{
    rig->checking = checking;
}

bool rig_resets(const struct rig *rig)
{
    return rig->token->kind->resets && rig->issuer->kind->resets;
}

enum sks_status rig_try_wrong_pins(struct rig *rig, struct sks_error *err)
{
    return token_end_try_wrong_pins(rig->token, err);
}

enum sks_status rig_view(struct rig *rig, bool drawn, json_t **view, struct sks_error *err)
{
    enum sks_status rc;

    TRY(token_end_view(rig->token, drawn, view, err));
    if (drawn)
        return SKS_OK;
    view_certificates(*view, rig->issuer);
    rc = effects_add(rig->token, PINS, *view, err);
    if (rc != SKS_OK) {
        json_decref(*view);
        *view = NULL;
    }
out:
    return rc;
}

void rig_limits(const struct rig *rig, json_t *texts)
{
    if (rig->issuer->kind->limits != NULL)
        rig->issuer->kind->limits(rig->issuer, texts);
    if (rig->token->kind->limits != NULL)
        rig->token->kind->limits(rig->token, texts);
}

void rig_free(struct rig *rig)
{
    if (rig == NULL)
        return;
    if (rig->token != NULL && !rig->token->kind->resets)
        (void)rig->token->kind->restore(rig->token, NULL);
    token_end_free(rig->token);
    issuer_end_free(rig->issuer);
    buf_free(&rig->leaf);
    free(rig);
}

/* ---- a message crosses ---- */

struct hop_message {
    const char *content_type;
    bool answer;
    struct message *asked; /* of an answer; of a request: out, its name and method */
};

static enum sks_status cross(struct rig *rig, struct hop_message *hop, struct buf *body,
                             struct attack_outcome *outcome, struct sks_error *err)
{
    const struct crossing crossing = { hop->content_type, hop->answer,
                                       hop->answer ? hop->asked : NULL, 1 };
    struct message message;
    enum sks_status rc;

    *outcome = (struct attack_outcome){ 0 };
    message_read(hop->content_type, buf_bytes(body), crossing.asked, &message);
    if (rig->watch != NULL && body->len > 0)
        rig->watch(rig->watch_ctx, &message, hop->answer, buf_bytes(body));
    message_free(&message);
    if (!hop->answer)
        *hop->asked = message;
    if (message.name[0] != '\0' && !rig->given_up)
        (void)snprintf(rig->run->at, sizeof rig->run->at, "%s %s%s",
                       name_of_value(HOP_NAMES, (uint8_t)message.hop), message.name,
                       message.hop == HOP_TOKEN && hop->answer ? " (answer)" : "");
    if (rig->attack == NULL || rig->given_up)
        return SKS_OK;
    rc = attack_apply(rig->attack, &crossing, body, outcome, err);
    rig->run->misfit = rig->run->misfit || rc != SKS_OK;
    rig->run->altered = rig->run->altered || outcome->fate != ATTACK_NOTHING;
    return rc;
}

/* ---- the hop to the issuer ---- */

/* A request as it goes out. */
struct way_out {
    const char *method, *url, *content_type, *accept;
};

static enum sks_status ask_issuer(struct rig *rig, const struct way_out *way, struct bytes body,
                                  struct http_exchange *exchange, struct sks_error *err)
{
    enum sks_status rc;

    TRY(rig->issuer->kind->exchange(rig->issuer, way->method, way->url, way->content_type,
                                    way->accept, body, exchange, err));
    buf_reset(&rig->leaf);
    put_raw(&rig->leaf, buf_bytes(&exchange->leaf));
    rc = sks_explain(err, rig->leaf.status);
out:
    return rc;
}

/* What comes back under an attack on the request. */
static enum sks_status send_request(struct rig *rig, const struct way_out *way, struct buf *body,
                                    const struct attack_outcome *outcome,
                                    struct http_exchange *exchange, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(outcome->fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    if (outcome->fate == ATTACK_ANSWERED) {
        exchange->status = outcome->status;
        (void)snprintf(exchange->content_type, sizeof exchange->content_type, "%s", JSON_BODY);
        put_raw(&exchange->body, buf_bytes(body));
        put_raw(&exchange->leaf, buf_bytes(&rig->leaf));
        return SKS_OK;
    }
    TRY(ask_issuer(rig, way, buf_bytes(body), exchange, err));
    if (outcome->fate == ATTACK_REPEATED)
        rc = ask_issuer(rig, way, buf_bytes(body), exchange, err);
out:
    return rc;
}

static enum sks_status issuer_exchange(void *ctx, const char *method, const char *url,
                                       const char *content_type, const char *accept,
                                       struct bytes body, struct http_exchange *exchange,
                                       struct sks_error *err)
{
    const struct way_out way = { method, url, content_type, accept };
    struct rig *rig = ctx;
    struct message asked = { 0 };
    struct hop_message request = { JSON_BODY, false, &asked }, answer = { JSON_BODY, true, &asked };
    struct attack_outcome outcome;
    struct buf text = { 0 };
    enum sks_status rc;

    rig->given_up = rig->given_up || strstr(url, "abort=true") != NULL;
    put_raw(&text, body);
    TRY(cross(rig, &request, &text, &outcome, err));
    exchange->sent = true;
    TRY(send_request(rig, &way, &text, &outcome, exchange, err));
    TRY(cross(rig, &answer, &exchange->body, &outcome, err));
    REQUIRE(outcome.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    exchange->status = outcome.status == 0 ? exchange->status : outcome.status;
out:
    buf_free(&text);
    return rc;
}

/* ---- the hop to the token ---- */

static enum sks_status call_token(struct rig *rig, struct bytes request, struct buf *answer,
                                  enum call_fate *fate, struct sks_error *err)
{
    return rig->token->kind->call(rig->token, rig->dialect, request, answer, fate, err);
}

static enum sks_status token_exchange(void *ctx, struct bytes request, struct buf *answer,
                                      enum call_fate *fate, struct sks_error *err)
{
    struct rig *rig = ctx;
    struct message asked = { 0 };
    struct hop_message out = { OCTETS, false, &asked }, in = { OCTETS, true, &asked };
    struct attack_outcome outcome;
    struct buf body = { 0 };
    enum sks_status rc;

    rig->given_up =
        rig->given_up || (request.len > 0 && request.ptr[0] == ABORT_PROVISIONING_SESSION);
    *fate = CALL_UNANSWERED;
    put_raw(&body, request);
    TRY(cross(rig, &out, &body, &outcome, err));
    REQUIRE(outcome.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    if (outcome.fate == ATTACK_ANSWERED) {
        put_raw(answer, buf_bytes(&body));
    } else {
        TRY(call_token(rig, buf_bytes(&body), answer, fate, err));
        if (outcome.fate == ATTACK_REPEATED) {
            buf_reset(answer);
            TRY(call_token(rig, buf_bytes(&body), answer, fate, err));
        }
    }
    TRY(cross(rig, &in, answer, &outcome, err));
    REQUIRE(outcome.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    rc = sks_explain(err, answer->status);
out:
    buf_free(&body);
    return rc;
}

static void token_path(void *ctx, const char *path)
{
    struct rig *rig = ctx;

    rig->dialect = strcmp(path, SKS_DIALECT_2010.path) == 0 ? &SKS_DIALECT_2010 : &SKS_DIALECT_107;
}

/* ---- a session ---- */

static void take_outcome(const struct outcome *outcome, struct run *run)
{
    static const enum run_party PARTY[] = {
        [PARTY_NONE] = RUN_NOBODY,
        [PARTY_TOKEN] = RUN_TOKEN,
        [PARTY_ISSUER] = RUN_ISSUER,
        [PARTY_PROXY] = RUN_MIDDLEWARE,
    };

    run->end = outcome->kind == OUTCOME_SUCCEEDED ? RUN_SUCCEEDED
               : outcome->kind == OUTCOME_REFUSED ? RUN_REFUSED
               : outcome->kind == OUTCOME_ERROR   ? RUN_ERROR
                                                  : RUN_IN_DOUBT;
    run->by = run->end == RUN_REFUSED ? PARTY[outcome->detected_by] : RUN_NOBODY;
    (void)snprintf(run->cause, sizeof run->cause, "%s", outcome->cause);
}

static enum sks_status open_links(struct rig *rig, const char *profile, struct enrolment *e,
                                  struct sks_error *err)
{
    const struct issuer_transport issuer = { .ctx = rig, .exchange = issuer_exchange };
    const struct token_transport token = { rig, token_exchange, NULL, token_path, NULL };
    const struct user_config user = {
        .yes = true, .pins = PINS, .pin_count = CHOSEN_PINS, .stop = &rig->stop
    };
    char url[SKS_URI_MAX + 100];
    enum sks_status rc;

    rig->issuer->kind->url(rig->issuer, profile, url, sizeof url);
    TRY(rig->issuer->kind->begin(rig->issuer, err));
    TRY(issuer_link_open_over(url, &issuer, &e->issuer, err));
    TRY(token_link_open_over(&token, &(struct token_link_config){ 0 }, &e->tokens[0], err));
    e->token_count = 1;
    TRY(user_open(&user, &e->user, err));
    rc = trace_open(false, NULL, &e->trace, err);
out:
    return rc;
}

enum sks_status rig_run(struct rig *rig, const char *profile, struct attack *attack,
                        run_watcher *watch, void *ctx, struct run *run, struct sks_error *err)
{
    struct enrolment e = { .stop = &rig->stop,
                           .logotypes = logotype_defaults(),
                           .blind = !rig->checking };
    struct outcome outcome = { 0 };
    enum sks_status rc;

    *run = (struct run){ 0 };
    rig->dialect = &SKS_DIALECT_107;
    buf_reset(&rig->leaf);
    rig->given_up = false;
    rig->attack = attack;
    rig->watch = watch;
    rig->watch_ctx = ctx;
    rig->run = run;
    TRY(open_links(rig, profile, &e, err));
    dialogue_run(&e, &outcome);
    take_outcome(&outcome, run);
    TRY(token_end_expire(rig->token, err));
    rc = rig->issuer->kind->count(rig->issuer, run->verdict, err);
out:
    for (size_t i = 0; i < e.token_count; i++)
        token_link_close(e.tokens[i]);
    issuer_link_close(e.issuer);
    trace_close(e.trace);
    user_close(e.user);
    arena_free(&e.arena);
    return rc;
}
