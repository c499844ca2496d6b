/* An attack on an enrolment, from within. */
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <string.h>

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

Test(attacked, a_message_that_is_dropped_is_no_refusal)
{
    fake.attack = "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"KeyCreationResponse\", "
                  "\"operation\": \"drop\"}]}";
    fake_run();
    cr_assert_eq(fake.outcome.kind, OUTCOME_ERROR);
    cr_assert_str_eq(fake.outcome.cause, "dropped by the attack");
}

Test(attacked, only_a_relay_can_answer_a_request)
{
    fake.attack = "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"KeyCreationResponse\", "
                  "\"operation\": \"reflect\"}]}";
    fake_run();
    cr_assert_eq(fake.outcome.kind, OUTCOME_ERROR);
    cr_assert_not_null(strstr(fake.outcome.cause, "sks-proxy relay"), "%s", fake.outcome.cause);
}
