#include "proxy/outcome.h"

#include "keygen2/base/json.h"
#include "keygen2/base/log.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum exit_code code;
} KINDS[] = {
    [OUTCOME_SUCCEEDED] = { "succeeded", EXIT_DONE },
    [OUTCOME_PENDING] = { "pending", EXIT_DONE },
    [OUTCOME_REFUSED] = { "refused", EXIT_REFUSED },
    [OUTCOME_ERROR] = { "error", EXIT_IO },
    [OUTCOME_IN_DOUBT] = { "in doubt", EXIT_IN_DOUBT },
};
static const char *const PARTIES[] = {
    [PARTY_NONE] = "",
    [PARTY_TOKEN] = "token",
    [PARTY_ISSUER] = "issuer",
    [PARTY_PROXY] = "proxy",
};

enum exit_code outcome_exit_code(const struct outcome *outcome)
{
    return KINDS[outcome->kind].code;
}

static json_t *keys_to_json(const struct outcome *outcome)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < outcome->key_count; i++)
        (void)json_array_append_new(keys,
                                    json_pack("{s:o, s:I}", "id", json_text(outcome->keys[i].id),
                                              "handle", (json_int_t)outcome->keys[i].handle));
    return keys;
}

static json_t *anchors_to_json(const struct outcome *outcome)
{
    json_t *anchors = json_array();

    for (size_t i = 0; i < outcome->anchor_count; i++)
        (void)json_array_append_new(anchors, json_pack("{s:s, s:s, s:s*}", "fingerprint",
                                                       outcome->anchors[i].fingerprint, "subject",
                                                       outcome->anchors[i].subject, "file",
                                                       outcome->anchors[i].file));
    return anchors;
}

static void print_json(const struct outcome *outcome)
{
    char cause[sizeof outcome->cause];
    json_t *object;

    (void)snprintf(cause, sizeof cause, "%s", outcome->cause);
    log_clean(cause); /* JSON must be UTF-8 whatever a peer sent */
    object = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "outcome", KINDS[outcome->kind].name,
                       "detectedBy", PARTIES[outcome->detected_by], "cause", cause,
                       "serverSessionId", json_text(outcome->server_session_id), "clientSessionId",
                       json_text(outcome->client_session_id), "keys", keys_to_json(outcome));
    if (outcome->proof_kept)
        (void)json_object_set_new(object, "proofKept", json_true());
    if (outcome->waits)
        (void)json_object_set_new(object, "waits", json_true());
    if (outcome->until[0] != '\0')
        (void)json_object_set_new(object, "until", json_string(outcome->until));
    if (outcome->anchor_count > 0)
        (void)json_object_set_new(object, "trustAnchors", anchors_to_json(outcome));
    (void)program_print_json(object, JSON_INDENT(2));
}

static void print_text(const struct outcome *outcome)
{
    char cause[sizeof outcome->cause];

    (void)snprintf(cause, sizeof cause, "%s", outcome->cause);
    log_clean(cause);
    (void)printf("%s", KINDS[outcome->kind].name);
    if (outcome->detected_by != PARTY_NONE)
        (void)printf(" by the %s", PARTIES[outcome->detected_by]);
    (void)printf("%s%s\n", cause[0] == '\0' ? "" : ": ", cause);
    if (outcome->server_session_id.len > 0)
        (void)printf("session %.*s\n", (int)outcome->server_session_id.len,
                     (const char *)outcome->server_session_id.ptr);
    if (outcome->proof_kept)
        (void)printf("the closing proof is kept: sks-proxy resume sends it again, and so does the"
                     " next provision at this issuer\n");
    if (outcome->waits)
        (void)printf("the session waits in the token%s%s; the same command with --resume --session "
                     "%.*s goes on\n",
                     outcome->until[0] == '\0' ? "" : " until ", outcome->until,
                     (int)outcome->server_session_id.len,
                     (const char *)outcome->server_session_id.ptr);
    for (size_t i = 0; i < outcome->anchor_count; i++)
        (void)printf("trust anchor %s (%s)%s%s\n", outcome->anchors[i].fingerprint,
                     outcome->anchors[i].subject,
                     outcome->anchors[i].file == NULL ? " is not installed" : " is in ",
                     outcome->anchors[i].file == NULL ? "" : outcome->anchors[i].file);
    for (size_t i = 0; i < outcome->key_count; i++)
        (void)printf("key %.*s has handle %u\n", (int)outcome->keys[i].id.len,
                     (const char *)outcome->keys[i].id.ptr, outcome->keys[i].handle);
}

void outcome_print(const struct outcome *outcome, bool json)
{
    if (json)
        print_json(outcome);
    else
        print_text(outcome);
}
