#include "proxy/dialogue.h"

#include "keygen2/base/log.h"
#include "proxy/attacked.h"
#include "proxy/deferral.h"
#include "proxy/issuer_exchange.h"
#include "proxy/provision.h"
#include "proxy/token_choice.h"

#include <stdio.h>
#include <string.h>

enum { GOODBYE_TIMEOUT = 10 }; /* seconds that telling an end of a failure may take */

/* ---- the protocol ---- */

enum phase {
    PHASE_INVOCATION,
    PHASE_INITIALIZATION,
    PHASE_DISCOVERY, /* or already what may follow it */
    PHASE_CREATION,
    PHASE_FINALIZATION,
    PHASE_END
};

/* A message that may come in a phase. Its serverSessionId is the first member, as in every message;
 * client_id is where its clientSessionId is, 0 for a message without. */
struct dialogue_row {
    enum phase phase;
    const struct json_type *request;
    size_t request_client_id;
    enum sks_status (*step)(struct enrolment *e, const void *request, void *response);
    const struct json_type *response;
    size_t response_client_id;
    enum phase next;
    unsigned actions;     /* set of ON_* in which it may come */
    const char *verified; /* what the proxy checked when it accepts the message */
};

#define ON_MANAGE (1U << ACTION_MANAGE)
#define ON_UNLOCK (1U << ACTION_UNLOCK)
#define ON_ANY (ON_MANAGE | ON_UNLOCK)
#define CLIENT_ID(message) offsetof(struct message, client_session_id)

#define FINALIZATION(phase, actions)                                                               \
    {                                                                                              \
        phase, &PROVISIONING_FINALIZATION_REQUEST, CLIENT_ID(provisioning_finalization_request),   \
            provision_finalization, &PROVISIONING_FINALIZATION_RESPONSE,                           \
            CLIENT_ID(provisioning_finalization_response), PHASE_END, actions,                     \
            "syntax, order, session ids, certificate paths"                                        \
    }
/* KeyGen2, InvocationRequest, action: "unlock - A conforming client should disallow
 * KeyCreationRequest". Such a session goes straight to its finalization, and so may one that only
 * deletes keys. */
#define CREATION(phase)                                                                            \
    {                                                                                              \
        phase, &KEY_CREATION_REQUEST, CLIENT_ID(key_creation_request), provision_key_creation,     \
            &KEY_CREATION_RESPONSE, CLIENT_ID(key_creation_response), PHASE_FINALIZATION,          \
            ON_MANAGE, "syntax, order, session ids"                                                \
    }

static const struct dialogue_row DIALOGUE[] = {
    { PHASE_INVOCATION, &INVOCATION_REQUEST, 0, provision_invocation, &INVOCATION_RESPONSE, 0,
      PHASE_INITIALIZATION, ON_ANY, "syntax, order" },
    { PHASE_INITIALIZATION, &PROVISIONING_INITIALIZATION_REQUEST, 0, provision_initialization,
      &PROVISIONING_INITIALIZATION_RESPONSE, CLIENT_ID(provisioning_initialization_response),
      PHASE_DISCOVERY, ON_ANY, "syntax, order, session id" },
    { PHASE_DISCOVERY, &CREDENTIAL_DISCOVERY_REQUEST, CLIENT_ID(credential_discovery_request),
      provision_discovery, &CREDENTIAL_DISCOVERY_RESPONSE, CLIENT_ID(credential_discovery_response),
      PHASE_CREATION, ON_ANY, "syntax, order, session ids, signatures" },
    CREATION(PHASE_DISCOVERY),
    FINALIZATION(PHASE_DISCOVERY, ON_ANY),
    CREATION(PHASE_CREATION),
    FINALIZATION(PHASE_CREATION, ON_ANY),
    FINALIZATION(PHASE_FINALIZATION, ON_ANY),
};

#define BEGINS_WITH_ID(message)                                                                    \
    _Static_assert(offsetof(struct message, server_session_id) == 0, #message)

BEGINS_WITH_ID(invocation_request);
BEGINS_WITH_ID(invocation_response);
BEGINS_WITH_ID(provisioning_initialization_request);
BEGINS_WITH_ID(provisioning_initialization_response);
BEGINS_WITH_ID(credential_discovery_request);
BEGINS_WITH_ID(credential_discovery_response);
BEGINS_WITH_ID(key_creation_request);
BEGINS_WITH_ID(key_creation_response);
BEGINS_WITH_ID(provisioning_finalization_request);
BEGINS_WITH_ID(provisioning_finalization_response);

enum {
    CANDIDATES_MAX = NITEMS(DIALOGUE), /* messages that may come in one phase, and when blind */
    MESSAGES_MAX = 16,                 /* more than any order of them has */
};

static const struct bytes *id_at(const void *message, size_t offset)
{
    return (const struct bytes *)(const void *)((const char *)message + offset);
}

static void set_id(void *message, size_t offset, struct bytes id)
{
    *(struct bytes *)(void *)((char *)message + offset) = id;
}

/* The user gives up; too late once the token has closed. */
static enum sks_status check_stop(struct enrolment *e)
{
    enum sks_status rc = SKS_OK;

    e->fault = PARTY_PROXY;
    REQUIRE(*e->stop == 0, &e->err, SKS_ERROR_USER_ABORT, "interrupted");
out:
    return rc;
}

/* ---- one message ---- */

/* Those that may come in a phase. A blind proxy takes any, after them. */
static size_t candidates(const struct enrolment *e, enum phase phase,
                         const struct dialogue_row *rows[CANDIDATES_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < NITEMS(DIALOGUE); i++)
        if (DIALOGUE[i].phase == phase)
            rows[count++] = &DIALOGUE[i];
    for (size_t i = 0; i < NITEMS(DIALOGUE) && e->blind; i++)
        if (DIALOGUE[i].phase != phase)
            rows[count++] = &DIALOGUE[i];
    return count;
}

/* row: out: that of the message's name, even if this fails; NULL if it has no such name */
static enum sks_status decode(struct enrolment *e, enum phase phase, struct bytes text,
                              const struct dialogue_row **row, const void **request)
{
    const struct dialogue_row *rows[CANDIDATES_MAX];
    const struct json_type *types[CANDIDATES_MAX];
    void *out[CANDIDATES_MAX];
    size_t count = candidates(e, phase, rows), found = count;
    enum sks_status rc;

    *row = NULL;
    for (size_t i = 0; i < count; i++) {
        types[i] = rows[i]->request;
        out[i] = arena_alloc(&e->arena, 1, types[i]->size);
        REQUIRE(out[i] != NULL, &e->err, SKS_ERROR_STORAGE, "no memory for a message");
    }
    rc = keygen2_decode_one_of(types, count, e->blind, text, out, &found, &e->arena, &e->err);
    if (found < count) {
        *row = rows[found];
        *request = out[found];
    }
out:
    return rc;
}

/* What the syntax of one message does not show. */
static enum sks_status check_request(struct enrolment *e, const struct dialogue_row *row,
                                     const void *request)
{
    enum sks_status rc = SKS_OK;

    if (row->phase == PHASE_INVOCATION && !e->resume) {
        e->server_session_id = *id_at(request, 0);
        return SKS_OK;
    }
    REFUSE_UNLESS(bytes_equal(*id_at(request, 0), e->server_session_id), e,
                  "/serverSessionId: not that of this session");
    REFUSE_UNLESS(row->request_client_id == 0 ||
                      bytes_equal(*id_at(request, row->request_client_id), e->client_session_id),
                  e, "/clientSessionId: not the one that the token drew");
    REFUSE_UNLESS((row->actions & (1U << e->action)) != 0, e, "%s does not fit the action \"%s\"",
                  row->request->name, name_of_value(NAMES_ACTION, e->action));
out:
    return rc;
}

static enum sks_status receive(struct enrolment *e, enum phase phase, struct issuer_reply *reply,
                               const struct dialogue_row **row, const void **request)
{
    char note[ATTACK_NOTE_MAX];
    struct trace_event line = {
        .hop = HOP_ISSUER, .at = trace_now(e->trace), .status = reply->status, .altered = note
    };
    enum sks_status rc;

    if (reply->kind != REPLY_MESSAGE)
        return issuer_refused(e, reply);
    e->keep = e->keep && phase != PHASE_FINALIZATION;
    if (e->attack != NULL) /* whose rules go by the name that the message came with */
        line.name = keygen2_qualifier(buf_bytes(&reply->message));
    TRY(attacked_message(e, &reply->message, note));
    line.bytes = reply->message.len;
    rc = decode(e, phase, buf_bytes(&reply->message), row, request);
    if (line.name == NULL)
        line.name =
            *row != NULL ? (*row)->request->name : keygen2_qualifier(buf_bytes(&reply->message));
    if (rc == SKS_OK)
        rc = check_request(e, *row, *request);
    if (rc != SKS_OK)
        (void)sks_explain(&e->err, rc);
    line.verified = rc == SKS_OK && !e->blind ? (*row)->verified : NULL;
    line.refused = rc == SKS_OK ? NULL : e->err.text;
    trace_message(e->trace, &line);
out:
    return rc;
}

/* Before it goes out: then whatever happens, it can be sent again. It goes out in any case. */
static void keep_proof(struct enrolment *e, struct bytes message)
{
    struct sks_error err = e->err;

    if (e->state_folder != NULL)
        e->proof_kept = deferral_save(e, message) == SKS_OK;
    if (!e->proof_kept)
        log_error("the closing proof is not kept: %s",
                  e->state_folder == NULL ? "no --state FOLDER" : e->err.text);
    e->err = err;
}

static enum sks_status send_response(struct enrolment *e, const struct dialogue_row *row,
                                     void *response, struct issuer_reply *reply)
{
    char note[ATTACK_NOTE_MAX];
    struct buf text = { 0 };
    enum sks_status rc;

    set_id(response, 0, e->server_session_id);
    if (row->response_client_id != 0)
        set_id(response, row->response_client_id, e->client_session_id);
    rc = keygen2_encode(row->response, response, &text);
    REQUIRE(rc == SKS_OK, &e->err, rc, "no memory for %s", row->response->name);
    TRY(attacked_message(e, &text, note));
    if (row->step == provision_key_creation && e->deferred) {
        TRY(deferral_save(e, (struct bytes){ 0 }));
        e->keep = true;
    }
    if (row->next == PHASE_END)
        keep_proof(e, buf_bytes(&text));
    rc = issuer_send(e, row->response->name, buf_bytes(&text), note, reply);
out:
    buf_free(&text);
    return rc;
}

static enum sks_status answer(struct enrolment *e, enum phase *phase, struct issuer_reply *reply)
{
    const struct dialogue_row *row = NULL;
    const void *request = NULL;
    void *response;
    enum sks_status rc;

    TRY(check_stop(e));
    TRY(receive(e, *phase, reply, &row, &request));
    response = arena_alloc(&e->arena, 1, row->response->size);
    REQUIRE(response != NULL, &e->err, SKS_ERROR_STORAGE, "no memory for a message");
    TRY(check_stop(e));
    TRY(row->step(e, request, response));
    if (row->next != PHASE_END)
        TRY(check_stop(e));
    TRY(send_response(e, row, response, reply));
    *phase = e->resume && *phase == PHASE_INVOCATION ? PHASE_FINALIZATION : row->next;
out:
    return rc;
}

/* Whether the issuer has put the session off. */
static bool is_pending(const struct enrolment *e, enum phase phase,
                       const struct issuer_reply *reply)
{
    return reply->kind == REPLY_PENDING && (e->deferred || e->resume) &&
           (phase == PHASE_FINALIZATION || phase == PHASE_INVOCATION);
}

/* ---- the end ---- */

/* The token has committed: only the issuer's own word that it has the proof is a success. */
static enum sks_status confirm(struct enrolment *e, const struct issuer_reply *reply)
{
    struct issuer_verdict verdict;

    if (reply->kind == REPLY_FAILED)
        return issuer_refused(e, reply);
    e->fault = PARTY_NONE;
    if (reply->kind != REPLY_DONE)
        return sks_fail(&e->err, SKS_ERROR_EXTERNAL,
                        "the issuer answered the closing proof with HTTP %u, not with its verdict",
                        reply->status);
    issuer_read_verdict(e, reply, &verdict);
    if (bytes_equal(verdict.verdict, bytes_of("succeeded")))
        return SKS_OK;
    if (bytes_equal(verdict.verdict, bytes_of("failed")))
        return issuer_refused(e, reply);
    return sks_fail(&e->err, SKS_ERROR_EXTERNAL,
                    verdict.verdict.len == 0 ? "the issuer's verdict cannot be read"
                                             : "the issuer is in doubt");
}

/* KeyGen2, 3.3 "Error Handling": both ends learn of it. A second interrupt ends even this. */
static void say_goodbye(struct enrolment *e)
{
    *e->stop = 0;
    token_link_set_timeout(e->token, GOODBYE_TIMEOUT);
    issuer_link_set_timeout(e->issuer, GOODBYE_TIMEOUT);
    provision_abort(e);
    if (e->issuer_began && !e->issuer_ended && !e->may_be_committed)
        issuer_give_up(e);
}

static enum outcome_kind failure_kind(const struct enrolment *e)
{
    if (e->may_be_committed && e->fault != PARTY_ISSUER)
        return OUTCOME_IN_DOUBT;
    return e->fault == PARTY_NONE ? OUTCOME_ERROR : OUTCOME_REFUSED;
}

/*
 * A session that waits is given up only by an end that refuses it, or by a user who interrupts
 * while it is being made; whatever else goes wrong, it can be tried again.
 */
static bool still_waits(const struct enrolment *e, enum sks_status rc)
{
    return e->keep && e->provisioning_handle != 0 && !e->issuer_ended &&
           (rc == SKS_OK || e->resume || e->fault == PARTY_NONE);
}

static void set_outcome(const struct enrolment *e, enum sks_status rc, bool pending,
                        struct outcome *outcome)
{
    *outcome = (struct outcome){ .kind = rc != SKS_OK ? failure_kind(e)
                                         : pending    ? OUTCOME_PENDING
                                                      : OUTCOME_SUCCEEDED,
                                 .server_session_id = e->server_session_id,
                                 .client_session_id = e->client_session_id };
    if (outcome->kind == OUTCOME_REFUSED)
        outcome->detected_by = e->fault;
    if (rc != SKS_OK)
        (void)snprintf(outcome->cause, sizeof outcome->cause, "%s", e->err.text);
    outcome->proof_kept = outcome->kind == OUTCOME_IN_DOUBT && e->proof_kept;
    outcome->waits = still_waits(e, rc);
    if (outcome->waits && e->until != 0)
        keygen2_time_format(e->until, false, outcome->until);
    if (rc == SKS_OK || e->may_be_committed) {
        outcome->keys = e->keys;
        outcome->key_count = e->key_count;
    }
}

/* From the first exchange to the last message, or to a wait. */
static enum sks_status converse(struct enrolment *e, struct issuer_reply *reply, bool *pending)
{
    enum phase phase = PHASE_INVOCATION;
    enum sks_status rc;

    TRY(issuer_begin(e, reply));
    if (e->resume)
        TRY(deferral_check_certificate(e));
    for (size_t i = 0; phase != PHASE_END && !(*pending = is_pending(e, phase, reply)); i++) {
        REQUIRE(i < MESSAGES_MAX, &e->err, SKS_ERROR_OPTION, "the issuer comes to no end");
        TRY(answer(e, &phase, reply));
    }
    if (!*pending)
        TRY(confirm(e, reply));
out:
    return rc;
}

void dialogue_run(struct enrolment *e, struct outcome *outcome)
{
    struct issuer_reply reply = { 0 };
    bool pending = false, waits;
    enum sks_status rc;

    issuer_link_set_blind(e->issuer, e->blind);
    TRY(check_stop(e));
    TRY(token_devices(e));
    if (e->resume)
        TRY(deferral_resume(e));
    TRY(converse(e, &reply, &pending));
out:
    (void)sks_explain(&e->err, rc);
    waits = still_waits(e, rc);
    if (rc != SKS_OK && !waits)
        say_goodbye(e);
    if (!waits && !(rc != SKS_OK && e->proof_kept && failure_kind(e) == OUTCOME_IN_DOUBT))
        deferral_forget(e);
    deferral_leave(e);
    set_outcome(e, rc, pending, outcome);
    outcome->waits = waits;
    issuer_reply_free(&reply);
}
