/* The check of evidence records: good ones, foreign ones, those of sessions that failed. */
#include "keygen2/crypto/pem.h"
#include "tests/unit/support/issuer/records.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

TestSuite(evidence_check, .init = records_set_up, .fini = records_tear_down, .timeout = 300);

/* ---- good records ---- */

Test(evidence_check, with_the_session_key_nothing_is_left_unchecked)
{
    static const char *const PROFILES[] = { "plain", "private", "puk" };

    for (size_t i = 0; i < NITEMS(PROFILES); i++) {
        run(PROFILES[i]);
        assert_valid(&WITH_KEY);
        cr_assert_eq(report.count[EVIDENCE_NOT_CHECKED], 0, "%s", PROFILES[i]);
        cr_assert(found("closing proof", EVIDENCE_GOOD) != NULL);
        cr_assert(found("mac", EVIDENCE_GOOD) != NULL);
    }
}

Test(evidence_check, without_the_session_key)
{
    run("plain");
    assert_valid(&PLAIN);
    cr_assert(found("device path", EVIDENCE_GOOD) != NULL);
    cr_assert(found("session attestation", EVIDENCE_GOOD) != NULL);
    cr_assert(found("mac", EVIDENCE_NOT_CHECKED) != NULL);
    cr_assert(found("closing proof", EVIDENCE_NOT_CHECKED) != NULL);
    run("private");
    assert_valid(&PLAIN);
    cr_assert(found("session attestation", EVIDENCE_NOT_CHECKED) != NULL);
}

Test(evidence_check, rsa_device)
{
    struct device rsa;

    device_make(&rsa, &fixture, RSA2048_URI);
    client_begin(&client, &fixture.issuer, "plain", &rsa);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
    assert_valid(&WITH_KEY);
    device_free(&rsa);
}

Test(evidence_check, at_every_message)
{
    begin("puk");
    for (; client.outcome.kind == OUTCOME_ANSWER; (void)client_send(&client)) {
        assert_valid(&PLAIN);
        cr_assert(found("verdict", EVIDENCE_GOOD) != NULL);
        client_respond(&client);
    }
}

Test(evidence_check, one_line_feed_behind_it)
{
    run("plain");
    record(&PLAIN);
    put_byte(&text, '\n');
    cr_assert_eq(check(), SKS_OK);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0);
    put_byte(&text, '\n');
    assert_bad("form");
}

/* ---- whose it is ---- */

/* Each of its bits in turn, one a byte. */
Test(evidence_check, any_altered_byte)
{
    run("plain");
    record(&WITH_KEY);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t flip = (uint8_t)(1U << i % 8);

        text.ptr[i] ^= flip;
        cr_assert(check() != SKS_OK || report.count[EVIDENCE_BAD] > 0, "byte %zu", i);
        text.ptr[i] ^= flip;
    }
    cr_assert_eq(check(), SKS_OK);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
}

Test(evidence_check, cut_anywhere)
{
    run("plain");
    record(&PLAIN);
    for (size_t whole = text.len, step = 1; text.len > step; step = step % 97 + 1) {
        text.len -= step;
        cr_assert_eq(check(), SKS_ERROR_OPTION, "at %zu of %zu", text.len, whole);
    }
}

Test(evidence_check, the_ca_vouches_for_its_evidence_key)
{
    run("plain");
    record(&PLAIN);
    cr_assert_eq(check_with(fixture.issuer.ca.certificate), SKS_OK);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
    cr_assert_eq(check_with(device.certificate), SKS_OK);
    cr_assert_str_eq(found("signer", EVIDENCE_BAD),
                     "the certificate CN=SKS issuer evidence is not by the issuer");
    cr_assert_eq(report.findings, 2, "nothing else is looked at");
}

/* A certificate for a key of the test, in the place of that of the evidence key. */
static void take_the_place(const char *usage, bool by_ca)
{
    const struct own_certificate what = {
        .common_name = "Somebody",
        .days = 10,
        .extension = { { NID_key_usage, "critical,digitalSignature" },
                       { NID_ext_key_usage, usage } },
    };
    EVP_PKEY *key = fixture_key(P256_URI);
    const uint8_t *p = fixture.issuer.ca.certificate.ptr;
    X509 *ca = d2i_X509(NULL, &p, (long)fixture.issuer.ca.certificate.len), *made;
    EVP_PKEY *ca_key = NULL;

    if (by_ca) {
        char path[96];

        (void)snprintf(path, sizeof path, "%s/ca.key", fixture.folder);
        cr_assert_eq(pem_read_key(path, &ca_key, &err), SKS_OK, "%s", err.text);
    }
    cr_assert_eq(
        own_certificate_make(&what, key, by_ca ? ca : NULL, by_ca ? ca_key : key, &made, &err),
        SKS_OK, "%s", err.text);
    fixture.issuer.evidence_certificate = certificate_der(&fixture.issuer.arena, made);
    EVP_PKEY_free(fixture.issuer.evidence_key);
    fixture.issuer.evidence_key = key;
    X509_free(made);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

Test(evidence_check, another_key)
{
    struct bytes evidence = arena_copy(&fixture.issuer.arena, fixture.issuer.evidence_certificate);

    run("plain");
    take_the_place(EVIDENCE_KEY_USAGE, false);
    record(&PLAIN);
    cr_assert_eq(check_with(evidence), SKS_OK);
    cr_assert(found("signer", EVIDENCE_BAD) != NULL);
    cr_assert_eq(check_with(fixture.issuer.ca.certificate), SKS_OK);
    cr_assert(found("signer", EVIDENCE_BAD) != NULL);
    /* The right certificate, but a signature by another key. */
    fixture.issuer.evidence_certificate = evidence;
    record(&PLAIN);
    cr_assert_eq(check_with(evidence), SKS_OK);
    cr_assert(found("signature", EVIDENCE_BAD) != NULL);
}

Test(evidence_check, a_user_of_the_ca_is_not_the_issuer)
{
    run("plain");
    take_the_place("clientAuth", true);
    record(&PLAIN);
    cr_assert_eq(check_with(fixture.issuer.ca.certificate), SKS_OK);
    cr_assert_str_eq(found("signer", EVIDENCE_BAD),
                     "the certificate CN=Somebody is by the issuer, but not for evidence");
    take_the_place(EVIDENCE_KEY_USAGE, true);
    record(&PLAIN);
    cr_assert_eq(check_with(fixture.issuer.ca.certificate), SKS_OK);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
}

/* ---- sessions that ended otherwise ---- */

static void assert_failed(const char *name, enum evidence_result result)
{
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.verdict, VERDICT_FAILED);
    cr_assert(found(name, result) != NULL, "%s", name);
    cr_assert(found("verdict", EVIDENCE_GOOD) != NULL);
}

Test(evidence_check, a_wrong_closing_proof)
{
    begin("plain");
    respond_until("ProvisioningFinalizationRequest");
    spoil("attestation");
    assert_failed("closing proof", EVIDENCE_NOT_CHECKED);
    assert_valid(&WITH_KEY);
    cr_assert(strstr(found("closing proof", EVIDENCE_GOOD), "fails, as recorded") != NULL);
}

Test(evidence_check, a_wrong_key_attestation)
{
    begin("puk");
    respond_until("KeyCreationRequest");
    spoil("attestation");
    assert_failed("key attestation", EVIDENCE_NOT_CHECKED);
    assert_valid(&WITH_KEY);
    cr_assert(found("key attestation", EVIDENCE_GOOD) != NULL);
}

Test(evidence_check, a_wrong_session_attestation)
{
    begin("plain");
    respond_until("ProvisioningInitializationRequest");
    spoil("attestation");
    assert_failed("session attestation", EVIDENCE_GOOD);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &WITH_KEY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED, "there is none");
}

Test(evidence_check, another_session_id)
{
    begin("plain");
    respond_until("KeyCreationRequest");
    spoil("clientSessionId");
    assert_failed("session ids", EVIDENCE_GOOD);
}

Test(evidence_check, a_device_that_nobody_trusts)
{
    struct issuer_fixture other;
    struct device stranger;

    issuer_fixture_open(&other);
    device_make(&stranger, &other, P256_URI);
    client_begin(&client, &fixture.issuer, "plain", &stranger);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_FAILED);
    assert_failed("device path", EVIDENCE_NOT_CHECKED);
    device_free(&stranger);
    issuer_fixture_close(&other);
}

Test(evidence_check, a_message_that_does_not_decode)
{
    begin("plain");
    respond_until("KeyCreationRequest");
    client.response.len--;
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
    assert_failed("message", EVIDENCE_GOOD);
}

Test(evidence_check, an_aborted_session)
{
    begin("plain");
    cr_assert_eq(client_run(&client, "KeyCreationRequest"), OUTCOME_ANSWER);
    phase_abort(&fixture.issuer, client.cookie, &client.arena, &client.outcome);
    assert_failed("failure", EVIDENCE_NOT_CHECKED);
}

Test(evidence_check, in_doubt_and_then_the_late_proof)
{
    begin("plain");
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    assert_valid(&WITH_KEY);
    cr_assert_eq(report.record.verdict, VERDICT_IN_DOUBT);
    cr_assert_eq(client_send(&client), OUTCOME_DONE);
    assert_valid(&WITH_KEY);
    cr_assert_eq(report.record.verdict, VERDICT_SUCCEEDED);
}

/* Signed as an issuer does where a later session has shown that this one closed. */
Test(evidence_check, confirmed_by_another_session)
{
    json_t *root;

    begin("plain");
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    record(&WITH_KEY);
    cr_assert_eq(json_parse(buf_bytes(&text), &root, &err), SKS_OK);
    cr_assert_eq(json_array_append_new(json_object_get(root, "checks"),
                                       json_pack("{s:s, s:s, s:s}", "name", "confirmation",
                                                 "result", "pass", "detail", "by session x")),
                 0);
    sign_again(root);
    assert_bad("verdict");
    set_at(root, "/verdict", "\"succeeded\"");
    sign_again(root);
    assert_bad("verdict");
    set_at(root, "/cause", "\"\"");
    sign_again(root);
    cr_assert_eq(check(), SKS_OK, "%s", err.text);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
    cr_assert_str_eq(found("confirmation", EVIDENCE_NOT_CHECKED),
                     "by session x, whose record shows it");
    cr_assert_str_eq(found("verdict", EVIDENCE_GOOD), "succeeded");
    json_decref(root);
}

Test(evidence_check, a_session_whose_time_was_over)
{
    begin("plain");
    cr_assert_eq(client_run(&client, "KeyCreationRequest"), OUTCOME_ANSWER);
    let_time_pass();
    assert_failed("failure", EVIDENCE_NOT_CHECKED);
}

/* A check that was recorded as failed, and the session went on nevertheless. */
Test(evidence_check, a_failure_must_end_the_session)
{
    json_t *root;

    begin("plain");
    respond_until("KeyCreationRequest");
    spoil("attestation");
    record(&PLAIN);
    cr_assert_eq(json_parse(buf_bytes(&text), &root, &err), SKS_OK);
    set_at(root, "/cause", "\"another\"");
    sign_again(root);
    assert_bad("verdict");
    set_at(root, "/messages/1/body", "\"AA\"");
    sign_again(root);
    assert_bad("message");
    json_decref(root);
}

Test(evidence_check, not_a_record)
{
    static const char *const TEXTS[] = { "", "{}", "[]", "\n", "{\"signature\":{}}" };

    for (size_t i = 0; i < NITEMS(TEXTS); i++) {
        buf_reset(&text);
        put_text(&text, TEXTS[i]);
        cr_assert_eq(check(), SKS_ERROR_OPTION, "%s", TEXTS[i]);
        cr_assert(err.text[0] != '\0');
    }
}
