/*
 * Evidence records, as their reader takes them: as they are, and signed by an issuer that lies.
 *
 * The input is a record whose bodies may stand there as the text of the message, not as base64url,
 * so that the fuzzer can alter messages. Its signature is made anew, else nothing behind it would
 * ever be looked at.
 */
#include "keygen2/base/clock.h"
#include "keygen2/base/jcs.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/evidence/check.h"
#include "tests/plain/support/must.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Who signs; made once. */
static struct issuer {
    EVP_PKEY *key;
    struct arena arena;
    struct bytes certificate;
} issuer;

static void make_issuer(void)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    const struct own_certificate what = {
        .common_name = "Fuzz",
        .days = 3650,
        .extension = { { NID_key_usage, "critical,digitalSignature" } },
    };
    X509 *certificate = NULL;

    must(private_key_generate(p256, (struct bytes){ 0 }, &issuer.key) == SKS_OK &&
             own_certificate_make(&what, issuer.key, NULL, issuer.key, &certificate, NULL) ==
                 SKS_OK,
         "a key with a certificate");
    issuer.certificate = certificate_der(&issuer.arena, certificate);
    X509_free(certificate);
}

/* True if it was taken for a record. */
static bool check(struct bytes text, bool *valid)
{
    const struct bytes_list issuers = { &issuer.certificate, 1 };
    struct evidence_report report;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc = evidence_check(text, &issuers, &arena, &report, &err);
    size_t sum = 0;

    must((rc == SKS_OK) == (err.text[0] == '\0'), "a refusal says why");
    *valid = rc == SKS_OK && report.count[EVIDENCE_BAD] == 0;
    for (size_t i = 0; i < NITEMS(report.count); i++)
        sum += report.count[i];
    must(sum == report.findings, "each finding counts once");
    for (size_t i = 0; rc == SKS_OK && i < report.findings; i++)
        must(bytes_is_utf8(bytes_of(report.finding[i].detail)), "a finding can be shown");
    arena_free(&arena);
    return rc == SKS_OK;
}

static void encode_bodies(json_t *messages)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        json_t *message = json_array_get(messages, i);
        const char *body = json_string_value(json_object_get(message, "body"));

        if (body != NULL && strchr(body, '{') != NULL)
            (void)json_object_set_new(message, "body", json_binary(bytes_of(body)));
    }
}

static bool sign(json_t *root, struct buf *text)
{
    struct jsf_signature signature = { .certificate_path = { &issuer.certificate, 1 } };
    struct buf value = { 0 };
    char now[32];
    bool good;

    keygen2_time_format(clock_now() + 60, false, now);
    (void)json_object_set_new(root, "recorded", json_string(now));
    encode_bodies(json_object_get(root, "messages"));
    good =
        jsf_sign(root, &signature, issuer.key, &value) == SKS_OK && jcs_write(root, text) == SKS_OK;
    buf_free(&value);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = { 0 };
    json_t *root;
    bool valid;

    if (issuer.key == NULL)
        make_issuer();
    (void)check(bytes_at(data, size), &valid);
    must(!valid, "nobody but the issuer signs for it");
    if (json_parse(bytes_at(data, size), &root, NULL) == SKS_OK) {
        if (sign(root, &text) && check(buf_bytes(&text), &valid) && valid) {
            text.ptr[text.len / 2] ^= 1;
            (void)check(buf_bytes(&text), &valid);
            must(!valid, "an altered byte shows");
        }
        json_decref(root);
    }
    buf_free(&text);
    ERR_clear_error();
    return 0;
}
