#include "keygen2/crypto/public_key.h"
#include "keygen2/message/search_filter.h"
#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#define REQUEST "CredentialDiscoveryRequest"
#define RESPONSE "CredentialDiscoveryResponse"
#define SPECIFIER "/lookupSpecifiers/0"
#define FILTER SPECIFIER "/searchFilter"
#define SIGNATURE SPECIFIER "/signature"
#define MATCH "/lookupResults/0/matchingCredentials/0"
#define NO_VERIFY SIGNATURE ": does not verify"

/* ---- refusals ---- */

static const struct edit FIELDS[] = {
    { REQUEST, "/lookupSpecifiers", "[]", "/lookupSpecifiers: must be 1-255 elements" },
    { REQUEST, SPECIFIER "/foo", "1", SPECIFIER "/foo: unknown property" },
    { REQUEST, SPECIFIER "/id", NULL, SPECIFIER "/id: missing" },
    { REQUEST, SPECIFIER "/nonce", NULL, SPECIFIER "/nonce: missing" },
    { REQUEST, SPECIFIER "/nonce", "@31", SPECIFIER "/nonce: must be 32 bytes" },
    { REQUEST, SPECIFIER "/nonce", "@33", SPECIFIER "/nonce: must be 32 bytes" },
    { REQUEST, SPECIFIER "/signature", NULL, SPECIFIER "/signature: missing" },
    { REQUEST, FILTER, "{}", FILTER ": must have a condition" },
    { REQUEST, FILTER, "{\"foo\":1}", FILTER "/foo: unknown property" },
    { REQUEST, FILTER "/fingerPrint", "@31", FILTER "/fingerPrint: must be 32 bytes" },
    { REQUEST, FILTER "/issuerRegEx", "\"\"", FILTER "/issuerRegEx: must be 1-1000 characters" },
    { REQUEST, FILTER "/subjectRegEx", "#1001", FILTER "/subjectRegEx: must be 1-1000 characters" },
    { REQUEST, FILTER "/emailRegEx", "1", FILTER "/emailRegEx: expected a string" },
    { REQUEST, FILTER "/serialNumber", "1", FILTER "/serialNumber: expected a string" },
    { REQUEST, FILTER "/policyRules", "[]", FILTER "/policyRules: must be 1-255 elements" },
    { REQUEST, FILTER "/policyRules", "[\"1.2\",\"-1.2\"]", FILTER "/policyRules/1: used twice" },
    { REQUEST, FILTER "/keyUsageRules/1", "\"-cRLsign\"",
      FILTER "/keyUsageRules/1: not a key usage, nor one behind \"-\"" },
    { REQUEST, FILTER "/keyUsageRules/1", "\"--cRLSign\"",
      FILTER "/keyUsageRules/1: not a key usage, nor one behind \"-\"" },
    { REQUEST, FILTER "/keyUsageRules/1", "\"-digitalSignature\"",
      FILTER "/keyUsageRules/1: used twice" },
    { REQUEST, FILTER "/extendedKeyUsageRules/0", "\"clientAuth\"",
      FILTER "/extendedKeyUsageRules/0: not an OID, nor one behind \"-\"" },
    { REQUEST, FILTER "/issuedBefore", "\"2026-11-22T02:43:18+00:00\"",
      FILTER "/issuedBefore: not a time of the form YYYY-MM-DDThh:mm:ssZ" },
    { REQUEST, FILTER "/issuedAfter", "\"2026-11-22T02:43:18.5Z\"",
      FILTER "/issuedAfter: not a time of the form YYYY-MM-DDThh:mm:ssZ" },
    { REQUEST, FILTER "/grouping", "\"all\"",
      FILTER "/grouping: must be one of none, shared, signature+standard, unique" },
    { REQUEST, FILTER "/appUsage", "0", FILTER "/appUsage: expected a string" },
    { RESPONSE, "/lookupResults", "[]", "/lookupResults: must be 1-255 elements" },
    { RESPONSE, "/lookupResults/1/id", "\"Lookup.1\"", "/lookupResults/1/id: used twice" },
    { RESPONSE, "/lookupResults/1/matchingCredentials", NULL,
      "/lookupResults/1/matchingCredentials: missing" },
    { RESPONSE, MATCH "/serverSessionId", NULL, MATCH "/serverSessionId: missing" },
    { RESPONSE, MATCH "/clientSessionId", "\"\"",
      MATCH "/clientSessionId: must be 1-32 characters from '!' to '~'" },
    { RESPONSE, MATCH "/certificatePath", "[]", MATCH "/certificatePath: must be 1-255 elements" },
    { RESPONSE, MATCH "/certificatePath/1", "\"AAAA\"",
      MATCH "/certificatePath: certificate path: number 1 does not decode" },
    { RESPONSE, MATCH "/locked", "1", MATCH "/locked: expected true or false" },
    { RESPONSE, MATCH "/locked", NULL, NULL },
};

Test(discovery, fields)
{
    expect_all_edited(FIELDS, NITEMS(FIELDS));
}

/* What is changed without a new signature is refused, whatever it is. */
static const struct edit SIGNED[] = {
    { REQUEST, SPECIFIER "/id", "\"Lookup.3\"", NO_VERIFY },
    { REQUEST, SPECIFIER "/nonce", "@32", NO_VERIFY },
    { REQUEST, FILTER, NULL, NO_VERIFY },
    { REQUEST, FILTER "/fingerPrint", "@32", NO_VERIFY },
    { REQUEST, FILTER "/issuerRegEx", "\".*\"", NO_VERIFY },
    { REQUEST, FILTER "/serialNumber", "\"0\"", NO_VERIFY },
    { REQUEST, FILTER "/subjectRegEx", NULL, NO_VERIFY },
    { REQUEST, FILTER "/emailRegEx", "#1000", NO_VERIFY },
    { REQUEST, FILTER "/policyRules/0", "\"-1.3.6.1.4.1.99999.1\"", NO_VERIFY },
    { REQUEST, FILTER "/keyUsageRules", NULL, NO_VERIFY },
    { REQUEST, FILTER "/extendedKeyUsageRules", NULL, NO_VERIFY },
    { REQUEST, FILTER "/issuedBefore", "\"2026-11-22T02:43:19Z\"", NO_VERIFY },
    { REQUEST, FILTER "/issuedAfter", NULL, NO_VERIFY },
    { REQUEST, FILTER "/grouping", "\"shared\"", NO_VERIFY },
    { REQUEST, FILTER "/appUsage", NULL, NO_VERIFY },
    { REQUEST, SIGNATURE "/value", "@64", NO_VERIFY },
    { REQUEST, SIGNATURE "/value", "@63", NO_VERIFY },
    { REQUEST, SIGNATURE "/value", "@0", SIGNATURE "/value: must be 1-1024 bytes" },
    { REQUEST, SIGNATURE "/value", NULL, SIGNATURE "/value: missing" },
    { REQUEST, SIGNATURE, "[]", SIGNATURE ": expected an object" },
    { REQUEST, SIGNATURE "/algorithm", "\"RS256\"", SIGNATURE "/algorithm: does not fit the key" },
    { REQUEST, SIGNATURE "/algorithm", "\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"",
      SIGNATURE "/algorithm: must be ES256 or RS256" },
    { REQUEST, SIGNATURE "/algorithm", "\"ES512\"",
      SIGNATURE "/algorithm: must be ES256 or RS256" },
    { REQUEST, SIGNATURE "/publicKey", NULL, SIGNATURE "/publicKey: missing" },
    { REQUEST, SIGNATURE "/publicKey/crv",
      "\"https://webpki.github.io/sks/algorithm#ec.nist.p256\"",
      SIGNATURE "/publicKey/crv: not a JOSE name" },
    { REQUEST, SIGNATURE "/certificatePath", "[\"AAAA\"]",
      SIGNATURE ": must have either a publicKey or a certificatePath" },
    { REQUEST, SIGNATURE "/keyId", "\"1\"", SIGNATURE "/keyId: unknown property" },
    { REQUEST, SIGNATURE "/excludes", "[\"id\"]", SIGNATURE "/excludes: unknown property" },
};

Test(discovery, signature_covers_all)
{
    expect_all_edited(SIGNED, NITEMS(SIGNED));
}

Test(discovery, another_key)
{
    json_t *messages = load_messages("messages"), *list, *root;
    struct edit edit = { REQUEST, SPECIFIER "/signature", NULL, NO_VERIFY };
    char *text;

    root = json_object_get(messages, "ProvisioningInitializationRequest");
    list = json_object_get(json_object_get(messages, REQUEST), "lookupSpecifiers");
    json_object_set(json_object_get(json_array_get(list, 0), "signature"), "publicKey",
                    json_object_get(root, "serverEphemeralKey"));
    text = json_dumps(json_object_get(json_array_get(list, 0), "signature"), 0);
    edit.value = text;
    expect_edited(messages, &edit);
    free(text);
    json_decref(messages);
}

/* ---- what may stand in a rule and a number ---- */

static void expect_filter(const char *name, const char *value, bool good)
{
    char text[300];
    struct search_filter filter;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    json_t *root;

    (void)snprintf(text, sizeof text,
                   strstr(name, "Rules") != NULL ? "{\"%s\":[\"%s\"]}" : "{\"%s\":\"%s\"}", name,
                   value);
    root = json_loads(text, 0, NULL);
    cr_expect(json_decode(&SEARCH_FILTER, root, &filter, &arena, &err) ==
                  (good ? SKS_OK : SKS_ERROR_OPTION),
              "%s: %s", text, err.text);
    json_decref(root);
    arena_free(&arena);
}

Test(discovery, object_identifiers)
{
    static const char *const good[] = { "1.2.3", "-1.2.3", "2.5.29.32.0", "0.9", "1" };
    static const char *const bad[] = { "-",     "1.",   ".1",   "1..2", "1.02", "01.2",
                                       "--1.2", "+1.2", "1.2 ", "1,2",  "1.-2", "a" };
    char big[131];

    for (size_t i = 0; i < NITEMS(good); i++)
        expect_filter("policyRules", good[i], true);
    for (size_t i = 0; i < NITEMS(bad); i++)
        expect_filter("extendedKeyUsageRules", bad[i], false);
    memset(big, '1', sizeof big);
    big[129] = '\0';
    expect_filter("policyRules", big, false);
    big[128] = '\0';
    expect_filter("policyRules", big, true);
}

Test(discovery, serial_numbers)
{
    static const char *const good[] = { "0", "1", "-1", "18446744073709551616" };
    static const char *const bad[] = { "", "-", "-0", "00", "01", "-01", "+1", "1.0", "0x1", " 1" };
    char big[102];

    for (size_t i = 0; i < NITEMS(good); i++)
        expect_filter("serialNumber", good[i], true);
    for (size_t i = 0; i < NITEMS(bad); i++)
        expect_filter("serialNumber", bad[i], false);
    memset(big, '1', sizeof big);
    big[101] = '\0';
    expect_filter("serialNumber", big, false);
    big[100] = '\0';
    expect_filter("serialNumber", big, true);
}

/* ---- signing ---- */

struct signer {
    EVP_PKEY *key;
    struct buf spki, text;
    struct arena arena;
    struct search_filter filter;
    struct lookup_specifier specifier;
};

static void make_specifier(struct signer *s, EVP_PKEY *key)
{
    static const uint8_t nonce[32] = { 1 };

    *s = (struct signer){ .key = key };
    cr_assert(put_pkey(&s->spki, key) == SKS_OK);
    s->filter.subject_reg_ex = bytes_of("CN=\"\\Q\xe2\x82\xac\\E\"\t.*");
    s->filter.issued_before.text = bytes_of("2026-11-22T02:43:18Z");
    s->filter.grouping = (struct optional_name){ true, GROUPING_NONE };
    s->specifier.id = bytes_of("a");
    s->specifier.nonce = bytes_at(nonce, sizeof nonce);
    s->specifier.search_filter = &s->filter;
    s->specifier.public_key = buf_bytes(&s->spki);
}

static void free_specifier(struct signer *s)
{
    EVP_PKEY_free(s->key);
    buf_free(&s->spki);
    buf_free(&s->text);
    arena_free(&s->arena);
}

static enum sks_status decode_signed(struct signer *s, struct credential_discovery_request *out,
                                     struct sks_error *err)
{
    struct credential_discovery_request request = { .server_session_id = bytes_of("s"),
                                                    .client_session_id = bytes_of("c"),
                                                    .lookup_specifiers = { &s->specifier, 1 } };

    cr_assert(keygen2_encode(&CREDENTIAL_DISCOVERY_REQUEST, &request, &s->text) == SKS_OK);
    return keygen2_decode(&CREDENTIAL_DISCOVERY_REQUEST, buf_bytes(&s->text), out, &s->arena, err);
}

static void expect_signed(EVP_PKEY *key)
{
    struct signer s;
    struct credential_discovery_request out;
    const struct lookup_specifier *specifier;
    struct sks_error err = { 0 };

    make_specifier(&s, key);
    cr_assert(keygen2_sign_lookup(&s.specifier, key, &s.arena, &err) == SKS_OK, "%s", err.text);
    cr_assert(decode_signed(&s, &out, &err) == SKS_OK, "%s", err.text);
    specifier = out.lookup_specifiers.item;
    cr_expect(bytes_equal(specifier->public_key, s.specifier.public_key));
    cr_expect(bytes_equal(specifier->signature, s.specifier.signature));
    cr_expect(bytes_equal(specifier->search_filter->subject_reg_ex, s.filter.subject_reg_ex));
    cr_expect(specifier->search_filter->grouping.is_there);
    cr_expect(!specifier->search_filter->app_usage.is_there);
    free_specifier(&s);
}

Test(discovery, signed_by_both_kinds_of_keys)
{
    expect_signed(EVP_EC_gen("P-256"));
    expect_signed(EVP_RSA_gen(2048));
}

Test(discovery, keys_that_cannot_sign)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct signer s;
    struct sks_error err = { 0 };
    struct buf text = { 0 };

    make_specifier(&s, EVP_EC_gen("P-384"));
    cr_expect(keygen2_sign_lookup(&s.specifier, s.key, &s.arena, &err) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "lookup: the key must be RSA or P-256");
    err = (struct sks_error){ 0 };
    cr_expect(keygen2_sign_lookup(&s.specifier, other, &s.arena, &err) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "lookup: the public key is not that of the private key");
    cr_expect(keygen2_encode(&CREDENTIAL_DISCOVERY_REQUEST,
                             &(struct credential_discovery_request){
                                 .lookup_specifiers = { &s.specifier, 1 } },
                             &text) != SKS_OK);
    EVP_PKEY_free(other);
    buf_free(&text);
    free_specifier(&s);
}

Test(discovery, another_curve)
{
    static const struct edit edit = {
        REQUEST, SIGNATURE "/publicKey",
        "{\"kty\":\"EC\",\"crv\":\"P-384\","
        "\"x\":\"yQWPI04XjBg05BkJjgYd-5nV9JaSX7ila7WooeC9Y_FuUVJUTSKCaSI-xMwDnlLu\","
        "\"y\":\"47v23iw39D5tPOaJM2AfAmkaOYhOyD2QWSP_SWiDFEHpwaup_Cc6IZIfXgIZRfb6\"}",
        SIGNATURE ": the key must be RSA or P-256"
    };

    expect_all_edited(&edit, 1);
}

/* What is signed is the RFC 8785 form, so that neither the order nor the escapes matter. */
Test(discovery, form_of_the_text)
{
    json_t *messages = load_messages("messages");
    json_t *root = json_object_get(messages, REQUEST);
    char *text = json_dumps(root, JSON_SORT_KEYS | JSON_ENSURE_ASCII | JSON_INDENT(3));
    struct credential_discovery_request request;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    cr_assert_not_null(strstr(text, "\\u20AC"));
    cr_expect(keygen2_decode(&CREDENTIAL_DISCOVERY_REQUEST, bytes_of(text), &request, &arena,
                             &err) == SKS_OK,
              "%s", err.text);
    free(text);
    arena_free(&arena);
    json_decref(messages);
}

/* ---- what one message may cost ---- */

Test(discovery, too_many_specifiers)
{
    json_t *messages = load_messages("messages");
    json_t *list = json_object_get(json_object_get(messages, REQUEST), "lookupSpecifiers");
    struct edit edit = { REQUEST, "/serverSessionId", "\"s\"",
                         "/lookupSpecifiers: must be 1-255 elements" };

    while (json_array_size(list) < KEYGEN2_LOOKUPS_MAX + 1)
        json_array_append(list, json_array_get(list, 0));
    expect_edited(messages, &edit);
    json_array_remove(list, 0);
    edit.error = "/lookupSpecifiers/1/id: used twice";
    json_array_remove(list, 0);
    expect_edited(messages, &edit);
    json_decref(messages);
}

Test(discovery, too_many_certificates)
{
    json_t *messages = load_messages("messages");
    json_t *results = json_object_get(json_object_get(messages, RESPONSE), "lookupResults");
    json_t *found = json_object_get(json_array_get(results, 1), "matchingCredentials");
    json_t *one =
        json_array_get(json_object_get(json_array_get(results, 0), "matchingCredentials"), 1);
    struct edit edit = { RESPONSE, "/serverSessionId", "\"s\"", NULL };

    while (json_array_size(found) < KEYGEN2_FOUND_MAX - 3) /* the first result has three */
        json_array_append(found, one);
    expect_edited(messages, &edit);
    json_array_append(found, one);
    edit.error = "/lookupResults/1/matchingCredentials/997: "
                 "more than 1000 certificates altogether";
    expect_edited(messages, &edit);
    json_decref(messages);
}
