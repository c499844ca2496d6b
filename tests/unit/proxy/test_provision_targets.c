/* The targets of post operations: which are looked at, which are found, and what a token that
 * misbehaves can do. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"
#include "tests/unit/support/proxy/fake_ends.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define OTHER_PRINT "AbPOBdSyIwbMqTs6lTn2VvFU2-1Pe-QbFam_vhED8n8"

static struct enumerate_sessions_out sessions[5];
static struct enumerate_keys_out keys[6];
static char change[2000];
static char finger_print[50]; /* of the recorded certificate */

static void find_finger_print(void)
{
    json_t *credentials =
        json_loads(fake_recorded_text("ProvisioningFinalizationRequest"), 0, NULL);
    const char *der = json_string_value(json_array_get(
        json_object_get(json_array_get(json_object_get(credentials, "issuedCredentials"), 0),
                        "certificatePath"),
        0));
    struct buf raw = { 0 }, text = { 0 };
    uint8_t digest[32];

    cr_assert_eq(base64url_decode(bytes_of(der), &raw), SKS_OK);
    cr_assert_eq(certificate_fingerprint(buf_bytes(&raw), digest), SKS_OK);
    base64url_encode(&text, bytes_at(digest, sizeof digest));
    cr_assert_eq(bytes_to_text(buf_bytes(&text), finger_print, sizeof finger_print), SKS_OK);
    buf_free(&raw);
    buf_free(&text);
    json_decref(credentials);
}

static void set_up(void)
{
    static const char *const IDS[][2] = { { "s", "x" }, { "s", "c" }, { "t", "c" }, { "s", "d" } };
    static const uint32_t OWNERS[] = { 11, 12, 13, 12, 14 };

    fake_set_up("tests/kat/transcripts/p256-userpin.json");
    memset(sessions, 0, sizeof sessions);
    for (uint32_t i = 0; i < NITEMS(IDS); i++)
        sessions[i] = (struct enumerate_sessions_out){ .provisioning_handle = 11 + i,
                                                       .server_session_id = bytes_of(IDS[i][0]),
                                                       .client_session_id = bytes_of(IDS[i][1]) };
    for (uint32_t i = 0; i < NITEMS(OWNERS); i++)
        keys[i] = (struct enumerate_keys_out){ 21 + i, OWNERS[i] };
    keys[NITEMS(OWNERS)] = (struct enumerate_keys_out){ 0 };
    fake.token.sessions = sessions;
    fake.token.keys = keys;
    fake.issuer.message = "ProvisioningFinalizationRequest";
    fake.issuer.change = change;
    find_finger_print();
}

TestSuite(targets, .init = set_up, .fini = fake_tear_down);

static void put_target(const char *print, const char *server, const char *client)
{
    size_t used = strlen(change);

    (void)snprintf(
        change + used, sizeof change - used,
        "%s{\"fingerPrint\": \"%s\", \"serverSessionId\": \"%s\","
        "\"clientSessionId\": \"%s\", \"authorization\": \"AAAA\", \"mac\": \"" OTHER_PRINT "\"}",
        change[used - 1] == '}' ? ", " : "", print, server, client);
}

/* Each list ends with what follows it. */
static void put(const char *text)
{
    strcat(change, text);
}

Test(targets, both_ids_and_the_fingerprint_tell_a_key)
{
    strcpy(change, "{\"unlockKeys\": [");
    put_target(finger_print, "s", "d");
    put("], \"deleteKeys\": [");
    put_target(finger_print, "s", "c");
    put_target(finger_print, "t", "c");
    put("]}");
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_SUCCEEDED, "%s", fake.outcome.cause);
    /* Four sessions, then five keys, of which that of session 11 is not looked at. */
    cr_expect_str_eq(fake.calls, " 1 2 9 10 4 4 4 4 70 70 71 70 71 70 71 70 71 12 51 50 50 3");
    cr_expect_null(strstr(fake.inputs, "attributes 21"));
    /* Key 24 has the same certificate as 22; the walk goes on for 25 and meets it. */
    cr_expect_not_null(strstr(fake.inputs, " postUnlockKey 25 \"\" postDeleteKey 24 \"\" "
                                           "postDeleteKey 23 \"\""),
                       "%s", fake.inputs);
}

Test(targets, a_walk_ends_when_all_are_found)
{
    strcpy(change, "{\"deleteKeys\": [");
    put_target(finger_print, "s", "x");
    put("]}");
    fake_run();
    cr_expect_str_eq(fake.calls, " 1 2 9 10 4 70 71 12 50 3");
}

Test(targets, none_means_no_look)
{
    fake.issuer.message = NULL;
    fake_run();
    cr_expect_str_eq(fake.calls, " 1 2 9 10 12 3");
}

static void expect_refused(const char *cause, const char *calls)
{
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_REFUSED, "%s", fake.outcome.cause);
    cr_expect_eq(fake.outcome.detected_by, PARTY_PROXY);
    cr_expect_not_null(strstr(fake.outcome.cause, cause), "%s", fake.outcome.cause);
    cr_expect_str_eq(fake.calls, calls);
}

Test(targets, one_that_is_missing_ends_it_before_the_token_is_asked)
{
    strcpy(change, "{\"unlockKeys\": [");
    put_target(finger_print, "c", "s"); /* the ids swapped */
    put("]}");
    expect_refused("unlockKeys: the token has no closed session c / s", " 1 2 9 10 4 4 4 4 4 5");
    strcpy(change, "{\"deleteKeys\": [");
    put_target(OTHER_PRINT, "s", "c");
    put("]}");
    expect_refused("deleteKeys: session s has no key with this fingerprint",
                   " 1 2 9 10 4 4 70 70 71 70 70 71 70 70 5");
}

/* Handles grow: a token that gives one twice is not listened to for ever. */
Test(targets, lists_without_end)
{
    fake.token.endless = true;
    strcpy(change, "{\"deleteKeys\": [");
    put_target(OTHER_PRINT, "s", "x");
    put("]}");
    expect_refused("the token's keys do not come to an end", " 1 2 9 10 4 70 71 70 5");
}

Test(targets, a_token_that_does_not_answer)
{
    fake.token.at = ENUMERATE_KEYS;
    fake.token.trouble = NO_ANSWER;
    strcpy(change, "{\"deleteKeys\": [");
    put_target(finger_print, "s", "x");
    put("]}");
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_ERROR);
    cr_expect_str_eq(fake.calls, " 1 2 9 10 4 70 5");
}

Test(targets, a_user_who_interrupts)
{
    fake.token.at = GET_KEY_ATTRIBUTES;
    fake.token.trouble = TROUBLE_STOP;
    strcpy(change, "{\"deleteKeys\": [");
    put_target(finger_print, "s", "x");
    put("]}");
    fake_run();
    cr_expect_eq(fake.outcome.kind, OUTCOME_REFUSED);
    cr_expect_not_null(strstr(fake.calls, " 5"));
    cr_expect_null(strstr(fake.calls, " 3"));
}
