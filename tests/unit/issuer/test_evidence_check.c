/* The check of evidence records, on records of sessions with a client in the same process. */
#include "issuer/evidence.h"
#include "issuer/forget.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/files.h"
#include "keygen2/base/jcs.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/evidence/check.h"
#include "tests/unit/support/issuer/fake_client.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct issuer_fixture fixture;
static struct device device;
static struct fake_client client;
static struct buf text;
static struct arena arena;
static struct evidence_report report;
static struct sks_error err;

static const struct evidence_options PLAIN = { 0 };
static const struct evidence_options WITH_KEY = { .session_key = true, .reveal_secrets = true };

static void set_up(void)
{
    issuer_fixture_open(&fixture);
    device_make(&device, &fixture, P256_URI);
}

static void tear_down(void)
{
    client_free(&client);
    buf_free(&text);
    arena_free(&arena);
    device_free(&device);
    issuer_fixture_close(&fixture);
}

TestSuite(evidence_check, .init = set_up, .fini = tear_down, .timeout = 300);

/* ---- running and checking ---- */

static void begin(const char *profile)
{
    client_free(&client);
    client_begin(&client, &fixture.issuer, profile, &device);
}

static void run(const char *profile)
{
    begin(profile);
    cr_assert_eq(client_run(&client, NULL), OUTCOME_DONE);
}

static void respond_until(const char *request)
{
    cr_assert_eq(client_run(&client, request), OUTCOME_ANSWER);
    client_respond(&client);
}

static void record(const struct evidence_options *options)
{
    buf_reset(&text);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, options, &text, &err), SKS_OK, "%s",
                 err.text);
}

static enum sks_status check_with(struct bytes issuer)
{
    const struct bytes_list issuers = { &issuer, 1 };

    arena_free(&arena);
    return evidence_check(buf_bytes(&text), &issuers, &arena, &report, &err);
}

static enum sks_status check(void)
{
    return check_with(fixture.issuer.evidence_certificate);
}

/* The finding of that name and result, the first; NULL: none. */
static const char *found(const char *name, enum evidence_result result)
{
    for (size_t i = 0; i < report.findings; i++)
        if (report.finding[i].result == result && strcmp(report.finding[i].name, name) == 0)
            return report.finding[i].detail;
    return NULL;
}

static const char *first_bad(void)
{
    for (size_t i = 0; i < report.findings; i++)
        if (report.finding[i].result == EVIDENCE_BAD)
            return arena_printf(&arena, "%s: %s", report.finding[i].name, report.finding[i].detail);
    return "";
}

static void assert_valid(const struct evidence_options *options)
{
    record(options);
    cr_assert_eq(check(), SKS_OK, "%s", err.text);
    cr_assert_eq(report.count[EVIDENCE_BAD], 0, "%s", first_bad());
}

static void assert_bad(const char *name)
{
    cr_assert_eq(check(), SKS_OK, "%s", err.text);
    cr_assert(found(name, EVIDENCE_BAD) != NULL, "%s, not %s", name, first_bad());
}

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

/* ---- what it says: an issuer that signs what is not so ---- */

#define ZEROS_32 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

static json_t *step_to(json_t *at, const char *name)
{
    return json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10))
                             : json_object_get(at, name);
}

/* Sets what a JSON pointer names; NULL removes it. */
static void set_at(json_t *root, const char *pointer, const char *value)
{
    char copy[200], *name, *next;
    json_t *new = value == NULL ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);

    (void)snprintf(copy, sizeof copy, "%s", pointer + 1);
    for (name = copy; (next = strchr(name, '/')) != NULL; name = next + 1) {
        *next = '\0';
        root = step_to(root, name);
    }
    cr_assert(new != NULL || step_to(root, name) != NULL, "%s", pointer);
    if (json_is_array(root) && new == NULL)
        cr_assert_eq(json_array_remove(root, (size_t)strtoul(name, NULL, 10)), 0);
    else if (json_is_array(root))
        cr_assert_eq(json_array_set_new(root, (size_t)strtoul(name, NULL, 10), new), 0);
    else if (new == NULL)
        cr_assert_eq(json_object_del(root, name), 0);
    else
        cr_assert_eq(json_object_set_new(root, name, new), 0);
}

static void set_in_body(json_t *root, size_t message, const char *pointer, const char *value)
{
    json_t *object = json_array_get(json_object_get(root, "messages"), message), *body;
    struct buf raw = { 0 };

    cr_assert_eq(
        base64url_decode(bytes_of(json_string_value(json_object_get(object, "body"))), &raw),
        SKS_OK);
    cr_assert_eq(json_parse(buf_bytes(&raw), &body, &err), SKS_OK, "%s", err.text);
    set_at(body, pointer, value);
    buf_reset(&raw);
    cr_assert_eq(json_write(body, &raw), SKS_OK);
    cr_assert_eq(json_object_set_new(object, "body", json_binary(buf_bytes(&raw))), 0);
    json_decref(body);
    buf_free(&raw);
}

static void sign_again(json_t *root)
{
    struct bytes certificate = fixture.issuer.evidence_certificate;
    struct jsf_signature signature = { .certificate_path = { &certificate, 1 } };
    struct buf value = { 0 };

    cr_assert_eq(json_object_del(root, "signature"), 0);
    cr_assert_eq(jsf_sign(root, &signature, fixture.issuer.evidence_key, &value), SKS_OK);
    buf_reset(&text);
    cr_assert_eq(jcs_write(root, &text), SKS_OK);
    buf_free(&value);
}

enum { RECORD = -1 };

/* What is changed in a record of "plain" with its session key, and the finding that tells. */
static const struct {
    int message; /* whose body it is in, or RECORD */
    const char *pointer, *value, *finding;
} CHANGES[] = {
    { RECORD, "/verdict", "\"failed\"", "verdict" },
    { RECORD, "/verdict", "\"in doubt\"", "verdict" },
    { RECORD, "/verdict", "\"open\"", "verdict" },
    { RECORD, "/cause", "\"x\"", "verdict" },
    { RECORD, "/ended", NULL, "verdict" },
    { RECORD, "/serverSessionId", "\"x\"", "ids" },
    { RECORD, "/issuerUri", "\"http://other.test/kg2/plain\"", "session attestation" },
    { RECORD, "/recorded", "\"2001-01-01T00:00:00Z\"", "signer" },
    { RECORD, "/sessionKey", ZEROS_32, "mac" },
    { RECORD, "/sessionKeyStatus", "\"forgotten\"", "session key" },
    { RECORD, "/terms/clientSessionId", "\"x\"", "terms" },
    { RECORD, "/terms/sessionLifeTime", "1", "terms" },
    { RECORD, "/terms/deviceCertificatePath", NULL, "terms" },
    { RECORD, "/keys/0/attestationCounter", "9", "keys" },
    { RECORD, "/keys/0/serialNumber", "\"AA\"", "keys" },
    { RECORD, "/keys/0/publicKey", NULL, "keys" },
    { RECORD, "/keys", "[]", "keys" },
    { RECORD, "/messages/2", NULL, "message" },
    { RECORD, "/messages/7", NULL, "checks" },
    { RECORD, "/messages/3/type", "\"KeyCreationResponse\"", "message" },
    { RECORD, "/messages/3/direction", "\"out\"", "message" },
    { RECORD, "/messages/4/type", "\"InvocationRequest\"", "message" },
    { RECORD, "/messages/3/time", "\"2001-01-01T00:00:00Z\"", "device path" },
    { RECORD, "/messages/1/body", "\"AA\"", "message" },
    { RECORD, "/messages/2/body", "\"AA\"", "message" },
    { RECORD, "/checks/0", NULL, "checks" },
    { RECORD, "/checks/6/result", "\"fail\"", "session attestation" },
    { RECORD, "/checks/7/detail", "\"made for createPINPolicy of PIN.1 with counter 3\"", "mac" },
    { RECORD, "/checks/11/detail", "\"Key.2, with counter 2\"", "key attestation" },
    { RECORD, "/checks/17", NULL, "verdict" },
    { RECORD, "/checks/17/name", "\"closing\"", "verdict" },
    { RECORD, "/checks/17/result", "\"fail\"", "closing proof" },
    { 0, "/serverSessionId", "\"x\"", "ids" },
    { 0, "/privacyEnabled", "true", "device id" },
    { 1, "/serverSessionId", "\"x\"", "session ids" },
    { 2, "/sessionKeyAlgorithm", "\"urn:x\"", "session" },
    { 2, "/sessionLifeTime", "7", "session attestation" },
    { 2, "/serverTime", "\"2001-01-01T00:00:00Z\"", "server time" },
    { 3, "/clientTime", "\"2001-01-01T00:00:00+00:00\"", "session attestation" },
    { 3, "/attestation", ZEROS_32, "session attestation" },
    { 3, "/deviceId", NULL, "device id" },
    { 4, "/pinPolicySpecifiers/0/retryLimit", "7", "mac" },
    { 4, "/pinPolicySpecifiers/0/mac", ZEROS_32, "mac" },
    { 4, "/pinPolicySpecifiers/0/keyEntrySpecifiers/0/id", "\"Key.7\"", "generated keys" },
    { 5, "/generatedKeys/0/attestation", ZEROS_32, "key attestation" },
    { 5, "/generatedKeys/0/id", "\"Key.7\"", "generated keys" },
    { 5, "/clientSessionId", "\"x\"", "session ids" },
    { 6, "/issuedCredentials/0/id", "\"Key.7\"", "certificate" },
    { 6, "/issuedCredentials/0/mac", ZEROS_32, "mac" },
    { 6, "/sessionCloseData/nonce", ZEROS_32, "mac" },
    { 6, "/clientSessionId", "\"x\"", "ids" },
    { 7, "/attestation", ZEROS_32, "closing proof" },
};

static void change(size_t i, json_t *root)
{
    if (CHANGES[i].message == RECORD)
        set_at(root, CHANGES[i].pointer, CHANGES[i].value);
    else
        set_in_body(root, (size_t)CHANGES[i].message, CHANGES[i].pointer, CHANGES[i].value);
}

Test(evidence_check, what_is_not_so_is_found_though_it_is_signed)
{
    struct buf whole = { 0 };
    json_t *root;

    run("plain");
    record(&WITH_KEY);
    put_raw(&whole, buf_bytes(&text));
    for (size_t i = 0; i < NITEMS(CHANGES); i++) {
        cr_assert_eq(json_parse(buf_bytes(&whole), &root, &err), SKS_OK);
        change(i, root);
        sign_again(root);
        json_decref(root);
        cr_assert_eq(check(), SKS_OK, "%s: %s", CHANGES[i].pointer, err.text);
        cr_assert(found(CHANGES[i].finding, EVIDENCE_BAD) != NULL, "%d %s: %s", CHANGES[i].message,
                  CHANGES[i].pointer, first_bad());
    }
    buf_free(&whole);
}

Test(evidence_check, another_certificate)
{
    struct buf value = { 0 };
    json_t *root;

    run("plain");
    record(&WITH_KEY);
    cr_assert_eq(json_parse(buf_bytes(&text), &root, &err), SKS_OK);
    put_text(&value, "\"");
    base64url_encode(&value, device.certificate);
    put_text(&value, "\"");
    put_byte(&value, 0);
    set_in_body(root, 6, "/issuedCredentials/0/certificatePath/0", (const char *)value.ptr);
    sign_again(root);
    json_decref(root);
    buf_free(&value);
    assert_bad("certificate");
}

Test(evidence_check, a_path_of_strangers)
{
    const struct own_certificate what = {
        .common_name = "Test device CA", /* by name the CA of the device, with another key */
        .days = 10,
        .extension = { { NID_basic_constraints, "critical,CA:TRUE" } },
    };
    EVP_PKEY *key = fixture_key(P256_URI);
    struct buf value = { 0 };
    X509 *made;
    json_t *root;

    run("plain");
    record(&PLAIN);
    cr_assert_eq(own_certificate_make(&what, key, NULL, key, &made, &err), SKS_OK);
    put_text(&value, "[\"");
    base64url_encode(&value, device.certificate);
    put_text(&value, "\",\"");
    base64url_encode(&value, certificate_der(&arena, made));
    put_text(&value, "\"]");
    put_byte(&value, 0);
    cr_assert_eq(json_parse(buf_bytes(&text), &root, &err), SKS_OK);
    set_in_body(root, 3, "/deviceId/certificatePath", (const char *)value.ptr);
    sign_again(root);
    assert_bad("message");
    json_decref(root);
    buf_free(&value);
    X509_free(made);
    EVP_PKEY_free(key);
}

/* ---- sessions that ended otherwise ---- */

static void assert_failed(const char *name, enum evidence_result result)
{
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.verdict, VERDICT_FAILED);
    cr_assert(found(name, result) != NULL, "%s", name);
    cr_assert(found("verdict", EVIDENCE_GOOD) != NULL);
}

/* A byte of the response that a value begins with, behind the opening quote. */
static void spoil(const char *property)
{
    char name[64];
    size_t len = (size_t)snprintf(name, sizeof name, "\"%s\":\"", property);
    uint8_t *at = memmem(client.response.ptr, client.response.len, name, len);

    cr_assert(at != NULL, "%s", property);
    at[len] = at[len] == 'A' ? 'B' : 'A';
    cr_assert_eq(client_send(&client), OUTCOME_FAILED);
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

static void let_time_pass(void)
{
    database_lock(fixture.issuer.store.db);
    cr_assert_eq(database_run(fixture.issuer.store.db, &err, "UPDATE session SET expires = 1", ""),
                 SKS_OK);
    database_unlock(fixture.issuer.store.db);
    cr_assert_eq(session_store_expire(&fixture.issuer.store, 2, &err), SKS_OK);
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

/* ---- forgotten ---- */

/* Sealed states as they were stored, of which nothing may be left. */
static struct bytes sealed[64];
static size_t sealed_count;

static void remember_sealed(const char *id)
{
    sqlite3_stmt *row;

    cr_assert_lt(sealed_count, NITEMS(sealed));
    database_lock(fixture.issuer.store.db);
    row =
        database_query(fixture.issuer.store.db, "SELECT state FROM session WHERE id = ?", "t", id);
    cr_assert_eq(database_step(row, &err), 1);
    sealed[sealed_count++] = arena_copy(&fixture.issuer.arena, database_bytes(row, 0));
    database_done(row);
    database_unlock(fixture.issuer.store.db);
}

/* How many of the sealed states leave a trace in the files of the database. */
static size_t count_traces(void)
{
    static const char *const FILES[] = { "issuer.db", "issuer.db-wal" };
    enum { PIECE = 48 };
    size_t count = 0;

    for (size_t i = 0; i < NITEMS(FILES); i++) {
        struct buf file = { 0 };
        char path[96];

        (void)snprintf(path, sizeof path, "%s/%s", fixture.folder, FILES[i]);
        cr_assert_eq(file_read(path, 64 * 1024 * 1024, &file, &err), SKS_OK, "%s", err.text);
        for (size_t j = 0; j < sealed_count; j++)
            for (size_t at = 0; at + PIECE <= sealed[j].len; at += PIECE)
                if (file.len > 0 && memmem(file.ptr, file.len, sealed[j].ptr + at, PIECE) != NULL) {
                    count++;
                    break;
                }
        buf_free(&file);
    }
    return count;
}

Test(evidence_check, a_forgotten_session_key)
{
    enum session_key_status status;

    begin("puk");
    for (; client.outcome.kind == OUTCOME_ANSWER; (void)client_send(&client)) {
        remember_sealed(client.id);
        client_respond(&client);
    }
    cr_assert_gt(count_traces(), 0);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(status, SESSION_KEY_SEALED);
    cr_assert_eq(count_traces(), 0);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(status, SESSION_KEY_FORGOTTEN);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &WITH_KEY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
    cr_assert(strstr(err.text, "forgotten") != NULL, "%s", err.text);
    issuer_fixture_reopen(&fixture);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
}

/* Their states grow by turns, so that they move about in the file. */
Test(evidence_check, no_trace_among_other_sessions)
{
    static struct fake_client other[6];
    enum session_key_status status;
    size_t done = 0;

    for (size_t i = 0; i < NITEMS(other); i++)
        client_begin(&other[i], &fixture.issuer, i % 2 == 0 ? "puk" : "plain", &device);
    while (done < NITEMS(other))
        for (size_t i = done = 0; i < NITEMS(other); i++) {
            if (other[i].outcome.kind != OUTCOME_ANSWER) {
                done++;
                continue;
            }
            remember_sealed(other[i].id);
            client_respond(&other[i]);
            (void)client_send(&other[i]);
        }
    for (size_t i = 0; i < NITEMS(other); i++) {
        remember_sealed(other[i].id);
        cr_assert_eq(session_forget(&fixture.issuer.store, other[i].id, &status, &err), SKS_OK);
        client_free(&other[i]);
    }
    cr_assert_eq(count_traces(), 0);
}

Test(evidence_check, the_key_that_the_session_key_would_come_of_is_forgotten_too)
{
    enum session_key_status status;

    begin("plain");
    respond_until("ProvisioningInitializationRequest");
    spoil("attestation");
    remember_sealed(client.id);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK, "%s",
                 err.text);
    cr_assert_eq(status, SESSION_KEY_SEALED);
    cr_assert_eq(count_traces(), 0);
    assert_valid(&PLAIN);
    cr_assert_eq(report.record.session_key_status, SESSION_KEY_FORGOTTEN);
}

Test(evidence_check, only_what_is_over_is_forgotten)
{
    enum session_key_status status;

    begin("plain");
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err),
                 SKS_ERROR_NOT_ALLOWED);
    respond_until("ProvisioningFinalizationRequest");
    let_time_pass();
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err),
                 SKS_ERROR_NOT_ALLOWED);
    cr_assert_eq(client_send(&client), OUTCOME_DONE, "its late proof still counts");
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(session_forget(&fixture.issuer.store, "nobody", &status, &err),
                 SKS_ERROR_NO_SESSION);
    begin("plain");
    phase_abort(&fixture.issuer, client.cookie, &client.arena, &client.outcome);
    cr_assert_eq(session_forget(&fixture.issuer.store, client.id, &status, &err), SKS_OK);
    cr_assert_eq(status, SESSION_KEY_NONE);
    assert_valid(&PLAIN);
}

Test(evidence_check, a_key_that_is_not_spent)
{
    static const struct evidence_options KEY_ONLY = { .session_key = true };

    begin("plain");
    cr_assert_eq(client_run(&client, "ProvisioningFinalizationRequest"), OUTCOME_ANSWER);
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &KEY_ONLY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
    assert_valid(&WITH_KEY);
    let_time_pass();
    cr_assert_eq(evidence_of(&fixture.issuer, client.id, &KEY_ONLY, &text, &err),
                 SKS_ERROR_NOT_ALLOWED);
}
