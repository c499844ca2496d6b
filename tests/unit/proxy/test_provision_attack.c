/* Attacks as data: what a rule file may say, and what the rules do to a message. */
#include "keygen2/base/files.h"
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sks_error err;

static enum sks_status load(const char *rules, struct attack **attack)
{
    char path[] = "/tmp/sks-attack-XXXXXX";
    int fd = mkstemp(path);
    enum sks_status rc;

    (void)close(fd);
    cr_assert_eq(file_write(path, 0600, bytes_of(rules), &err), SKS_OK);
    rc = attack_load(path, attack, &err);
    (void)unlink(path);
    return rc;
}

#define RULE(path, operation)                                                                      \
    "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"M\", \"path\": \"" path "\", "              \
    "\"operation\": \"" operation "}]}"

static const struct {
    const char *rules;
    const char *result; /* NULL: does not fit */
} CASES[] = {
    { RULE("/a", "delete\""), "{\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"}" },
    { RULE("/l/1", "delete\""), "{\"a\":1,\"l\":[\"x y\",{\"~/\":\"AAA\"}],\"t\":\"AQID\"}" },
    { RULE("/a", "replace\", \"value\": {\"b\": null}"),
      "{\"a\":{\"b\":null},\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"}" },
    { RULE("/l/0", "replace\", \"value\": \"z\""),
      "{\"a\":1,\"l\":[\"z\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"}" },
    /* 01 02 03: bit 9 is 2 of the second byte, which leaves 01 00 03. */
    { RULE("/t", "flip\", \"bit\": 9"),
      "{\"a\":1,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQAD\"}" },
    { RULE("/l/0", "flip\", \"bit\": 0"),
      "{\"a\":1,\"l\":[\"y y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"}" },
    { RULE("/l/2/~0~1", "flip\", \"bit\": 8"),
      "{\"a\":1,\"l\":[\"x y\",2,{\"~/\":\"AAE\"}],\"t\":\"AQID\"}" },
    { RULE("/t", "flip\", \"bit\": 24"), NULL },
    { RULE("/l/0", "flip\", \"bit\": 7"), NULL }, /* is not UTF-8 any more */
    { RULE("/a", "flip\", \"bit\": 0"), NULL },
    { RULE("/b", "delete\""), NULL },
    { RULE("/l/3", "delete\""), NULL },
    { RULE("/l/x", "delete\""), NULL },
    { RULE("/t/0", "delete\""), NULL },
};

Test(attack, operations)
{
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct buf text = { 0 };
        struct attack *attack;
        char note[ATTACK_NOTE_MAX];
        enum sks_status rc;

        cr_assert_eq(load(CASES[i].rules, &attack), SKS_OK, "%s", err.text);
        put_text(&text, "{\"a\":1,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"}");
        rc = attack_apply(attack, HOP_ISSUER, "M", &text, note, &err);
        cr_expect_eq(rc, CASES[i].result == NULL ? SKS_ERROR_OPTION : SKS_OK, "%zu: %s", i,
                     err.text);
        if (CASES[i].result != NULL) {
            cr_expect(bytes_equal(buf_bytes(&text), bytes_of(CASES[i].result)), "%zu: %.*s", i,
                      (int)text.len, (const char *)text.ptr);
            cr_expect_neq(note[0], '\0');
        }
        attack_free(attack);
        buf_free(&text);
    }
}

Test(attack, other_messages_and_no_attack_change_nothing)
{
    struct buf text = { 0 };
    struct attack *attack;
    char note[ATTACK_NOTE_MAX];

    put_text(&text, "not even JSON");
    cr_assert_eq(load(RULE("/a", "delete\""), &attack), SKS_OK);
    cr_assert_eq(attack_apply(attack, HOP_ISSUER, "N", &text, note, &err), SKS_OK);
    cr_assert_eq(attack_apply(attack, HOP_TOKEN, "M", &text, note, &err), SKS_OK);
    cr_assert_eq(attack_apply(NULL, HOP_ISSUER, "M", &text, note, &err), SKS_OK);
    cr_assert_str_eq(note, "");
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of("not even JSON")));
    attack_free(attack);
    buf_free(&text);
}

static const struct {
    const char *rules, *problem;
} WRONG[] = {
    { "", "line 1" },
    { "{\"rules\": []}", "/rules" },
    { "{\"rules\": [{}]}", "/rules/0" },
    { RULE("/a", "flop\""), "/rules/0/operation" },
    { RULE("/a", "flip\""), "\"bit\" belongs to the operation flip" },
    { RULE("/a", "delete\", \"bit\": 1"), "\"bit\" belongs to the operation flip" },
    { RULE("/a", "flip\", \"bit\": -1"), "/rules/0/bit" },
    { RULE("/a", "flip\", \"bit\": 1.0"), "/rules/0/bit" },
    { RULE("/a", "replace\""), "\"value\" belongs to the operation replace" },
    { RULE("/a", "delete\", \"value\": null"), "\"value\" belongs to the operation replace" },
    { RULE("a", "delete\""), "/rules/0/path: expected a JSON pointer" },
    { RULE("/a", "delete\", \"x\": 1"), "/rules/0/x" },
    { "{\"rules\": [{\"hop\": \"token\", \"message\": \"M\", \"path\": \"/a\", "
      "\"operation\": \"delete\"}]}",
      "/rules/0/hop" },
};

Test(attack, what_is_wrong_with_a_rule_is_said)
{
    struct attack *attack;

    for (size_t i = 0; i < NITEMS(WRONG); i++) {
        cr_expect_eq(load(WRONG[i].rules, &attack), SKS_ERROR_OPTION, "%zu", i);
        cr_expect_null(attack);
        cr_expect_not_null(strstr(err.text, WRONG[i].problem), "%zu: %s", i, err.text);
    }
    cr_expect_eq(attack_load("/nowhere/x", &attack, &err), SKS_ERROR_EXTERNAL);
}

/* ---- in an enrolment ---- */

#define ON(message, path, operation)                                                               \
    "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"" message "\", \"path\": \"" path "\", "    \
    "\"operation\": \"" operation "}]}"

static void set_up(void)
{
    fake_set_up("tests/kat/transcripts/p256-userpin.json");
}

TestSuite(attacked, .init = set_up, .fini = fake_tear_down);

Test(attacked, a_request_is_altered_before_the_client_reads_it)
{
    fake.attack = ON("KeyCreationRequest", "/clientSessionId", "flip\", \"bit\": 0");
    fake_run();
    cr_assert_eq(fake.outcome.detected_by, PARTY_PROXY);
    cr_assert_not_null(strstr(fake.outcome.cause, "/clientSessionId"));
}

Test(attacked, a_bit_of_the_signature_reaches_the_token)
{
    fake.attack = ON("ProvisioningFinalizationRequest", "/issuedCredentials/0/certificatePath/0",
                     "flip\", \"bit\": 3400");
    fake_run();
    cr_assert_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s: a fake token checks no MAC",
                 fake.outcome.cause);
}

Test(attacked, a_response_is_altered_after_the_client_made_it)
{
    fake.attack =
        ON("KeyCreationResponse", "/generatedKeys/0/id", "replace\", \"value\": \"Key.2\"");
    fake_run();
    cr_assert_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s", fake.outcome.cause);
    cr_assert_str_eq(
        json_string_value(json_object_get(
            json_array_get(json_object_get(fake_response(2), "generatedKeys"), 0), "id")),
        "Key.2");
}

Test(attacked, a_rule_that_does_not_fit_is_no_refusal)
{
    fake.attack = ON("KeyCreationRequest", "/nothing", "delete\"");
    fake_run();
    cr_assert_eq(fake.outcome.kind, OUTCOME_ERROR);
    cr_assert_str_eq(fake.outcome.cause, "attack: KeyCreationRequest has no /nothing");
    cr_assert_str_eq(fake.calls, " 1 2 5");
}
