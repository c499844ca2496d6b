#include "proxy/attack/attack_internal.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

const struct rule *attack_rule(const struct attack *attack, size_t i)
{
    return (const struct rule *)attack->file.rules.item + i;
}

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
        const struct rule *rule = attack_rule(attack, i);

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
