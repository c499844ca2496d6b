#include "matrix/client.h"

#include "keygen2/base/clock.h"
#include "proxy/dialogue.h"
#include "proxy/suspended.h"

#include <stdio.h>
#include <string.h>

enum { CHOSEN_PINS = 2 };
const char *const CLIENT_PINS[] = { "4719", "159204", "271828", "314159", "Sig-4710", NULL };

static const char JSON_BODY[] = "application/json", OCTETS[] = "application/octet-stream";

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
        .yes = true, .pins = CLIENT_PINS, .pin_count = CHOSEN_PINS, .stop = &c->stop
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
    else if (c->waiting[0] != '\0')
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
enum sks_status client_run_session(struct client *c, const char *profile, struct sks_error *err)
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

void client_begin(struct client *c, struct attack *attack, run_watcher *watch, void *ctx,
                  struct run *run)
{
    *run = (struct run){ 0 };
    c->attack = attack;
    c->watch = watch;
    c->watch_ctx = ctx;
    c->run = run;
}

enum sks_status client_end(struct client *c, struct sks_error *err)
{
    enum sks_status rc;

    TRY(token_end_expire(c->token, err));
    rc = c->issuer->kind->count(c->issuer, c->run->verdict, err);
out:
    return rc;
}
