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
    bool checking; /* the middleware does */
    char cookie[64];
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

enum sks_status rig_new(const char *folder, const char *profiles, struct rig **rig,
                        struct sks_error *err)
{
    char issuer[PATH_MAX], token[PATH_MAX], trust[PATH_MAX];
    struct rig *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *rig = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a rig");
    TRY(make_folder(folder, "issuer", issuer, err));
    TRY(make_folder(folder, "token", token, err));
    TRY(file_path(trust, sizeof trust, token, "device-ca.pem"));
    TRY(token_end_new(token, &made->token, err));
    TRY(issuer_end_new(issuer, trust, profiles, &made->issuer, err));
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

    TRY(token_end_keep(rig->token, err));
    rc = issuer_end_keep(rig->issuer, err);
out:
    return rc;
}

enum sks_status rig_restore(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    TRY(token_end_restore(rig->token, err));
    rc = issuer_end_restore(rig->issuer, err);
out:
    return rc;
}

void rig_set_checking(struct rig *rig, bool checking)
{
    rig->checking = checking;
}

void rig_try_wrong_pins(struct rig *rig)
{
    token_end_try_wrong_pins(rig->token);
}

json_t *rig_view(struct rig *rig, bool drawn)
{
    json_t *view = token_end_view(rig->token, drawn);

    if (!drawn) {
        view_certificates(view, issuer_end_ca(rig->issuer));
        effects_add(rig->token, PINS, view);
    }
    return view;
}

void rig_free(struct rig *rig)
{
    if (rig == NULL)
        return;
    token_end_free(rig->token);
    issuer_end_free(rig->issuer);
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

static void ask_issuer(struct rig *rig, const char *method, const char *url, struct bytes body,
                       struct http_exchange *exchange)
{
    struct issuer_answer answer = { 0 };

    issuer_end_request(rig->issuer, method, url + strlen(MATRIX_ORIGIN),
                       rig->cookie[0] == '\0' ? NULL : rig->cookie, body, &answer);
    if (answer.cookie[0] != '\0')
        memcpy(rig->cookie, answer.cookie, sizeof rig->cookie);
    exchange->status = answer.status;
    (void)snprintf(exchange->content_type, sizeof exchange->content_type, "%s",
                   answer.content_type == NULL ? "" : answer.content_type);
    (void)snprintf(exchange->location, sizeof exchange->location, "%s", answer.location);
    buf_free(&exchange->body);
    exchange->body = answer.body;
}

/* What comes back under an attack on the request. */
static enum sks_status send_request(struct rig *rig, const char *method, const char *url,
                                    struct buf *body, const struct attack_outcome *outcome,
                                    struct http_exchange *exchange, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(outcome->fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    if (outcome->fate == ATTACK_ANSWERED) {
        exchange->status = outcome->status;
        (void)snprintf(exchange->content_type, sizeof exchange->content_type, "%s", JSON_BODY);
        put_raw(&exchange->body, buf_bytes(body));
        return SKS_OK;
    }
    ask_issuer(rig, method, url, buf_bytes(body), exchange);
    if (outcome->fate == ATTACK_REPEATED)
        ask_issuer(rig, method, url, buf_bytes(body), exchange);
out:
    return rc;
}

static enum sks_status issuer_exchange(void *ctx, const char *method, const char *url,
                                       const char *content_type, const char *accept,
                                       struct bytes body, struct http_exchange *exchange,
                                       struct sks_error *err)
{
    struct rig *rig = ctx;
    struct message asked = { 0 };
    struct hop_message request = { JSON_BODY, false, &asked }, answer = { JSON_BODY, true, &asked };
    struct attack_outcome outcome;
    struct buf text = { 0 };
    enum sks_status rc;

    (void)content_type, (void)accept;
    rig->given_up = rig->given_up || strstr(url, "abort=true") != NULL;
    put_raw(&text, body);
    TRY(cross(rig, &request, &text, &outcome, err));
    exchange->sent = true;
    TRY(send_request(rig, method, url, &text, &outcome, exchange, err));
    TRY(cross(rig, &answer, &exchange->body, &outcome, err));
    REQUIRE(outcome.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    exchange->status = outcome.status == 0 ? exchange->status : outcome.status;
out:
    buf_free(&text);
    return rc;
}

/* ---- the hop to the token ---- */

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
        token_end_call(rig->token, rig->dialect, buf_bytes(&body), answer);
        if (outcome.fate == ATTACK_REPEATED) {
            buf_reset(answer);
            token_end_call(rig->token, rig->dialect, buf_bytes(&body), answer);
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
    char url[200];
    enum sks_status rc;

    (void)snprintf(url, sizeof url, MATRIX_ORIGIN "/kg2/%s", profile);
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
    rig->cookie[0] = '\0';
    rig->given_up = false;
    rig->attack = attack;
    rig->watch = watch;
    rig->watch_ctx = ctx;
    rig->run = run;
    TRY(open_links(rig, profile, &e, err));
    dialogue_run(&e, &outcome);
    take_outcome(&outcome, run);
    token_end_expire(rig->token);
    rc = issuer_end_count(rig->issuer, run->verdict, err);
out:
    for (size_t i = 0; i < e.token_count; i++)
        token_link_close(e.tokens[i]);
    issuer_link_close(e.issuer);
    trace_close(e.trace);
    user_close(e.user);
    arena_free(&e.arena);
    return rc;
}
