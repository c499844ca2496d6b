/* The messages of a record in their order, as the issuer's state machine has taken them. */
#include "keygen2/evidence/checker.h"

#include <string.h>

/* KeyGen2, 3 "Protocol Description": where a session is after a message. */
enum stage {
    BEGINNING,
    INVITED,
    INVOKED,
    OFFERED,
    AGREED,
    LOOKED_UP,
    FOUND,
    ORDERED,
    MADE,
    INVITED_AGAIN, /* deferred issuance */
    INVOKED_AGAIN,
    CLOSING,
    CLOSED,
};

/* Each message with the stage in which it may come. At most one of a stage comes in. */
static const struct row {
    enum stage at;
    bool incoming;
    const struct json_type *type;
    void (*check)(struct checker *c, const void *message);
    enum stage next;
} ROWS[] = {
    { BEGINNING, false, &INVOCATION_REQUEST, check_invocation_request, INVITED },
    { INVITED, true, &INVOCATION_RESPONSE, check_invocation_response, INVOKED },
    { INVOKED, false, &PROVISIONING_INITIALIZATION_REQUEST, check_initialization_request, OFFERED },
    { OFFERED, true, &PROVISIONING_INITIALIZATION_RESPONSE, check_initialization_response, AGREED },
    { AGREED, false, &CREDENTIAL_DISCOVERY_REQUEST, check_discovery_request, LOOKED_UP },
    { AGREED, false, &KEY_CREATION_REQUEST, check_key_creation_request, ORDERED },
    { AGREED, false, &PROVISIONING_FINALIZATION_REQUEST, check_finalization_request, CLOSING },
    { LOOKED_UP, true, &CREDENTIAL_DISCOVERY_RESPONSE, check_discovery_response, FOUND },
    { FOUND, false, &KEY_CREATION_REQUEST, check_key_creation_request, ORDERED },
    { FOUND, false, &PROVISIONING_FINALIZATION_REQUEST, check_finalization_request, CLOSING },
    { ORDERED, true, &KEY_CREATION_RESPONSE, check_key_creation_response, MADE },
    { MADE, false, &PROVISIONING_FINALIZATION_REQUEST, check_finalization_request, CLOSING },
    { MADE, false, &INVOCATION_REQUEST, check_invocation_request, INVITED_AGAIN },
    { INVITED_AGAIN, false, &INVOCATION_REQUEST, check_invocation_request, INVITED_AGAIN },
    { INVITED_AGAIN, true, &INVOCATION_RESPONSE, check_invocation_response, INVOKED_AGAIN },
    { INVOKED_AGAIN, false, &PROVISIONING_FINALIZATION_REQUEST, check_finalization_request,
      CLOSING },
    { CLOSING, true, &PROVISIONING_FINALIZATION_RESPONSE, check_finalization_response, CLOSED },
};

/* What else waits for a message than a row: after MADE, the operator. */
static const struct row *find_row(enum stage at, const struct evidence_message *message)
{
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        if (ROWS[i].at == at && ROWS[i].incoming == message->incoming &&
            (message->incoming || bytes_equal(message->type, bytes_of(ROWS[i].type->name))))
            return &ROWS[i];
    return NULL;
}

/* ---- ids ---- */

static enum truth is_ours(const struct checker *c, struct bytes server_id,
                          const struct bytes *client_id)
{
    return bytes_equal(server_id, c->record->server_session_id) &&
                   (client_id == NULL || bytes_equal(*client_id, c->agreed.client_session_id))
               ? HOLDS
               : FAILS;
}

void check_own_ids(struct checker *c, struct bytes server_id, const struct bytes *client_id)
{
    if (is_ours(c, server_id, client_id) == FAILS)
        checker_tell(c, EVIDENCE_BAD, "ids", "the issuer's message names another session");
}

bool check_their_ids(struct checker *c, struct bytes server_id, const struct bytes *client_id)
{
    return checker_compare(c, EVIDENCE_CHECK_SESSION_IDS, is_ours(c, server_id, client_id), NULL);
}

/* ---- Invocation ---- */

void check_invocation_request(struct checker *c, const void *from)
{
    const struct invocation_request *message = from;

    check_own_ids(c, message->server_session_id, NULL);
    c->agreed.privacy_enabled = message->privacy_enabled;
}

void check_invocation_response(struct checker *c, const void *from)
{
    (void)check_their_ids(c, ((const struct invocation_response *)from)->server_session_id, NULL);
}

/* ---- one message ---- */

static const char *direction(const struct evidence_message *message)
{
    return message->incoming ? "in" : "out";
}

/* Decodes into the arena. NULL: it does not decode, *why says so. */
static void *decode(struct checker *c, const struct row *row,
                    const struct evidence_message *message, struct sks_error *why)
{
    void *out = arena_alloc(c->arena, 1, row->type->size);
    enum sks_status rc = SKS_ERROR_STORAGE;

    if (out != NULL)
        rc = keygen2_decode(row->type, message->body, out, c->arena, why);
    c->no_memory |= rc == SKS_ERROR_STORAGE;
    (void)sks_explain(why, rc);
    return rc == SKS_OK ? out : NULL;
}

static void take_outgoing(struct checker *c, size_t index, const struct row *row,
                          const struct evidence_message *message)
{
    struct sks_error why = { 0 };
    const void *decoded;

    if (row == NULL) {
        checker_break(c, "message", "number %zu out, %.*s, is out of order", index + 1,
                      SLICE(message->type));
        return;
    }
    decoded = decode(c, row, message, &why);
    if (decoded == NULL) {
        checker_break(c, "message", "number %zu out: %s: %s", index + 1, row->type->name, why.text);
        return;
    }
    checker_tell(c, EVIDENCE_GOOD, "message", "%s out, %zu bytes", row->type->name,
                 message->body.len);
    c->asked_at = message->time.seconds;
    row->check(c, decoded);
    c->terms = c->agreed; /* it went out, so its session was kept */
    c->made_kept = c->made;
}

/* What failed before the issuer looked at the message, or because it could not. */
static bool is_refused(struct checker *c, const struct evidence_message *message,
                       const struct row *row, const void *decoded, const char *why)
{
    const struct evidence_check *said = checker_failure(c, EVIDENCE_CHECK_ADDRESS);

    if (said == NULL)
        said = checker_failure(c, EVIDENCE_CHECK_PROFILE);
    if (said != NULL) {
        checker_tell(c, EVIDENCE_NOT_CHECKED, "failure", "%.*s: %.*s", SLICE(said->name),
                     SLICE(said->detail));
    } else if ((said = checker_failure(c, EVIDENCE_CHECK_MESSAGE)) != NULL) {
        checker_tell(c, decoded == NULL ? EVIDENCE_GOOD : EVIDENCE_BAD, EVIDENCE_CHECK_MESSAGE,
                     decoded == NULL ? "fails, as recorded: %.*s"
                                     : "recorded as failed, and decodes: %.*s",
                     SLICE(said->detail));
    } else if (decoded == NULL) {
        checker_break(c, EVIDENCE_CHECK_MESSAGE, "%.*s in, recorded as accepted: %s%s%s",
                      SLICE(message->type), row == NULL ? "none is awaited" : row->type->name,
                      row == NULL ? "" : ": ", why);
        return true;
    } else {
        return false;
    }
    checker_end(c);
    return true;
}

static void take_incoming(struct checker *c, const struct row *row,
                          const struct evidence_message *message)
{
    struct sks_error why = { 0 };
    const void *decoded = row == NULL ? NULL : decode(c, row, message, &why);

    if (is_refused(c, message, row, decoded, why.text))
        return;
    checker_tell(c, EVIDENCE_GOOD, "message", "%s in, %zu bytes", row->type->name,
                 message->body.len);
    c->arrived_at = message->time.seconds;
    row->check(c, decoded);
    checker_skip(c);
}

static void take_all(struct checker *c)
{
    const struct evidence_message *message = c->record->messages.item;
    enum stage stage = BEGINNING;

    for (size_t i = 0; i < c->record->messages.count && !c->broken && !c->no_memory; i++) {
        const struct row *row = find_row(stage, &message[i]);

        if (c->stopped) {
            checker_break(c, "message", "number %zu %s comes after the end of the session", i + 1,
                          direction(&message[i]));
            return;
        }
        if (!bytes_equal(message[i].type, bytes_of(keygen2_qualifier(message[i].body))))
            checker_tell(c, EVIDENCE_BAD, "message", "number %zu is no %.*s", i + 1,
                         SLICE(message[i].type));
        if (message[i].incoming)
            take_incoming(c, row, &message[i]);
        else
            take_outgoing(c, i, row, &message[i]);
        if (row != NULL)
            stage = row->next;
    }
}

/* ---- what it ended with ---- */

static bool ends_with(const struct checker *c, bool incoming)
{
    const struct evidence_message *message = c->record->messages.item;
    size_t count = c->record->messages.count;

    return count > 0 && message[count - 1].incoming == incoming;
}

/* Checks of an answer that did not go out, because the session failed while it was made. */
static void take_rest(struct checker *c)
{
    const struct evidence_check *check = c->record->checks.item;
    bool may = c->record->verdict == VERDICT_FAILED && ends_with(c, true);

    checker_skip(c);
    for (; !c->stopped && c->next < c->record->checks.count; checker_skip(c)) {
        const struct evidence_check *said = &check[c->next];

        if (may && checker_failure(c, EVIDENCE_CHECK_PROFILE) != NULL) { /* behind the message */
            checker_tell(c, EVIDENCE_NOT_CHECKED, "failure", "%.*s: %.*s", SLICE(said->name),
                         SLICE(said->detail));
            checker_end(c);
            return;
        }
        if (!may || !said->passed || !bytes_equal(said->name, bytes_of(EVIDENCE_CHECK_MAC))) {
            checker_break(c, "checks", "number %zu, \"%.*s\", belongs to no message", c->next + 1,
                          SLICE(said->name));
            return;
        }
        checker_tell(c, EVIDENCE_NOT_CHECKED, EVIDENCE_CHECK_MAC,
                     "%.*s, in an answer that did not go out", SLICE(said->detail));
        c->next++;
    }
}

/* What stands behind the failure: only what was done to the session later. */
static void pass_later(struct checker *c)
{
    const struct evidence_check *check = c->record->checks.item;

    while (!c->broken && c->next < c->record->checks.count && check[c->next].passed &&
           !checker_knows(check[c->next].name))
        c->next++;
    if (!c->broken && c->next < c->record->checks.count)
        checker_break(c, "checks", "number %zu, \"%.*s\", comes after the end of the session",
                      c->next + 1, SLICE(check[c->next].name));
}

/* Tables compare: what another kind of session has is a row of them. */
static void compare_part(struct checker *c, const char *name, const struct json_type *type,
                         const void *told, const void *found)
{
    json_t *a = json_encode(type, told), *b = json_encode(type, found);

    if (a == NULL || b == NULL)
        c->no_memory = true;
    else if (!json_equal(a, b))
        checker_tell(c, EVIDENCE_BAD, name, "what the record sums up differs from its messages");
    json_decref(a);
    json_decref(b);
}

static void compare_summary(struct checker *c)
{
    const struct evidence_key *told = c->record->keys.item;
    size_t bad = c->report->count[EVIDENCE_BAD];

    if (c->broken)
        return;
    compare_part(c, "terms", &EVIDENCE_TERMS, c->record->terms, &c->terms);
    if (c->record->keys.count != c->keys) {
        checker_tell(c, EVIDENCE_BAD, "keys", "the record sums up %zu, its messages have %zu",
                     c->record->keys.count, c->keys);
        return;
    }
    for (size_t i = 0; i < c->keys; i++) {
        if (!c->made_kept)
            c->key[i].told.public_key = (struct bytes){ 0 };
        compare_part(c, "keys", &EVIDENCE_KEY, &told[i], &c->key[i].told);
    }
    if (bad == c->report->count[EVIDENCE_BAD])
        checker_tell(c, EVIDENCE_GOOD, "summary", "terms and %zu key%s are those of the messages",
                     c->keys, c->keys == 1 ? "" : "s");
}

/* The cause of a session that failed at a check is that check; but for the operator's. */
static void check_cause(struct checker *c)
{
    struct bytes cause = c->record->cause;
    const char *expected;

    if (c->failed == NULL) {
        if (c->stopped && !ends_with(c, true))
            checker_break(c, "checks", "they end before the messages do");
        else
            checker_tell(c, EVIDENCE_NOT_CHECKED, "failure", "%.*s", SLICE(cause));
        return;
    }
    expected =
        arena_printf(c->arena, "%.*s: %.*s", SLICE(c->failed->name), SLICE(c->failed->detail));
    if (expected == NULL)
        c->no_memory = true;
    else if (!bytes_equal(c->failed->name, bytes_of(EVIDENCE_CHECK_APPROVAL)) &&
             !bytes_equal(cause, bytes_of(expected)))
        checker_tell(c, EVIDENCE_BAD, "verdict", "failed with another cause than \"%s\"", expected);
}

/* That a later session did something to a key of this one, of which that one's record tells. */
static const struct evidence_check *find_confirmation(const struct checker *c)
{
    const struct evidence_check *check = c->record->checks.item;

    for (size_t i = 0; i < c->record->checks.count; i++)
        if (check[i].passed && bytes_equal(check[i].name, bytes_of(EVIDENCE_CHECK_CONFIRMATION)))
            return &check[i];
    return NULL;
}

/* NULL, or what contradicts the verdict. */
static const char *contradiction(const struct checker *c)
{
    bool cause = c->record->cause.len > 0, confirmed = find_confirmation(c) != NULL;

    if (confirmed && c->record->verdict != VERDICT_SUCCEEDED)
        return "with a confirmation";
    if (confirmed && !c->proven && (c->nonce.len == 0 || !ends_with(c, false)))
        return "confirmed without an unanswered finalization";
    switch (c->record->verdict) {
    case VERDICT_SUCCEEDED:
        return c->failed != NULL || !(c->proven || confirmed) ? "without a closing proof"
               : cause                                        ? "with a cause"
                                                              : NULL;
    case VERDICT_FAILED:
        return c->proven ? "with a closing proof" : !cause ? "without a cause" : NULL;
    case VERDICT_IN_DOUBT:
        return c->failed != NULL || c->stopped  ? "with a failure"
               : !cause                         ? "without a cause"
               : c->nonce.len == 0 || c->proven ? "without an unanswered finalization"
               : !ends_with(c, false)           ? "with an answer"
                                                : NULL;
    default:
        return c->failed != NULL || c->stopped || c->proven ? "with an end"
               : cause                                      ? "with a cause"
                                                            : NULL;
    }
}

static void check_verdict(struct checker *c)
{
    const char *verdict = name_of_value(NAMES_VERDICT, c->record->verdict);
    const char *why = c->broken ? NULL : contradiction(c);
    const struct evidence_check *confirmation = find_confirmation(c);

    if (c->broken)
        return;
    if (why == NULL && (c->record->ended.seconds == 0) != (c->record->verdict == VERDICT_OPEN))
        why = c->record->verdict == VERDICT_OPEN ? "with the time of its end"
                                                 : "without the time of its end";
    if (c->record->verdict == VERDICT_SUCCEEDED && !c->proven && confirmation != NULL)
        checker_tell(c, EVIDENCE_NOT_CHECKED, EVIDENCE_CHECK_CONFIRMATION,
                     "%.*s, whose record shows it", SLICE(confirmation->detail));
    if (why != NULL)
        checker_tell(c, EVIDENCE_BAD, "verdict", "%s, but %s", verdict, why);
    else
        checker_tell(c, EVIDENCE_GOOD, "verdict", "%s%s%.*s", verdict,
                     c->record->cause.len > 0 ? ": " : "", SLICE(c->record->cause));
}

void check_messages(struct checker *c)
{
    take_all(c);
    take_rest(c);
    pass_later(c);
    if (c->record->verdict == VERDICT_FAILED && !c->broken)
        check_cause(c);
    compare_summary(c);
    check_verdict(c);
}
