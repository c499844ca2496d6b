/* Whole enrolments over a recorded session: what is sent where, and in which order. */
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#define P256 "tests/kat/transcripts/p256-userpin.json"
#define RSA_PUK "tests/kat/transcripts/rsa2048-pinpuk.json"

static void set_up(void)
{
    fake_set_up(P256);
}

TestSuite(provision, .init = set_up, .fini = fake_tear_down);

static void expect_succeeded(void)
{
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s", fake.outcome.cause);
    cr_expect_str_eq(fake.outcome.cause, "");
    cr_expect_eq(fake.outcome.detected_by, PARTY_NONE);
    cr_expect_eq(outcome_exit_code(&fake.outcome), EXIT_DONE);
}

Test(provision, one_key_under_a_pin)
{
    expect_succeeded();
    cr_expect_str_eq(fake.requests, " init POST POST POST POST /done/x");
    cr_expect_str_eq(fake.calls, " 1 2 9 10 12 3");
    cr_expect_str_eq(fake.inputs,
                     " session 0 \"\" pin-policy 0 \"PIN.1\" key 30 \"4715\" path 50 \"\"");
    cr_expect_eq(fake.outcome.key_count, 1);
    cr_expect_eq(fake.outcome.keys[0].handle, 50);
    cr_expect(bytes_equal(fake.outcome.keys[0].id, bytes_of("Key.1")));
}

/* The client of the reference sent the very same, but for the time. */
Test(provision, the_messages_are_those_of_the_reference)
{
    static const char *const TYPES[] = { "InvocationResponse", "ProvisioningInitializationResponse",
                                         "KeyCreationResponse",
                                         "ProvisioningFinalizationResponse" };

    expect_succeeded();
    for (size_t i = 0; i < NITEMS(TYPES); i++) {
        const json_t *sent = fake_response(i);
        const char *name;
        json_t *value;

        cr_assert_not_null(sent);
        json_object_foreach((json_t *)(uintptr_t)sent, name, value)
        {
            if (json_is_string(value) && strcmp(name, "clientTime") != 0)
                cr_expect_str_eq(json_string_value(value), fake_recorded(TYPES[i], name), "%s",
                                 name);
        }
    }
    cr_expect_eq(json_array_size(json_object_get(json_object_get(fake_response(1), "deviceId"),
                                                 "certificatePath")),
                 1);
    cr_expect_not_null(
        strstr(json_string_value(json_object_get(fake_response(1), "clientTime")), "+00:00"));
}

Test(provision, a_puk_policy_comes_before_its_pin_policies)
{
    fake_tear_down();
    fake_set_up(RSA_PUK);
    fake.pins[0] = "AB12X";
    expect_succeeded();
    cr_expect_str_eq(fake.calls, " 1 2 8 9 10 10 12 12 3");
    cr_expect_not_null(strstr(fake.inputs, " pin-policy 20 \"PIN.1\" key 30 \"AB12X\""));
    cr_expect_eq(fake.outcome.key_count, 2);
}

Test(provision, the_tls_leaf_is_the_server_certificate)
{
    fake.issuer.leaf = "leaf";
    expect_succeeded();
    cr_expect_not_null(strstr(fake.inputs, " session 0 \"leaf\""));
}

Test(provision, privacy_hides_the_device)
{
    fake.issuer.message = "InvocationRequest";
    fake.issuer.change = "{\"privacyEnabled\": true}";
    expect_succeeded();
    cr_expect_not_null(strstr(fake.inputs, " session 1 "));
    cr_expect_null(json_object_get(fake_response(1), "deviceId"));
}

static void expect_capabilities(const char *expected)
{
    char *text;

    expect_succeeded();
    text = json_dumps(json_object_get(fake_response(0), "clientCapabilities"), JSON_COMPACT);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, expected);
    free(text);
}

Test(provision, every_query_is_answered_once)
{
    fake.issuer.message = "InvocationRequest";
    fake.issuer.change =
        "{\"clientCapabilityQuery\": [\"https://webpki.github.io/sks/algorithm#session.1\","
        "\"https://webpki.github.io/keygen2/feature#biometric-support\","
        "\"https://webpki.github.io/keygen2/feature#device-pin-support\", \"urn:x\","
        "\"https://webpki.github.io/keygen2/logotype#card\","
        "\"https://webpki.github.io/keygen2/logotype#none\","
        "\"https://webpki.github.io/keygen2/clientattr#imei-number\"]}";
    expect_capabilities(
        "[{\"type\":\"https://webpki.github.io/sks/algorithm#session.1\",\"supported\":true},"
        "{\"type\":\"https://webpki.github.io/keygen2/feature#biometric-support\","
        "\"supported\":true},"
        "{\"type\":\"https://webpki.github.io/keygen2/feature#device-pin-support\","
        "\"supported\":false},{\"type\":\"urn:x\",\"supported\":false},"
        "{\"type\":\"https://webpki.github.io/keygen2/logotype#card\",\"imageAttributes\":"
        "{\"mimeType\":\"image/png\",\"width\":320,\"height\":200}},"
        "{\"type\":\"https://webpki.github.io/keygen2/logotype#none\",\"supported\":false},"
        "{\"type\":\"https://webpki.github.io/keygen2/clientattr#imei-number\","
        "\"supported\":false}]");
}

/* The name of this machine's system: told, but not where the issuer must not know the device. */
Test(provision, the_system_is_named_but_for_privacy)
{
#define QUERY                                                                                      \
    "\"clientCapabilityQuery\": [\"https://webpki.github.io/keygen2/clientattr#os-vendor\"]"
    const json_t *answer;

    fake.issuer.message = "InvocationRequest";
    fake.issuer.change = "{\"privacyEnabled\": true, " QUERY "}";
    expect_capabilities("[{\"type\":\"https://webpki.github.io/keygen2/clientattr#os-vendor\","
                        "\"supported\":false}]");
    fake.issuer.change = "{" QUERY "}";
    expect_succeeded();
    answer = json_array_get(json_object_get(fake_response(0), "clientCapabilities"), 0);
    cr_expect_eq(json_array_size(json_object_get(answer, "values")),
                 access("/etc/os-release", R_OK) == 0);
}

Test(provision, no_query_no_answer)
{
    expect_succeeded();
    cr_expect_null(json_object_get(fake_response(0), "clientCapabilities"));
}

Test(provision, unlocking_makes_no_keys)
{
    fake.issuer.message = "InvocationRequest";
    fake.issuer.change = "{\"action\": \"unlock\"}";
    fake.issuer.skip_creation = true;
    expect_succeeded();
    /* The recorded credential is of a key that the run did not make: it asks the token for it. */
    cr_expect_str_eq(fake.calls, " 1 2 11 12 3");
    cr_expect_not_null(strstr(fake.inputs, " look-up 3 \"Key.1\" path 90 \"\""));
}

/* A session may come to delete keys only. */
Test(provision, managing_needs_no_new_keys)
{
    fake.issuer.skip_creation = true;
    expect_succeeded();
    cr_expect_str_eq(fake.calls, " 1 2 11 12 3");
}

Test(provision, a_preset_pin_goes_through_as_it_is)
{
    fake.pin_count = 0;
    fake.issuer.message = "KeyCreationRequest";
    fake.issuer.change =
        "{\"pinPolicySpecifiers\": [{\"id\": \"PIN.1\", \"minLength\": 4, \"maxLength\": 8,"
        "\"retryLimit\": 3, \"format\": \"numeric\","
        "\"mac\": \"DIhIMY9F0tdkQo3KQ6s4Of4u0da-hgDOQ2rrdv1Q6fo\", \"keyEntrySpecifiers\": [{"
        "\"id\": \"Key.1\", \"encryptedPin\": \"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE\","
        "\"appUsage\": \"signature\","
        "\"keyAlgorithm\": \"https://webpki.github.io/sks/algorithm#ec.nist.p256\","
        "\"mac\": \"AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8\"}]}]}";
    expect_succeeded();
    cr_expect_not_null(strstr(fake.inputs, " key 30 \"01234567890123456789012345678901\""));
}

/* ---- groups of keys ---- */

#define KEY(id, usage)                                                                             \
    "{\"id\": \"" id "\", \"appUsage\": \"" usage "\","                                            \
    "\"keyAlgorithm\": \"https://webpki.github.io/sks/algorithm#ec.nist.p256\","                   \
    "\"mac\": \"AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8\"}"
#define GROUP(grouping)                                                                            \
    "{\"pinPolicySpecifiers\": [{\"id\": \"PIN.1\", \"minLength\": 4, \"maxLength\": 8,"           \
    "\"retryLimit\": 3, \"format\": \"numeric\", \"grouping\": \"" grouping "\","                  \
    "\"mac\": \"DIhIMY9F0tdkQo3KQ6s4Of4u0da-hgDOQ2rrdv1Q6fo\", \"keyEntrySpecifiers\": [" KEY(     \
        "Key.1",                                                                                   \
        "signature") "," KEY("Key.2",                                                              \
                             "encryption") "," KEY("Key.3",                                        \
                                                   "authentication") "," KEY("Key.4",              \
                                                                             "signature") "]}]}"

/* The PINs that the token gets for the first key (the recording knows no others: it fails then). */
static void run_group(const char *policies)
{
    fake.issuer.message = "KeyCreationRequest";
    fake.issuer.change = policies;
    fake.pins[0] = "1111";
    fake.pins[1] = "2222";
    fake.pins[2] = "3333";
    fake_run();
}

Test(provision, groups_that_must_differ_need_pins_that_do)
{
    static const struct {
        const char *change;
        size_t pins;
        const char *problem; /* NULL: enough PINs */
    } CASES[] = {
        { GROUP("none"), 1, NULL },
        { GROUP("shared"), 1, NULL },
        { GROUP("signature+standard"), 1, "keys Key.1 and Key.2 of policy PIN.1 must have" },
        { GROUP("signature+standard"), 2, NULL },
        { GROUP("unique"), 2, "keys Key.2 and Key.3 of policy PIN.1 must have" },
        { GROUP("unique"), 3, NULL },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        fake.pin_count = CASES[i].pins;
        run_group(CASES[i].change);
        if (CASES[i].problem != NULL) {
            cr_expect_str_eq(fake.calls, " 1 2 5", "%zu", i);
            cr_expect_eq(fake.outcome.detected_by, PARTY_PROXY);
            cr_expect_not_null(strstr(fake.outcome.cause, CASES[i].problem), "%s",
                               fake.outcome.cause);
        } else {
            cr_expect_not_null(strstr(fake.inputs, " key 30 \"1111\" key 30"), "%zu: %s", i,
                               fake.inputs);
        }
    }
}
