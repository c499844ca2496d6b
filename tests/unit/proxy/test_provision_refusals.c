/* Enrolments that fail: who is told, what is undone, and what the outcome says. */
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <string.h>

static void set_up(void)
{
    fake_set_up("tests/kat/transcripts/p256-userpin.json");
}

TestSuite(refusals, .init = set_up, .fini = fake_tear_down);

enum { INIT = 1, INVOCATION, INITIALIZATION, CREATION, FINAL, PAGE }; /* exchanges of the issuer */

static void expect(enum outcome_kind kind, enum party party, const char *calls,
                   const char *requests, const char *cause)
{
    fake_run();
    cr_expect_eq(fake.outcome.kind, kind, "%d: %s", fake.outcome.kind, fake.outcome.cause);
    cr_expect_eq(fake.outcome.detected_by, party, "%d: %s", fake.outcome.detected_by,
                 fake.outcome.cause);
    cr_expect_str_eq(fake.calls, calls);
    cr_expect_str_eq(fake.requests, requests);
    cr_expect_not_null(strstr(fake.outcome.cause, cause), "%s", fake.outcome.cause);
    cr_expect_eq(fake.outcome.key_count, kind == OUTCOME_IN_DOUBT, "%zu keys",
                 fake.outcome.key_count);
}

/* ---- the token ---- */

Test(refusals, the_token_refuses)
{
    static const struct {
        uint8_t method;
        const char *calls, *requests;
    } CASES[] = {
        { 1, " 1", "" },
        { 2, " 1 2", " init POST abort" },
        { 9, " 1 2 9 5", " init POST POST abort" },
        { 10, " 1 2 9 10 5", " init POST POST abort" },
        { 12, " 1 2 9 10 12 5", " init POST POST POST abort" },
        { 3, " 1 2 9 10 12 3 5", " init POST POST POST abort" },
    };

    fake.token.trouble = TROUBLE_STATUS;
    fake.token.status = SKS_ERROR_MAC;
    fake.token.abort_status = SKS_ERROR_NO_SESSION; /* it has torn it down itself */
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        fake.token.at = CASES[i].method;
        expect(OUTCOME_REFUSED, PARTY_TOKEN, CASES[i].calls, CASES[i].requests,
               ": ERROR_MAC: not so");
    }
}

Test(refusals, the_token_does_not_answer)
{
    static const struct {
        uint8_t method;
        const char *calls, *requests;
    } CASES[] = {
        { 1, " 1", "" },
        /* A session may have come of it: it is looked for. */
        { 2, " 1 2 4 4 5", " init POST abort" },
        { 9, " 1 2 9 5", " init POST POST abort" },
        { 10, " 1 2 9 10 5", " init POST POST abort" },
        { 12, " 1 2 9 10 12 5", " init POST POST POST abort" },
        /* The abort was accepted, so the close has not happened. */
        { 3, " 1 2 9 10 12 3 5", " init POST POST POST abort" },
    };

    fake.token.trouble = NO_ANSWER;
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        fake.token.at = CASES[i].method;
        expect(OUTCOME_ERROR, PARTY_NONE, CASES[i].calls, CASES[i].requests, "the wire is cut");
        cr_expect_eq(outcome_exit_code(&fake.outcome), EXIT_IO);
    }
}

Test(refusals, a_call_that_never_left_needs_no_search)
{
    fake.token.at = 2;
    fake.token.trouble = NO_CONNECTION;
    expect(OUTCOME_ERROR, PARTY_NONE, " 1 2", " init POST abort", "the wire is cut");
}

/* The session is gone when the abort arrives: nobody knows whether it was closed. */
Test(refusals, a_broken_close_is_in_doubt)
{
    fake.token.at = 3;
    fake.token.trouble = NO_ANSWER;
    fake.token.abort_status = SKS_ERROR_NO_SESSION;
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, " 1 2 9 10 12 3 5", " init POST POST POST",
           "closeProvisioningSession: the wire is cut");
    cr_expect_eq(outcome_exit_code(&fake.outcome), EXIT_IN_DOUBT);
}

Test(refusals, the_token_gives_nonsense)
{
    fake.token.client_session_id = "has a blank";
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 5", " init POST abort", "malformed clientSessionId");
}

/* ---- the issuer ---- */

static const struct {
    unsigned at;
    const char *calls, *requests; /* up to the trouble, abort included where a session is open */
} STEPS[] = {
    { INIT, " 1", " init" },
    { INVOCATION, " 1", " init POST" },
    { INITIALIZATION, " 1 2 5", " init POST POST" },
    { CREATION, " 1 2 9 10 5", " init POST POST POST" },
};

static const char *then(const char *requests, const char *more)
{
    static char text[100];

    (void)snprintf(text, sizeof text, "%s%s", requests, more);
    return text;
}

/* An issuer that has begun is told, once, unless it is the one that ended the session. */
static const char *abort_after(size_t step)
{
    return then(STEPS[step].requests, STEPS[step].at == INIT ? "" : " abort");
}

Test(refusals, the_issuer_fails_the_session)
{
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.location = "http://issuer.example/failed/x";
    fake.issuer.verdict = "failed";
    for (size_t i = 0; i < NITEMS(STEPS); i++) {
        fake.issuer.at = STEPS[i].at;
        expect(OUTCOME_REFUSED, PARTY_ISSUER, STEPS[i].calls, then(STEPS[i].requests, " /failed/x"),
               "the issuer failed the session: because");
    }
}

Test(refusals, a_success_before_the_end_is_none)
{
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.location = "/done/x";
    fake.issuer.at = CREATION;
    expect(OUTCOME_REFUSED, PARTY_ISSUER, " 1 2 9 10 5", " init POST POST POST /done/x",
           "the issuer failed the session");
}

Test(refusals, pages_of_other_servers_are_not_read)
{
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.location = "http://issuer.example.evil/failed/x";
    fake.issuer.at = CREATION;
    expect(OUTCOME_REFUSED, PARTY_ISSUER, " 1 2 9 10 5", " init POST POST POST",
           "the issuer ended the session and points to http://issuer.example.evil/failed/x");
}

Test(refusals, the_issuer_rejects_a_message)
{
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.status = 403;
    for (size_t i = 0; i < NITEMS(STEPS); i++) {
        fake.issuer.at = STEPS[i].at;
        expect(OUTCOME_REFUSED, PARTY_ISSUER, STEPS[i].calls, abort_after(i),
               "the issuer answered HTTP 403");
    }
}

Test(refusals, the_issuer_breaks)
{
    fake.issuer.status = 500;
    for (size_t i = 0; i < NITEMS(STEPS); i++) {
        fake.issuer.at = STEPS[i].at;
        fake.issuer.trouble = TROUBLE_STATUS;
        expect(OUTCOME_ERROR, PARTY_NONE, STEPS[i].calls, abort_after(i), "HTTP 500");
        fake.issuer.trouble = NO_ANSWER;
        expect(OUTCOME_ERROR, PARTY_NONE, STEPS[i].calls, abort_after(i), "the wire is cut");
    }
}

Test(refusals, what_only_looks_like_a_message)
{
    fake.issuer.trouble = TROUBLE_TYPE;
    for (size_t i = 0; i < NITEMS(STEPS); i++) {
        fake.issuer.at = STEPS[i].at;
        expect(OUTCOME_REFUSED, PARTY_PROXY, STEPS[i].calls, abort_after(i), "charset=utf-8");
    }
}

Test(refusals, another_tls_certificate)
{
    fake.issuer.trouble = TROUBLE_LEAF;
    fake.issuer.leaf = "leaf";
    for (size_t i = 1; i < NITEMS(STEPS); i++) {
        fake.issuer.at = STEPS[i].at;
        expect(OUTCOME_REFUSED, PARTY_PROXY, STEPS[i].calls, abort_after(i),
               "another TLS certificate");
    }
}

/* ---- after the token has committed ---- */

#define COMMITTED " 1 2 9 10 12 3"

Test(refusals, no_word_on_the_closing_proof)
{
    fake.issuer.at = FINAL;
    fake.issuer.trouble = NO_ANSWER;
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST", "the wire is cut");
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.status = 500;
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST", "HTTP 500");
    fake.issuer.status = 403;
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST", "HTTP 403");
    fake.issuer.location = "/elsewhere";
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST", "HTTP 302");
    cr_expect_eq(outcome_exit_code(&fake.outcome), EXIT_IN_DOUBT);
}

Test(refusals, the_issuer_refuses_the_closing_proof)
{
    fake.issuer.at = FINAL;
    fake.issuer.trouble = TROUBLE_STATUS;
    fake.issuer.location = "/failed/x";
    fake.issuer.verdict = "failed";
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_REFUSED);
    cr_expect_eq(fake.outcome.detected_by, PARTY_ISSUER);
    cr_expect_str_eq(fake.calls, COMMITTED);
    cr_expect_eq(fake.outcome.key_count, 1, "the token has it all the same");
}

Test(refusals, the_verdict_counts)
{
    fake.issuer.verdict = "in doubt";
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST /done/x",
           "the issuer is in doubt");
    fake.issuer.verdict = NULL;
    expect(OUTCOME_IN_DOUBT, PARTY_NONE, COMMITTED, " init POST POST POST POST /done/x",
           "cannot be read");
}

/* ---- messages that are not as they must be ---- */

static const struct {
    const char *message, *change, *calls, *requests, *cause;
} MESSAGES[] = {
    { "InvocationRequest", "{\"x\": 1}", " 1", " init abort", "/x" },
    { "InvocationRequest", "{\"@qualifier\": \"KeyCreationRequest\"}", " 1", " init abort",
      "/@qualifier" },
    { "ProvisioningInitializationRequest", "{\"serverSessionId\": \"other\"}", " 1",
      " init POST abort", "/serverSessionId: not that of this session" },
    { "KeyCreationRequest", "{\"serverSessionId\": \"other\"}", " 1 2 5", " init POST POST abort",
      "/serverSessionId: not that of this session" },
    { "KeyCreationRequest", "{\"clientSessionId\": \"other\"}", " 1 2 5", " init POST POST abort",
      "/clientSessionId: not the one that the token drew" },
    { "KeyCreationRequest", "{\"deferredIssuance\": true}", " 1 2 5", " init POST POST abort",
      "deferred issuance" },
    { "ProvisioningFinalizationRequest", "{\"clientSessionId\": \"other\"}", " 1 2 9 10 5",
      " init POST POST POST abort", "/clientSessionId" },
    { "ProvisioningFinalizationRequest",
      "{\"issuedCredentials\": [{\"id\": \"Key.1\", \"certificatePath\": [\"AAAA\"],"
      "\"mac\": \"AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8\"}]}",
      " 1 2 9 10 5", " init POST POST POST abort", "certificatePath" },
    { "InvocationRequest", "{\"action\": \"unlock\"}", " 1 2 5", " init POST POST abort",
      "KeyCreationRequest does not fit the action \"unlock\"" },
};

Test(refusals, the_proxy_checks_what_it_reads)
{
    for (size_t i = 0; i < NITEMS(MESSAGES); i++) {
        fake.issuer.message = MESSAGES[i].message;
        fake.issuer.change = MESSAGES[i].change;
        expect(OUTCOME_REFUSED, PARTY_PROXY, MESSAGES[i].calls, MESSAGES[i].requests,
               MESSAGES[i].cause);
    }
}

/* KeyGen2, action: the user has consented to unlocking. */
Test(refusals, unlocking_deletes_nothing)
{
    fake.issuer.message = "InvocationRequest";
    fake.issuer.change = "{\"action\": \"unlock\"}";
    fake.issuer.skip_creation = true;
    fake.issuer.message2 = "ProvisioningFinalizationRequest";
    fake.issuer.change2 = "{\"deleteKeys\": [" FAKE_TARGET "]}";
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 5", " init POST POST abort",
           "deleteKeys does not fit the action \"unlock\"");
}

/* ---- the user ---- */

Test(refusals, a_pin_that_breaks_its_policy_is_never_sent)
{
    fake.pins[0] = "1234";
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 5", " init POST POST abort",
           "the PIN is a sequence; policy PIN.1 wants 4 to 8 digits; no three equal ones in "
           "a row; no sequence like 1234 or 9876");
}

Test(refusals, no_pin_and_nobody_to_ask)
{
    fake.pin_count = 0;
    cr_assert_not_null(freopen("/dev/null", "r", stdin));
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 5", " init POST POST abort", "a PIN is needed");
}

Test(refusals, an_interrupt_tells_both_ends)
{
    fake.issuer.trouble = TROUBLE_STOP;
    fake.issuer.at = CREATION;
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 9 10 5", " init POST POST POST abort",
           "interrupted");
    fake.issuer.at = 0;
    fake.token.at = 9;
    fake.token.trouble = TROUBLE_STOP;
    expect(OUTCOME_REFUSED, PARTY_PROXY, " 1 2 9 5", " init POST POST abort", "interrupted");
}

Test(refusals, an_interrupt_comes_too_late_for_a_close)
{
    fake.token.at = 3;
    fake.token.trouble = TROUBLE_STOP;
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s", fake.outcome.cause);
}
