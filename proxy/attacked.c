#include "proxy/attacked.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char OCTETS[] = "application/octet-stream";

/* A signal ends it. */
static void wait_seconds(const struct enrolment *e, unsigned seconds)
{
    const struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };

    for (unsigned i = 0; i < 10 * seconds && *e->stop == 0; i++)
        (void)nanosleep(&tenth, NULL);
}

static enum sks_status go_on(const struct enrolment *e, const struct attack_outcome *outcome,
                             struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    wait_seconds(e, outcome->seconds);
    REQUIRE(outcome->fate != ATTACK_DROPPED, err, SKS_ERROR_EXTERNAL, "dropped by the attack");
    REQUIRE(outcome->fate == ATTACK_NOTHING || outcome->fate == ATTACK_ALTERED, err,
            SKS_ERROR_OPTION, "attack: only 'sks-proxy relay' can repeat or answer a request");
out:
    return rc;
}

enum sks_status attacked_message(struct enrolment *e, struct buf *text, char note[ATTACK_NOTE_MAX])
{
    struct attack_outcome outcome;
    enum sks_status rc;

    note[0] = '\0';
    if (e->attack == NULL)
        return SKS_OK;
    rc = attack_apply(e->attack, &(struct crossing){ 0 }, text, &outcome, &e->err);
    memcpy(note, outcome.note, ATTACK_NOTE_MAX);
    if (rc == SKS_OK)
        rc = go_on(e, &outcome, &e->err);
    if (rc != SKS_OK)
        e->fault = PARTY_NONE;
    return rc;
}

enum sks_status attacked_call(void *enrolment, const struct sks_method *method, bool answer,
                              struct buf *body, const char **altered, struct sks_error *err)
{
    struct enrolment *e = enrolment;
    struct message asked = { HOP_TOKEN, "", method, NULL };
    struct attack_outcome outcome;
    enum sks_status rc;

    if (e->attack == NULL)
        return SKS_OK;
    (void)snprintf(asked.name, sizeof asked.name, "%s", method->name);
    rc = attack_apply(e->attack, &(struct crossing){ OCTETS, answer, &asked, 0 }, body, &outcome,
                      err);
    *altered = arena_text(&e->arena, bytes_of(outcome.note));
    return rc == SKS_OK ? go_on(e, &outcome, err) : rc;
}
