/* An enrolment whose session is that of the 2010 profile; all but its beginning is as recorded. */
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <string.h>

/* The session of the recording, as an issuer of 2010 would have asked for it. */
#define A68 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define MODULUS_256 "w" A68 A68 A68 A68 A68 "Q" /* of 2048 bits, and odd */
#define REQUEST_2010(more)                                                                         \
    "{\"sessionKeyAlgorithm\": \"urn:sks:2010:session.rsa\", \"serverEphemeralKey\": null,"        \
    "\"sessionKeyLimit\": 65535, \"sessionLifeTime\": 86400, \"serverPublicKey\":"                 \
    "{\"kty\": \"RSA\", \"e\": \"AQAB\", \"n\": \"" MODULUS_256 "\"}" more "}"

static void set_up(void)
{
    fake_set_up("tests/kat/transcripts/p256-userpin.json");
    fake.issuer.message = "ProvisioningInitializationRequest";
    fake.issuer.change = REQUEST_2010("");
    /* The client's id is drawn anew, and the recorded messages name the recorded one. */
    fake.issuer.client_session_id = true;
}

TestSuite(provision_2010, .init = set_up, .fini = fake_tear_down);

static const char *said(const char *name)
{
    return json_string_value(json_object_get(fake_response(1), name));
}

Test(provision_2010, method_24_and_then_as_ever)
{
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s", fake.outcome.cause);
    cr_expect_str_eq(fake.calls, " 1 24 9 10 12 3");
    cr_expect_not_null(strstr(fake.inputs, " session-2010 86400 \"\""), "%s", fake.inputs);
    cr_expect_str_eq(fake.token.path, "/sks/2010");
    cr_expect_eq(strlen(said("clientSessionId")), 32);
    cr_expect_eq(strlen(said("encryptedSessionKey")), 342, "256 bytes");
    cr_expect_null(json_object_get(fake_response(1), "clientEphemeralKey"));
    cr_expect_not_null(json_object_get(fake_response(1), "deviceId"));
}

Test(provision_2010, every_session_has_an_id_of_its_own)
{
    char first[33];

    fake_run();
    strcpy(first, said("clientSessionId"));
    fake_run();
    cr_expect_str_neq(said("clientSessionId"), first);
}

static void expect_refused(enum party party, const char *calls, const char *cause)
{
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_REFUSED, "%s", fake.outcome.cause);
    cr_expect_eq(fake.outcome.detected_by, party);
    cr_expect_str_eq(fake.calls, calls);
    cr_expect_not_null(strstr(fake.outcome.cause, cause), "%s", fake.outcome.cause);
}

Test(provision_2010, no_privacy)
{
    fake.issuer.message2 = "InvocationRequest";
    fake.issuer.change2 = "{\"privacyEnabled\": true}";
    expect_refused(PARTY_PROXY, " 1", "anonymous");
}

Test(provision_2010, the_token_refuses)
{
    fake.token.at = CREATE_SESSION_2010;
    fake.token.trouble = TROUBLE_STATUS;
    fake.token.status = 4; /* the draft's number */
    expect_refused(PARTY_TOKEN, " 1 24", "createProvisioningSession: ERROR_CRYPTO: not so");
}

/* A session may have come of it: it is looked for. */
Test(provision_2010, the_token_does_not_answer)
{
    fake.token.at = CREATE_SESSION_2010;
    fake.token.trouble = NO_ANSWER;
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_ERROR);
    cr_expect_str_eq(fake.calls, " 1 24 4 4 5");
}

Test(provision_2010, a_token_that_answers_nonsense)
{
    static const struct create_session_2010_out BAD[] = {
        { .provisioning_id = 0 },
        { .provisioning_id = 3, .attested_session_key = { (const uint8_t *)"a", 1 } },
        { .provisioning_id = 3, .encrypted_session_key = { (const uint8_t *)MODULUS_256, 255 } },
        { .provisioning_id = 3, .encrypted_session_key = { (const uint8_t *)MODULUS_256, 256 } },
    };
    static const char *const WHY[] = { "handle 0", "malformed", "malformed", "no attestation" };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        fake.token.created_2010 = &BAD[i];
        expect_refused(PARTY_PROXY, i == 0 ? " 1 24" : " 1 24 5", WHY[i]);
    }
}

Test(provision_2010, what_the_message_may_not_say)
{
    static const struct {
        const char *change, *cause;
    } BAD[] = {
        { REQUEST_2010(",\"keyManagementKey\": {\"kty\": \"RSA\", \"e\": \"AQAB\", \"n\": "
                       "\"" MODULUS_256 "\"}"),
          "/keyManagementKey" },
        { REQUEST_2010(",\"sessionKeyLimit\": 200"), "/sessionKeyLimit" },
        { "{\"sessionKeyAlgorithm\": \"urn:sks:2010:session.rsa\"}", "/serverEphemeralKey" },
    };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        fake.issuer.change = BAD[i].change;
        expect_refused(PARTY_PROXY, " 1", BAD[i].cause);
    }
}
