/* Evidence records that an issuer has signed although they are not so. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/pem.h"
#include "tests/unit/support/issuer/records.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>

TestSuite(evidence_changes, .init = records_set_up, .fini = records_tear_down, .timeout = 300);

#define ZEROS_32 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

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
    { RECORD, "/checks/17/name", "\"confirmation\"", "verdict" },
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

Test(evidence_changes, what_is_not_so_is_found_though_it_is_signed)
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

Test(evidence_changes, another_certificate)
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

Test(evidence_changes, a_path_of_strangers)
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
