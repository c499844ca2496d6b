#include "matrix/rig.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "matrix/effects.h"
#include "matrix/issuer_end.h"
#include "matrix/token_end.h"
#include "matrix/view.h"
#include "proxy/dialogue.h"
#include "proxy/suspended.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTHORITIES_MAX = 64 * 1024 };

/* Those that the user chooses, and those that profiles preset. */
enum { CHOSEN_PINS = 2 };
static const char *const PINS[] = { "4719", "159204", "271828", "314159", "Sig-4710", NULL };

static const char JSON_BODY[] = "application/json", OCTETS[] = "application/octet-stream";

/* A middleware between the issuer and one token. */
struct client {
    struct issuer_end *issuer;
    struct token_end *token;
    uint32_t connection;
    bool used;              /* since the state that was kept */
    bool checking;          /* the middleware does */
    char waiting[PATH_MAX]; /* folder of sessions that wait for the issuer; "": none may */
    volatile sig_atomic_t stop;
    /* Of the session under way. */
    const struct sks_dialect *dialect;
    struct buf leaf; /* certificate that the issuer shows: nobody in the middle has another */
    struct attack *attack;
    run_watcher *watch;
    void *watch_ctx;
    struct run *run;
    int64_t ahead; /* seconds by which its messages were held back */
    bool leaving;  /* it gives up once the attack has hit */
    bool given_up; /* the middleware says goodbye: nothing is attacked any more */
};

struct rig {
    struct client client[2]; /* by enum rig_device; the second has no ends if one is elsewhere */
    struct key_dealer dealer;
    char waiting[PATH_MAX];
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
    struct token_end **token = &rig->client[RIG_DEVICE].token;

    return ends->token == NULL
               ? token_end_new(folder, ends->device, &rig->dealer.maker, token, err)
               : token_end_elsewhere(ends->token, ends->timeout, ends->shared, token, err);
}

static enum sks_status make_issuer(struct rig *rig, const char *folder, const char *trust,
                                   const char *profiles, const struct rig_ends *ends,
                                   struct sks_error *err)
{
    struct issuer_end **issuer = &rig->client[RIG_DEVICE].issuer;

    return ends->issuer == NULL
               ? issuer_end_new(folder, ends->token == NULL ? trust : ends->trust, profiles,
                                &rig->dealer.maker, issuer, err)
               : issuer_end_elsewhere(ends->issuer, ends->ca, ends->timeout, issuer, err);
}

/* Another device, of another vendor, which the issuer trusts as well. */
static enum sks_status make_other(struct rig *rig, const char *folder, const char *trust,
                                  struct sks_error *err)
{
    struct client *other = &rig->client[RIG_OTHER_DEVICE];
    struct buf authorities = { 0 };
    char path[PATH_MAX], authority[PATH_MAX];
    enum sks_status rc;

    TRY(make_folder(folder, "other-token", path, err));
    TRY(token_end_new(path, NULL, &rig->dealer.maker, &other->token, err));
    TRY(file_path(authority, sizeof authority, path, "device-ca.pem"));
    TRY(file_read(trust, AUTHORITIES_MAX, &authorities, err));
    TRY(file_read(authority, AUTHORITIES_MAX, &authorities, err));
    rc = file_write(trust, 0600, buf_bytes(&authorities), err);
out:
    buf_free(&authorities);
    return rc;
}

enum sks_status rig_new(const char *folder, const char *profiles, const struct rig_ends *ends,
                        struct rig **rig, struct sks_error *err)
{
    char issuer[PATH_MAX], token[PATH_MAX], trust[PATH_MAX];
    struct rig *made = calloc(1, sizeof *made);
    bool other = !rig_is_elsewhere(ends);
    enum sks_status rc;

    *rig = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a rig");
    TRY(make_folder(folder, "issuer", issuer, err));
    TRY(make_folder(folder, "token", token, err));
    TRY(file_path(trust, sizeof trust, token, "device-ca.pem"));
    TRY(make_folder(folder, "waiting", made->waiting, err));
    key_dealer_begin(&made->dealer, ends->keys);
    TRY(make_token(made, token, ends, err));
    if (other)
        TRY(make_other(made, folder, trust, err));
    TRY(make_issuer(made, issuer, trust, profiles, ends, err));
    if (other)
        TRY(issuer_end_client(made->client[RIG_DEVICE].issuer,
                              &made->client[RIG_OTHER_DEVICE].issuer, err));
    for (uint32_t i = 0; i < NITEMS(made->client); i++)
        made->client[i].connection = i + 1;
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

    key_dealer_keep(&rig->dealer);
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        if (rig->client[i].token != NULL)
            TRY(rig->client[i].token->kind->keep(rig->client[i].token, err));
    rc = rig->client[RIG_DEVICE].issuer->kind->keep(rig->client[RIG_DEVICE].issuer, err);
out:
    return rc;
}

enum sks_status rig_restore(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    key_dealer_restore(&rig->dealer);
    clock_set_ahead(0);
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        if (rig->client[i].used) {
            TRY(rig->client[i].token->kind->restore(rig->client[i].token, err));
            rig->client[i].used = i == RIG_DEVICE;
        }
    rc = rig->client[RIG_DEVICE].issuer->kind->restore(rig->client[RIG_DEVICE].issuer, err);
out:
    return rc;
}

void rig_set_checking(struct rig *rig, bool checking)
{
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        rig->client[i].checking = checking;
}

void rig_set_waiting(struct rig *rig, bool waiting)
{
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        (void)snprintf(rig->client[i].waiting, PATH_MAX, "%s", waiting ? rig->waiting : "");
}

bool rig_resets(const struct rig *rig)
{
    const struct client *c = &rig->client[RIG_DEVICE];

    return c->token->kind->resets && c->issuer->kind->resets;
}

bool rig_has_other(const struct rig *rig)
{
    return rig->client[RIG_OTHER_DEVICE].token != NULL;
}

enum sks_status rig_roll_over(struct rig *rig, struct sks_error *err)
{
    struct issuer_end *issuer = rig->client[RIG_DEVICE].issuer;

    return issuer->kind->roll_over != NULL
               ? issuer->kind->roll_over(issuer, err)
               : sks_fail(err, SKS_ERROR_NOT_ALLOWED,
                          "the issuer's key management key cannot be rolled over from here");
}

enum sks_status rig_try_wrong_pins(struct rig *rig, enum rig_device device, struct sks_error *err)
{
    return token_end_try_wrong_pins(rig->client[device].token, err);
}

enum sks_status rig_view(struct rig *rig, enum rig_device device, bool drawn, json_t **view,
                         struct sks_error *err)
{
    struct client *c = &rig->client[device];
    enum sks_status rc;

    TRY(token_end_view(c->token, drawn, view, err));
    if (drawn)
        return SKS_OK;
    view_certificates(*view, c->issuer);
    rc = effects_add(c->token, PINS, *view, err);
    if (rc != SKS_OK) {
        json_decref(*view);
        *view = NULL;
    }
out:
    return rc;
}

void rig_limits(const struct rig *rig, json_t *texts)
{
    const struct client *c = &rig->client[RIG_DEVICE];

    if (!rig_has_other(rig))
        (void)json_array_append_new(
            texts, json_string("not tried with an end elsewhere: what takes another session or "
                               "device, and messages held back past the life of a session"));
    if (c->issuer->kind->limits != NULL)
        c->issuer->kind->limits(c->issuer, texts);
    if (c->token->kind->limits != NULL)
        c->token->kind->limits(c->token, texts);
}

void rig_free(struct rig *rig)
{
    struct token_end *token;

    if (rig == NULL)
        return;
    token = rig->client[RIG_DEVICE].token;
    if (token != NULL && !token->kind->resets)
        (void)token->kind->restore(token, NULL);
    for (size_t i = NITEMS(rig->client); i-- > 0;) {
        token_end_free(rig->client[i].token);
        issuer_end_free(rig->client[i].issuer);
        buf_free(&rig->client[i].leaf);
    }
    clock_set_ahead(0);
    free(rig);
}

/* ---- a message crosses ---- */

struct hop_message {
    const char *content_type;
    bool answer;
    struct message *asked; /* of an answer; of a request: out, its name and method */
    const char *http;      /* what HTTP says of a message that has no name */
    unsigned status;       /* of an answer */
};

/* NULL if there are too many. */
static struct run_arrow *note_arrow(struct client *c, const struct hop_message *hop,
                                    const struct message *message)
{
    struct run_arrow *arrow = &c->run->arrow[c->run->arrows];

    if (c->run->arrows == RUN_ARROWS_MAX)
        return NULL;
    c->run->arrows++;
    *arrow = (struct run_arrow){ .hop = (uint8_t)message->hop,
                                 .answer = hop->answer,
                                 .goodbye = c->given_up,
                                 .status = (uint16_t)hop->status };
    (void)snprintf(arrow->name, sizeof arrow->name, "%s",
                   message->name[0] == '\0' ? hop->http : message->name);
    return arrow;
}

static enum sks_status cross(struct client *c, struct hop_message *hop, struct buf *body,
                             struct attack_outcome *outcome, struct sks_error *err)
{
    const struct crossing crossing = { hop->content_type, hop->answer,
                                       hop->answer ? hop->asked : NULL, c->connection };
    struct message message;
    struct run_arrow *arrow;
    enum sks_status rc;

    *outcome = (struct attack_outcome){ 0 };
    message_read(hop->content_type, buf_bytes(body), crossing.asked, &message);
    if (c->watch != NULL && body->len > 0)
        c->watch(c->watch_ctx, &message, hop->answer, buf_bytes(body));
    message_free(&message);
    arrow = note_arrow(c, hop, &message);
    if (!hop->answer)
        *hop->asked = message;
    if (message.name[0] != '\0' && !c->given_up)
        (void)snprintf(c->run->at, sizeof c->run->at, "%s %s%s",
                       name_of_value(HOP_NAMES, (uint8_t)message.hop), message.name,
                       message.hop == HOP_TOKEN && hop->answer ? " (answer)" : "");
    if (c->attack == NULL || c->given_up)
        return SKS_OK;
    rc = attack_apply(c->attack, &crossing, body, outcome, err);
    c->run->misfit = c->run->misfit || rc != SKS_OK;
    c->run->altered = c->run->altered || outcome->fate != ATTACK_NOTHING;
    if (outcome->seconds > 0)
        clock_set_ahead(c->ahead += outcome->seconds);
    if (arrow != NULL)
        arrow->fate = (uint8_t)outcome->fate;
    return rc;
}

/* Whoever is there only to have a message exchanged does nothing more. */
static enum sks_status go_on(const struct client *c, struct sks_error *err)
{
    return !c->leaving || c->given_up || !c->run->altered
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "no answer");
}

/* ---- the hop to the issuer ---- */

/* A request as it goes out. */
struct way_out {
    const char *method, *url, *content_type, *accept;
};

static enum sks_status ask_issuer(struct client *c, const struct way_out *way, struct bytes body,
                                  struct http_exchange *exchange, struct sks_error *err)
{
    enum sks_status rc;

    TRY(c->issuer->kind->exchange(c->issuer, way->method, way->url, way->content_type, way->accept,
                                  body, exchange, err));
    buf_reset(&c->leaf);
    put_raw(&c->leaf, buf_bytes(&exchange->leaf));
    rc = sks_explain(err, c->leaf.status);
out:
    return rc;
}

/* What comes back under an attack on the request. */
static enum sks_status send_request(struct client *c, const struct way_out *way, struct buf *body,
                                    const struct attack_outcome *outcome,
                                    struct http_exchange *exchange, struct sks_error *err)
{
    struct http_exchange late = { 0 }; /* nobody asks for that answer any more */
    enum sks_status rc = SKS_OK;

    REQUIRE(outcome->fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    if (outcome->fate == ATTACK_ANSWERED) {
        exchange->status = outcome->status;
        (void)snprintf(exchange->content_type, sizeof exchange->content_type, "%s", JSON_BODY);
        put_raw(&exchange->body, buf_bytes(body));
        put_raw(&exchange->leaf, buf_bytes(&c->leaf));
        return SKS_OK;
    }
    TRY(ask_issuer(c, way, buf_bytes(body), exchange, err));
    if (outcome->fate == ATTACK_REPEATED)
        TRY(ask_issuer(c, way, buf_bytes(body), exchange, err));
    if (outcome->behind.len > 0)
        rc = ask_issuer(c, way, buf_bytes(&outcome->behind), &late, err);
out:
    buf_free(&late.body);
    buf_free(&late.leaf);
    return rc;
}

/* What HTTP says of a message without a name: "GET ?init=true", "GET /done", "HTTP 302 to /done".
 */
static void name_by_http(const char *begin, const char *url, char name[RUN_ARROW_NAME_MAX])
{
    const char *host = strstr(url, "://"), *query = strchr(url, '?'), *path = "";
    int len = 0;

    if (query != NULL) {
        path = query;
        len = (int)strlen(query);
    } else if (host != NULL) {
        path = host + 3 + strcspn(host + 3, "/");
        len = path[0] == '\0' ? 0 : 1 + (int)strcspn(path + 1, "/");
    }
    (void)snprintf(name, RUN_ARROW_NAME_MAX, "%s%.*s", begin, len, path);
}

static enum sks_status issuer_exchange(void *ctx, const char *method, const char *url,
                                       const char *content_type, const char *accept,
                                       struct bytes body, struct http_exchange *exchange,
                                       struct sks_error *err)
{
    const struct way_out way = { method, url, content_type, accept };
    struct client *c = ctx;
    struct message asked = { 0 };
    char begin[24], asks[RUN_ARROW_NAME_MAX], says[RUN_ARROW_NAME_MAX];
    struct hop_message request = { JSON_BODY, false, &asked, asks, 0 };
    struct hop_message answer = { JSON_BODY, true, &asked, says, 0 };
    struct attack_outcome outcome = { 0 }, back = { 0 };
    struct buf text = { 0 };
    enum sks_status rc;

    c->given_up = c->given_up || strstr(url, "abort=true") != NULL;
    TRY(go_on(c, err));
    (void)snprintf(begin, sizeof begin, "%s ", method);
    name_by_http(begin, url, asks);
    put_raw(&text, body);
    TRY(cross(c, &request, &text, &outcome, err));
    exchange->sent = true;
    TRY(send_request(c, &way, &text, &outcome, exchange, err));
    answer.status = exchange->status;
    (void)snprintf(begin, sizeof begin, "HTTP %u%s", exchange->status,
                   exchange->location[0] == '\0' ? "" : " to ");
    name_by_http(begin, exchange->location, says);
    TRY(cross(c, &answer, &exchange->body, &back, err));
    REQUIRE(back.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    exchange->status = back.status == 0 ? exchange->status : back.status;
out:
    buf_free(&outcome.behind);
    buf_free(&text);
    return rc;
}

/* ---- the hop to the token ---- */

static enum sks_status call_token(struct client *c, struct bytes request, struct buf *answer,
                                  enum call_fate *fate, struct sks_error *err)
{
    return c->token->kind->call(c->token, c->dialect, request, answer, fate, err);
}

static enum sks_status token_exchange(void *ctx, struct bytes request, struct buf *answer,
                                      enum call_fate *fate, struct sks_error *err)
{
    struct client *c = ctx;
    struct message asked = { 0 };
    struct hop_message out = { OCTETS, false, &asked, "octets", 0 };
    struct hop_message in = { OCTETS, true, &asked, "octets", 0 };
    struct attack_outcome outcome = { 0 }, back = { 0 };
    struct buf body = { 0 }, late = { 0 }; /* late: an answer that nobody asks for any more */
    enum sks_status rc;

    c->given_up = c->given_up || (request.len > 0 && request.ptr[0] == ABORT_PROVISIONING_SESSION);
    *fate = CALL_UNANSWERED;
    TRY(go_on(c, err));
    put_raw(&body, request);
    TRY(cross(c, &out, &body, &outcome, err));
    REQUIRE(outcome.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    if (outcome.fate == ATTACK_ANSWERED) {
        put_raw(answer, buf_bytes(&body));
    } else {
        TRY(call_token(c, buf_bytes(&body), answer, fate, err));
        if (outcome.fate == ATTACK_REPEATED) {
            buf_reset(answer);
            TRY(call_token(c, buf_bytes(&body), answer, fate, err));
        }
        if (outcome.behind.len > 0)
            TRY(call_token(c, buf_bytes(&outcome.behind), &late, fate, err));
    }
    in.status = answer->len > 0 ? answer->ptr[0] : 0;
    TRY(cross(c, &in, answer, &back, err));
    REQUIRE(back.fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "no answer");
    rc = sks_explain(err, answer->status);
out:
    buf_free(&outcome.behind);
    buf_free(&late);
    buf_free(&body);
    return rc;
}

static void token_path(void *ctx, const char *path)
{
    struct client *c = ctx;

    c->dialect = strcmp(path, SKS_DIALECT_2010.path) == 0 ? &SKS_DIALECT_2010 : &SKS_DIALECT_107;
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

static enum sks_status open_links(struct client *c, const char *profile, struct enrolment *e,
                                  struct sks_error *err)
{
    const struct issuer_transport issuer = { .ctx = c, .exchange = issuer_exchange };
    const struct token_transport token = { c, token_exchange, NULL, token_path, NULL };
    const struct user_config user = {
        .yes = true, .pins = PINS, .pin_count = CHOSEN_PINS, .stop = &c->stop
    };
    char url[SKS_URI_MAX + 100];
    enum sks_status rc;

    c->issuer->kind->url(c->issuer, profile, url, sizeof url);
    TRY(issuer_link_open_over(url, &issuer, &e->issuer, err));
    TRY(token_link_open_over(&token, &(struct token_link_config){ 0 }, &e->tokens[0], err));
    e->token_count = 1;
    TRY(user_open(&user, &e->user, err));
    rc = trace_open(false, NULL, &e->trace, err);
out:
    return rc;
}

/* One visit of the middleware at the issuer. @param pending out: id of a session that now waits */
static enum sks_status visit(struct client *c, const char *profile, bool resume, char pending[80],
                             struct sks_error *err)
{
    struct enrolment e = { .stop = &c->stop,
                           .logotypes = logotype_defaults(),
                           .blind = !c->checking,
                           .resume = resume,
                           .state_folder = c->waiting[0] == '\0' ? NULL : c->waiting };
    struct outcome outcome = { 0 };
    enum sks_status rc;

    pending[0] = '\0';
    c->dialect = &SKS_DIALECT_107;
    buf_reset(&c->leaf);
    c->given_up = false;
    TRY(open_links(c, profile, &e, err));
    dialogue_run(&e, &outcome);
    take_outcome(&outcome, c->run);
    if (outcome.kind == OUTCOME_PENDING)
        rc = bytes_to_text(outcome.server_session_id, pending, 80);
    else
        suspended_remove(c->waiting, bytes_of(issuer_link_url(e.issuer)),
                         outcome.server_session_id);
out:
    for (size_t i = 0; i < e.token_count; i++)
        token_link_close(e.tokens[i]);
    issuer_link_close(e.issuer);
    trace_close(e.trace);
    user_close(e.user);
    arena_free(&e.arena);
    return rc;
}

/* The operator approves of what waits, and the middleware comes back. */
static enum sks_status run_session(struct client *c, const char *profile, struct sks_error *err)
{
    struct sks_error why = { 0 };
    char pending[80];
    enum sks_status rc;

    c->used = true;
    c->ahead = 0;
    TRY(c->issuer->kind->begin(c->issuer, err));
    TRY(visit(c, profile, false, pending, err));
    if (pending[0] == '\0' || c->issuer->kind->approve == NULL)
        goto out;
    if (c->issuer->kind->approve(c->issuer, pending, &why) == SKS_OK)
        TRY(visit(c, profile, true, pending, err));
    else
        (void)snprintf(c->run->cause, sizeof c->run->cause, "%s", why.text);
out:
    return rc;
}

static void begin_run(struct client *c, struct attack *attack, run_watcher *watch, void *ctx,
                      struct run *run)
{
    *run = (struct run){ 0 };
    c->attack = attack;
    c->watch = watch;
    c->watch_ctx = ctx;
    c->run = run;
}

static enum sks_status end_run(struct client *c, struct sks_error *err)
{
    enum sks_status rc;

    TRY(token_end_expire(c->token, err));
    rc = c->issuer->kind->count(c->issuer, c->run->verdict, err);
out:
    return rc;
}

enum sks_status rig_run(struct rig *rig, enum rig_device device, const char *profile,
                        struct attack *attack, run_watcher *watch, void *ctx, struct run *run,
                        struct sks_error *err)
{
    struct client *c = &rig->client[device];
    enum sks_status rc;

    begin_run(c, attack, watch, ctx, run);
    TRY(run_session(c, profile, err));
    rc = end_run(c, err);
out:
    return rc;
}

/* ---- two sessions ---- */

struct other_session {
    struct client *client;
    const char *profile;
    struct run run;
    struct sks_error err;
    enum sks_status rc;
};

static void *run_other(void *ctx)
{
    struct other_session *other = ctx;

    other->rc = run_session(other->client, other->profile, &other->err);
    return NULL;
}

enum sks_status rig_run_two(struct rig *rig, const char *profile, struct attack *attack,
                            struct run *run, struct sks_error *err)
{
    struct other_session other = { .client = &rig->client[RIG_OTHER_DEVICE], .profile = profile };
    struct client *c = &rig->client[RIG_DEVICE];
    pthread_t thread;
    enum sks_status rc;

    begin_run(other.client, attack, NULL, NULL, &other.run);
    begin_run(c, attack, NULL, NULL, run);
    other.client->leaving = true;
    if (pthread_create(&thread, NULL, run_other, &other) != 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "cannot start a thread");
    rc = run_session(c, profile, err);
    (void)pthread_join(thread, NULL);
    other.client->leaving = false;
    TRY(rc);
    REQUIRE(other.rc == SKS_OK, err, other.rc, "the other session: %s", other.err.text);
    TRY(end_run(other.client, err));
    rc = end_run(c, err);
out:
    return rc;
}
