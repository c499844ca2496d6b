/* One exchange under attack: both messages whole, each looked at before it goes on. */
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "proxy/relay/relay_internal.h"

#include <stdlib.h>
#include <string.h>

/* Hands each piece of the answer's body over as it comes, up to what is kept of one. */
static enum sks_status read_answer(struct exchange *x)
{
    uint8_t block[16384];
    int64_t len;
    enum sks_status rc = SKS_OK;

    while ((len = upstream_read(x->connection->upstream, block, sizeof block)) > 0)
        exchange_keep(x, &x->answer, bytes_at(block, (size_t)len));
    REQUIRE(len == 0, &x->err, SKS_ERROR_EXTERNAL, "the answer ended too early");
    REQUIRE(x->answer.size == x->answer.body.len, &x->err, SKS_ERROR_EXTERNAL,
            "an answer of %llu bytes is too large for an attack",
            (unsigned long long)x->answer.size);
out:
    return rc;
}

static bool is_stopped(const void *from)
{
    const struct exchange *x = from;

    return x->connection->relay->stop;
}

static enum sks_status attack(struct exchange *x, bool answer, struct attack_outcome *outcome)
{
    struct passage *passage = answer ? &x->answer : &x->request;
    const struct crossing crossing = {
        answer ? exchange_field(x->head.field, x->head.fields, "Content-Type")
               : exchange_field(x->field, x->fields, "Content-Type"),
        answer, answer ? &x->request.message : NULL, x->connection->number
    };
    enum sks_status rc = attack_apply(x->attack, &crossing, &passage->body, outcome, &x->err);

    memcpy(passage->altered, outcome->note, sizeof passage->altered);
    passage->size = passage->body.len;
    if (outcome->note[0] != '\0')
        log_info("%u.%u %s %s: %s", x->connection->number, x->number, answer ? "answer" : "request",
                 x->request.message.name, outcome->note);
    if (rc == SKS_OK)
        clock_wait(outcome->seconds, is_stopped, x);
    return rc;
}

/* The answer to a body sent on, whole. */
static enum sks_status ask(struct exchange *x)
{
    struct bytes body = buf_bytes(&x->request.body);
    enum sks_status rc;

    x->head = (struct upstream_head){ 0 }; /* of the one before, if there was one */
    TRY(exchange_send(x, (int64_t)body.len));
    upstream_send(x->connection->upstream, body);
    TRY(upstream_finish(x->connection->upstream, &x->head, &x->err));
    rc = read_answer(x);
out:
    return rc;
}

/* The first answer is dropped. */
static enum sks_status ask_twice(struct exchange *x)
{
    enum sks_status rc;

    TRY(ask(x));
    buf_reset(&x->answer.body);
    x->answer.size = 0;
    rc = ask(x);
out:
    return rc;
}

static enum MHD_Result respond(struct exchange *x, struct MHD_Connection *mhd, unsigned status)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        x->answer.body.len, x->answer.body.ptr, MHD_RESPMEM_MUST_COPY);

    for (size_t i = 0; response != NULL && i < x->head.fields; i++)
        (void)MHD_add_response_header(response, x->head.field[i].name, x->head.field[i].value);
    exchange_tell(x, true);
    return exchange_respond(mhd, status, response);
}

/* The request does not go on; what is in its place is the answer. */
static enum MHD_Result answer_it(struct exchange *x, struct MHD_Connection *mhd, unsigned status)
{
    char name[] = "Content-Type", json[] = "application/json";
    const char *type = exchange_field(x->field, x->fields, name);
    struct http_field field = { name, type == NULL ? json : (char *)(uintptr_t)type };
    enum MHD_Result sent;

    x->head = (struct upstream_head){ status, &field, 1, 0 };
    x->answer.body = x->request.body;
    x->answer.size = x->request.size;
    x->request.body = (struct buf){ 0 };
    memcpy(x->answer.altered, x->request.altered, sizeof x->answer.altered);
    sent = respond(x, mhd, status);
    x->head.fields = 0;
    return sent;
}

/* Names the request for the rules about its answer. */
static void name_request(struct exchange *x)
{
    message_read(exchange_field(x->field, x->fields, "Content-Type"), buf_bytes(&x->request.body),
                 NULL, &x->request.message);
    message_free(&x->request.message);
}

/* What was held back goes on, once its successor is answered; nobody asks for its answer. */
static void send_behind(struct exchange *x, struct buf *behind)
{
    if (behind->len == 0)
        return;
    buf_free(&x->request.body);
    x->request.body = *behind;
    x->request.size = behind->len;
    *behind = (struct buf){ 0 };
    buf_reset(&x->answer.body);
    x->answer.size = 0;
    if (ask(x) != SKS_OK)
        log_info("%u.%u what was held back got no answer", x->connection->number, x->number);
}

enum MHD_Result exchange_attacked(struct exchange *x, struct MHD_Connection *mhd)
{
    struct attack_outcome outcome = { 0 }, back = { 0 };
    enum MHD_Result sent;
    enum sks_status rc;

    REQUIRE(x->request.size == x->request.body.len, &x->err, SKS_ERROR_OPTION,
            "a request of %llu bytes is too large for an attack",
            (unsigned long long)x->request.size);
    name_request(x);
    TRY(attack(x, false, &outcome));
    exchange_tell(x, false);
    if (outcome.fate == ATTACK_DROPPED || outcome.fate == ATTACK_ANSWERED)
        buf_free(&outcome.behind);
    if (outcome.fate == ATTACK_DROPPED)
        return MHD_NO;
    if (outcome.fate == ATTACK_ANSWERED)
        return answer_it(x, mhd, outcome.status);
    TRY(outcome.fate == ATTACK_REPEATED ? ask_twice(x) : ask(x));
    TRY(attack(x, true, &back));
    sent = back.fate == ATTACK_DROPPED
               ? MHD_NO
               : respond(x, mhd, back.status == 0 ? x->head.status : back.status);
    send_behind(x, &outcome.behind);
    return sent;
out:
    buf_free(&outcome.behind);
    return exchange_give_up(x, mhd, rc);
}
