#include "proxy/attack/attack.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "proxy/attack/memory.h"
#include "proxy/attack/operations.h"
#include "proxy/relay/transcript.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FILE_MAX_BYTES = 1024 * 1024, MEETING_SECONDS = 10 };

/* Two sessions under way, of which each is to get the other's message. */
struct meeting {
    uint32_t connection[2], seen[2]; /* messages that it was for, on each */
    struct buf body;                 /* of the one who waits; then what it gets */
    bool waiting, met;
};

struct rule_state {
    uint32_t seen;                /* messages that it was for */
    struct transcript transcript; /* that it takes from */
    struct meeting meeting;
    struct buf held;  /* a request that goes on behind the next one */
    uint32_t held_of; /* its connection */
};

struct attack {
    struct arena arena;
    struct rule_file file;
    pthread_mutex_t lock;
    pthread_cond_t arrival;   /* of another session where one waits for it */
    struct rule_state *state; /* of each rule */
    struct memory *memory;    /* NULL: no rule wants it */
    struct own_keys keys;
};

static const struct rule *rule_at(const struct attack *attack, size_t i)
{
    return (const struct rule *)attack->file.rules.item + i;
}

/* ---- reading ---- */

static bool remembers(const struct rule *rule)
{
    return (rule->operation == OPERATION_SPLICE || rule->operation == OPERATION_REPLAY) &&
           rule->transcript.len == 0;
}

static enum sks_status prepare(struct attack *attack, struct sks_error *err)
{
    size_t count = attack->file.rules.count;
    enum sks_status rc = SKS_OK;

    attack->state = calloc(count, sizeof *attack->state);
    REQUIRE(attack->state != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = rule_at(attack, i);

        if (rule->transcript.len > 0) {
            char *file = arena_text(&attack->arena, rule->transcript);

            REQUIRE(file != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
            TRY(transcript_read(file, &attack->state[i].transcript, err));
        }
        if (remembers(rule) && attack->memory == NULL) {
            attack->memory = memory_new();
            REQUIRE(attack->memory != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
        }
    }
out:
    return rc;
}

static const char *ready_rules(const char *name)
{
    for (size_t i = 0; i < NAMED_ATTACKS_COUNT; i++)
        if (strcmp(NAMED_ATTACKS[i].name, name) == 0)
            return NAMED_ATTACKS[i].rules;
    return NULL;
}

enum sks_status attack_of_rules(struct bytes rules, struct attack **attack, struct sks_error *err)
{
    struct attack *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *attack = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for the attack");
    (void)pthread_mutex_init(&made->lock, NULL);
    clock_condition_init(&made->arrival);
    TRY(rules_read(rules, &made->file, &made->arena, err));
    TRY(prepare(made, err));
    *attack = made;
    made = NULL;
out:
    attack_free(made);
    return rc;
}

enum sks_status attack_load(const char *name, struct attack **attack, struct sks_error *err)
{
    const char *ready = ready_rules(name);
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    enum sks_status rc;

    *attack = NULL;
    if (ready != NULL)
        return attack_of_rules(bytes_of(ready), attack, err);
    TRY(file_read(name, FILE_MAX_BYTES, &text, err));
    rc = attack_of_rules(buf_bytes(&text), attack, &why);
    REQUIRE(rc == SKS_OK, err, rc, "%s: %s", name, why.text);
out:
    buf_free(&text);
    return rc;
}

enum sks_status attack_check(const char *name, struct sks_error *err)
{
    struct attack *attack;
    struct sks_error why = { 0 };
    enum sks_status rc = SKS_OK;

    REQUIRE(attack_load(name, &attack, &why) == SKS_OK, err, SKS_ERROR_OPTION,
            "is no attack that is ready, and no file of rules: %s", why.text);
    attack_free(attack);
out:
    return rc;
}

void attack_remember(struct attack *attack, const struct message *message, bool answer,
                     uint32_t connection, struct bytes body)
{
    (void)pthread_mutex_lock(&attack->lock);
    if (attack->memory != NULL)
        memory_add(attack->memory, message, answer, connection, body);
    (void)pthread_mutex_unlock(&attack->lock);
}

void attack_free(struct attack *attack)
{
    if (attack == NULL)
        return;
    for (size_t i = 0; attack->state != NULL && i < attack->file.rules.count; i++) {
        transcript_free(&attack->state[i].transcript);
        buf_free(&attack->state[i].meeting.body);
        buf_free(&attack->state[i].held);
    }
    free(attack->state);
    memory_free(attack->memory);
    own_keys_free(&attack->keys);
    (void)pthread_cond_destroy(&attack->arrival);
    (void)pthread_mutex_destroy(&attack->lock);
    arena_free(&attack->arena);
    free(attack);
}

/* ---- one message ---- */

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
    const struct rule *rule = rule_at(attack, i);
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
    const struct rule *rule = rule_at(a->attack, i);
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
    const struct rule *rule = rule_at(a->attack, i);
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
    struct bytes other = find_other(a, i, (enum rule_source)rule_at(a->attack, i)->from);
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
    uint32_t seconds = rule_at(a->attack, i)->seconds;
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
    rc = forge(a, rule_at(a->attack, i), err);
out:
    return rc;
}

/* @return true if a request was held back that goes on behind this one */
static bool release(struct application *a, size_t i)
{
    struct rule_state *state = &a->attack->state[i];

    if (a->crossing->answer || state->held.len == 0 || state->held_of != a->crossing->connection ||
        rule_at(a->attack, i)->hop != a->message.hop || a->outcome->behind.len > 0)
        return false;
    swap_bodies(&a->outcome->behind, &state->held);
    return true;
}

static enum sks_status apply_rule(struct application *a, size_t i, struct sks_error *err)
{
    const struct rule *rule = rule_at(a->attack, i);

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
            add_note(rule_at(attack, i), outcome->note);
        }
    if (attack->memory != NULL && before.len > 0)
        memory_add(attack->memory, &a.message, crossing->answer, crossing->connection,
                   buf_bytes(&before));
    (void)pthread_mutex_unlock(&attack->lock);
    message_free(&a.message);
    buf_free(&before);
    return rc;
}
