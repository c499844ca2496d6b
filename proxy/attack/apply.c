/* What the rules of an attack do to one message. */
#include "proxy/attack/attack_internal.h"
#include "proxy/attack/operations.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MEETING_SECONDS = 10 };

struct application {
    struct attack *attack;
    const struct crossing *crossing;
    struct message message;
    struct buf *body;
    struct attack_outcome *outcome;
};

/* Messages of the first two connections that have any are counted on each. */
static uint32_t count_on(struct meeting *meeting, uint32_t connection)
{
    for (size_t i = 0; i < NITEMS(meeting->connection); i++)
        if (meeting->seen[i] == 0 || meeting->connection[i] == connection) {
            meeting->connection[i] = connection;
            return ++meeting->seen[i];
        }
    return 0;
}

/* True if it is this rule's turn. */
static bool is_for(struct attack *attack, size_t i, const struct application *a)
{
    const struct rule *rule = attack_rule(attack, i);
    enum rule_direction other = a->crossing->answer ? RULE_REQUEST : RULE_ANSWER;
    uint32_t seen;

    if (rule->hop != a->message.hop || rule->direction == other ||
        !bytes_equal(rule->message, bytes_of(a->message.name)))
        return false;
    if (rule->operation == OPERATION_CROSS)
        seen = count_on(&attack->state[i].meeting, a->crossing->connection);
    else
        seen = ++attack->state[i].seen;
    return seen >= rule->occurrence && (rule->times == 0 || seen - rule->occurrence < rule->times);
}

/* What a rule takes from: a transcript, or what crossed before. */
static struct bytes find_other(const struct application *a, size_t i, enum rule_source from)
{
    const struct rule *rule = attack_rule(a->attack, i);
    const struct transcript *transcript = &a->attack->state[i].transcript;
    struct bytes name = rule->of.len > 0 ? rule->of : rule->message;
    uint8_t direction = a->crossing->answer ? TRANSCRIPT_ANSWER : TRANSCRIPT_REQUEST;

    if (rule->transcript.len == 0)
        return memory_find(a->attack->memory, rule->hop, name, a->crossing->answer, from,
                           a->crossing->connection);
    for (size_t j = 0; j < transcript->count; j++)
        if (transcript->line[j].hop == rule->hop && transcript->line[j].direction == direction &&
            bytes_equal(transcript->line[j].name, name))
            return transcript->line[j].body;
    return (struct bytes){ 0 };
}

static void read_body(struct application *a)
{
    message_free(&a->message);
    message_read(a->crossing->content_type, buf_bytes(a->body),
                 a->crossing->answer ? a->crossing->asked : NULL, &a->message);
}

static enum sks_status write_body(struct application *a, struct sks_error *err)
{
    struct buf body = { 0 };
    enum sks_status rc;

    TRY(message_write(&a->message, a->crossing->answer, &body, err));
    buf_reset(a->body);
    put_raw(a->body, buf_bytes(&body));
    rc = sks_explain(err, a->body->status);
out:
    buf_free(&body);
    return rc;
}

static enum sks_status alter_octets(struct application *a, const struct rule *rule,
                                    struct sks_error *err)
{
    enum sks_status rc = operation_apply_raw(rule, a->body, err);

    read_body(a);
    return rc;
}

static enum sks_status alter_value(struct application *a, size_t i, struct sks_error *err)
{
    const struct rule *rule = attack_rule(a->attack, i);
    struct message other = { 0 };
    json_t *before = json_deep_copy(a->message.decoded);
    struct operation_context context = { rule, &a->message, a->crossing->answer, NULL,
                                         &a->attack->keys };
    enum sks_status rc;

    REQUIRE(a->message.decoded != NULL, err, SKS_ERROR_OPTION, "attack: %s does not decode",
            a->message.name);
    if (rule->operation == OPERATION_SPLICE)
        message_read(a->crossing->content_type, find_other(a, i, RULE_ANOTHER_SESSION),
                     a->crossing->answer ? a->crossing->asked : NULL, &other);
    context.other = other.decoded;
    TRY(operation_apply(&context, err));
    REQUIRE(!json_equal(before, a->message.decoded), err, SKS_ERROR_OPTION,
            "attack: %s %.*s is so already", a->message.name, (int)rule->path.len,
            (const char *)rule->path.ptr);
    rc = write_body(a, err);
out:
    json_decref(before);
    message_free(&other);
    return rc;
}

static enum sks_status replay(struct application *a, size_t i, struct sks_error *err)
{
    struct bytes other = find_other(a, i, (enum rule_source)attack_rule(a->attack, i)->from);
    enum sks_status rc = SKS_OK;

    REQUIRE(other.len > 0, err, SKS_ERROR_OPTION, "attack: there is no earlier message to replay");
    buf_reset(a->body);
    put_raw(a->body, other);
    TRY(sks_explain(err, a->body->status));
    read_body(a);
out:
    return rc;
}

static enum sks_status forge(struct application *a, const struct rule *rule, struct sks_error *err)
{
    struct message forged = { a->message.hop, "", a->message.method, NULL };
    enum sks_status rc;

    memcpy(forged.name, a->message.name, sizeof forged.name);
    forged.decoded =
        json_loadb((const char *)rule->value.ptr, rule->value.len, JSON_DECODE_ANY, NULL);
    REQUIRE(forged.hop != HOP_TOKEN || forged.method != NULL, err, SKS_ERROR_OPTION,
            "attack: an answer to no method");
    buf_reset(a->body);
    TRY(message_write(&forged, true, a->body, err));
    a->outcome->status = rule->status == 0 ? 200 : rule->status;
    if (!a->crossing->answer)
        a->outcome->fate = ATTACK_ANSWERED;
out:
    message_free(&forged);
    return rc;
}

static void swap_bodies(struct buf *a, struct buf *b)
{
    struct buf body = *a;

    *a = *b;
    *b = body;
}

static bool wait_for_other(struct attack *attack, struct meeting *meeting, unsigned seconds)
{
    struct timespec deadline;

    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    while (!meeting->met)
        if (pthread_cond_timedwait(&attack->arrival, &attack->lock, &deadline) != 0)
            break;
    return meeting->met;
}

/* Whoever comes first waits; the lock is free meanwhile. */
static enum sks_status cross(struct application *a, size_t i, struct sks_error *err)
{
    struct meeting *meeting = &a->attack->state[i].meeting;
    uint32_t seconds = attack_rule(a->attack, i)->seconds;
    bool same;
    enum sks_status rc = SKS_OK;

    REQUIRE(a->crossing->connection != 0, err, SKS_ERROR_OPTION,
            "attack: only 'sks-proxy relay' has two sessions");
    if (meeting->waiting && !meeting->met) {
        same = bytes_equal(buf_bytes(a->body), buf_bytes(&meeting->body));
        swap_bodies(a->body, &meeting->body);
        meeting->met = true;
        (void)pthread_cond_broadcast(&a->attack->arrival);
    } else {
        REQUIRE(!meeting->waiting, err, SKS_ERROR_OPTION, "attack: a third session");
        put_raw(&meeting->body, buf_bytes(a->body));
        TRY(sks_explain(err, meeting->body.status));
        meeting->waiting = true;
        rc = wait_for_other(a->attack, meeting, seconds == 0 ? MEETING_SECONDS : seconds)
                 ? SKS_OK
                 : SKS_ERROR_OPTION;
        swap_bodies(a->body, &meeting->body);
        same = bytes_equal(buf_bytes(a->body), buf_bytes(&meeting->body));
        buf_reset(&meeting->body);
        meeting->waiting = meeting->met = false;
        REQUIRE(rc == SKS_OK, err, rc, "attack: no other session comes to %s", a->message.name);
    }
    read_body(a);
    REQUIRE(!same, err, SKS_ERROR_OPTION, "attack: %s is the same in both", a->message.name);
out:
    return rc;
}

/* It is answered now, and goes on behind the next request of its session. */
static enum sks_status hold_back(struct application *a, size_t i, struct sks_error *err)
{
    struct rule_state *state = &a->attack->state[i];
    enum sks_status rc;

    buf_reset(&state->held);
    put_raw(&state->held, buf_bytes(a->body));
    state->held_of = a->crossing->connection;
    TRY(sks_explain(err, state->held.status));
    rc = forge(a, attack_rule(a->attack, i), err);
out:
    return rc;
}

/* @return true if a request was held back that goes on behind this one */
static bool release(struct application *a, size_t i)
{
    struct rule_state *state = &a->attack->state[i];

    if (a->crossing->answer || state->held.len == 0 || state->held_of != a->crossing->connection ||
        attack_rule(a->attack, i)->hop != a->message.hop || a->outcome->behind.len > 0)
        return false;
    swap_bodies(&a->outcome->behind, &state->held);
    return true;
}

static enum sks_status apply_rule(struct application *a, size_t i, struct sks_error *err)
{
    const struct rule *rule = attack_rule(a->attack, i);

    if (a->outcome->fate == ATTACK_NOTHING)
        a->outcome->fate = ATTACK_ALTERED;
    switch (rule->operation) {
    case OPERATION_DROP:
        a->outcome->fate = ATTACK_DROPPED;
        return SKS_OK;
    case OPERATION_DELAY:
        a->outcome->seconds += rule->seconds;
        return SKS_OK;
    case OPERATION_REPEAT:
        a->outcome->fate = ATTACK_REPEATED;
        return SKS_OK;
    case OPERATION_REFLECT:
        a->outcome->fate = ATTACK_ANSWERED;
        a->outcome->status = 200;
        return SKS_OK;
    case OPERATION_REPLAY:
        return replay(a, i, err);
    case OPERATION_CROSS:
        return cross(a, i, err);
    case OPERATION_REORDER:
        return hold_back(a, i, err);
    case OPERATION_FORGE:
        return forge(a, rule, err);
    default:
        return rule->path.len == 0 && operation_is_of_octets(rule->operation)
                   ? alter_octets(a, rule, err)
                   : alter_value(a, i, err);
    }
}

static void add_note(const struct rule *rule, char note[ATTACK_NOTE_MAX])
{
    size_t len = strlen(note);

    (void)snprintf(note + len, ATTACK_NOTE_MAX - len, "%s%s%s%.*s%s%.*s", len == 0 ? "" : ", ",
                   name_of_value(OPERATION_NAMES, rule->operation), rule->path.len > 0 ? " " : "",
                   (int)rule->path.len, (const char *)rule->path.ptr,
                   rule->bit.len > 0 ? " bit " : "", (int)rule->bit.len,
                   (const char *)rule->bit.ptr);
}

enum sks_status attack_apply(struct attack *attack, const struct crossing *crossing,
                             struct buf *body, struct attack_outcome *outcome,
                             struct sks_error *err)
{
    struct application a = {
        .attack = attack, .crossing = crossing, .body = body, .outcome = outcome
    };
    struct buf before = { 0 };
    enum sks_status rc = SKS_OK;

    *outcome = (struct attack_outcome){ 0 };
    if (attack == NULL)
        return SKS_OK;
    read_body(&a);
    (void)pthread_mutex_lock(&attack->lock);
    if (attack->memory != NULL)
        put_raw(&before, buf_bytes(body));
    for (size_t i = 0; rc == SKS_OK && i < attack->file.rules.count; i++)
        if (release(&a, i)) {
            outcome->fate = ATTACK_ALTERED;
        } else if (is_for(attack, i, &a)) {
            rc = apply_rule(&a, i, err);
            add_note(attack_rule(attack, i), outcome->note);
        }
    if (attack->memory != NULL && before.len > 0)
        memory_add(attack->memory, &a.message, crossing->answer, crossing->connection,
                   buf_bytes(&before));
    (void)pthread_mutex_unlock(&attack->lock);
    message_free(&a.message);
    buf_free(&before);
    return rc;
}
