#include "proxy/attacked.h"
#include "keygen2/base/clock.h"

#include <stdio.h>
#include <string.h>

static const char OCTETS[] = "application/octet-stream";

static bool is_stopped(const void *from)
{
    const struct enrolment *e = from;

    return *e->stop != 0;
}

static enum sks_status go_on(const struct enrolment *e, const struct attack_outcome *outcome,
                             struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    clock_wait(outcome->seconds, is_stopped, e);
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
