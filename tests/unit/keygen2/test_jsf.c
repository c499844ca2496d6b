/* Requests that are signed as a whole. */
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/public_key.h"
#include "keygen2/message/jsf.h"
#include "tests/unit/support/keygen2/messages.h"

#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#define REQUEST "InvocationRequest"

/* A request signed with the key; it shows the key's certificate instead of the key if there is
 * one. */
static json_t *signed_message(const char *name, EVP_PKEY *key, X509 *x509)
{
    json_t *messages = load_messages("messages");
    json_t *root = json_incref(json_object_get(messages, name));
    struct jsf_signature signature = { 0 };
    struct buf spki = { 0 }, value = { 0 };
    uint8_t *der = NULL;
    struct bytes certificate = { 0 };

    cr_assert(put_pkey(&spki, key) == SKS_OK);
    if (x509 != NULL) {
        certificate.len = (size_t)i2d_X509(x509, &der);
        certificate.ptr = der;
        signature.certificate_path = (struct bytes_list){ &certificate, 1 };
    } else {
        signature.public_key = buf_bytes(&spki);
    }
    cr_assert(jsf_sign(root, &signature, key, &value) == SKS_OK);
    OPENSSL_free(der);
    buf_free(&spki);
    buf_free(&value);
    json_decref(messages);
    return root;
}

/* Takes the document. */
static void expect_decoded(const char *name, json_t *root, const char *error)
{
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    cr_expect(decode_message(name, root, &message, &arena, &err) ==
              (error == NULL ? SKS_OK : SKS_ERROR_OPTION));
    cr_expect_str_eq(err.text, error == NULL ? "" : error, "%s", err.text);
    json_decref(root);
    arena_free(&arena);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    static const struct own_certificate what = { .common_name = "Signer", .days = 1 };
    X509 *x509 = NULL;
    struct sks_error err = { 0 };

    cr_assert(own_certificate_make(&what, key, NULL, key, &x509, &err) == SKS_OK, "%s", err.text);
    return x509;
}

Test(jsf, signed_requests)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
    X509 *x509 = certificate_of(ec);

    expect_decoded(REQUEST, signed_message(REQUEST, ec, NULL), NULL);
    expect_decoded(REQUEST, signed_message(REQUEST, rsa, NULL), NULL);
    expect_decoded(REQUEST, signed_message(REQUEST, ec, x509), NULL);
    expect_decoded("CredentialDiscoveryRequest",
                   signed_message("CredentialDiscoveryRequest", ec, NULL), NULL);
    X509_free(x509);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

/* A request that is signed is still read like any other. */
Test(jsf, what_is_signed_is_checked)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    json_t *root = signed_message(REQUEST, key, NULL);

    json_object_set_new(root, "action", json_string("unlocked"));
    expect_decoded(REQUEST, root, "/signature: does not verify");
    expect_decoded("InvocationResponse", signed_message("InvocationResponse", key, NULL),
                   "/signature: unknown property");
    EVP_PKEY_free(key);
}

static const struct {
    const char *pointer, *value, *error;
} EDITS[] = {
    { "/action", "\"manage\"", "/signature: does not verify" },
    { "/privacyEnabled", NULL, "/signature: does not verify" },
    { "/preferredLanguages", "[\"fr\",\"en\"]", "/signature: does not verify" },
    { "/foo", "1", "/signature: does not verify" },
    { "/foo", "1.5", "/signature: covers a number that is no integer of 53 bits" },
    { "/signature/value", "@64", "/signature: does not verify" },
    { "/signature/value", NULL, "/signature/value: missing" },
    { "/signature/algorithm", "\"HS256\"", "/signature/algorithm: must be ES256 or RS256" },
    { "/signature/algorithm", "\"RS256\"", "/signature/algorithm: does not fit the key" },
    { "/signature/publicKey", NULL,
      "/signature: must have either a publicKey or a certificatePath" },
    { "/signature/extensions", "[\"a\"]", "/signature/extensions: unknown property" },
    { "/signature", "null", "/signature: expected an object" },
    { "/signature", NULL, NULL },
};

Test(jsf, changed_requests)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    for (size_t i = 0; i < NITEMS(EDITS); i++) {
        json_t *root = signed_message(REQUEST, key, NULL);

        edit_json(root, EDITS[i].pointer, EDITS[i].value);
        expect_decoded(REQUEST, root, EDITS[i].error);
    }
    EVP_PKEY_free(key);
}

Test(jsf, certificates)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *x509 = certificate_of(other);
    json_t *root = signed_message(REQUEST, key, x509);

    expect_decoded(REQUEST, root, "/signature: does not verify");
    root = signed_message(REQUEST, other, x509);
    edit_json(root, "/signature/algorithm", "\"RS256\"");
    expect_decoded(REQUEST, root, "/signature/algorithm: does not fit the key");
    root = signed_message(REQUEST, other, x509);
    edit_json(root, "/signature/certificatePath/0", "\"AAAA\"");
    expect_decoded(REQUEST, root,
                   "/signature/certificatePath: certificate path: number 0 does not decode");
    X509_free(x509);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* The signature is gone once it was seen: what is encoded again has none. */
Test(jsf, is_taken_away)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    json_t *root = signed_message(REQUEST, key, NULL);
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct buf text = { 0 };

    cr_assert(decode_message(REQUEST, root, &message, &arena, &err) == SKS_OK, "%s", err.text);
    cr_assert(keygen2_encode(type_of(REQUEST), &message, &text) == SKS_OK);
    cr_expect(memmem(text.ptr, text.len, "\"signature\"", 11) == NULL);
    json_decref(root);
    buf_free(&text);
    arena_free(&arena);
    EVP_PKEY_free(key);
}

Test(jsf, keys_without_an_algorithm)
{
    EVP_PKEY *key = EVP_EC_gen("P-521");
    struct jsf_signature signature = { 0 };
    struct buf value = { 0 };
    json_t *root = json_object();

    cr_expect(jsf_sign(root, &signature, key, &value) == SKS_ERROR_OPTION);
    cr_expect(value.len == 0 && json_object_size(root) == 0);
    json_decref(root);
    EVP_PKEY_free(key);
}
