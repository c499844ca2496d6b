#include "issuer/external_ca.h"
#include "keygen2/base/command.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/pem.h"

#include <openssl/x509v3.h>
#include <stdio.h>

enum {
    ANSWER_MAX = 256 * 1024,
    SERIAL_MAX = 20, /* bytes: RFC 5280, 4.1.2.2 */
    AHEAD = 300,     /* seconds that the CA's clock may be ahead of ours */
};

const char *external_ca_command(const struct external_ca *ca, const struct profile *profile,
                                struct arena *arena)
{
    return profile->external_ca.len > 0 ? arena_text(arena, profile->external_ca) : ca->command;
}

/* ---- asking ---- */

static json_t *texts_of(const struct bytes_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(array, json_text(list->item[i]));
    return array;
}

/* What the profile wants in the certificate, with the enrolment's values in their places. */
static enum sks_status template_of(const struct external_wish *wish, struct arena *arena,
                                   json_t **object, struct sks_error *err)
{
    const struct certificate_profile *from = wish->key->certificate;
    struct bytes der = { 0 };
    const uint8_t *p;
    X509_NAME *name = NULL;
    struct buf text = { 0 };
    json_t *names = json_array();
    enum sks_status rc;

    TRY(certificate_subject(from->subject, wish->enrolment, arena, &der, err));
    p = der.ptr;
    name = d2i_X509_NAME(NULL, &p, (long)der.len);
    for (size_t i = 0; i < from->subject_alt_name.count; i++) {
        buf_reset(&text);
        TRY(certificate_expand(from->subject_alt_name.item[i], wish->enrolment, &text, err));
        (void)json_array_append_new(names, json_text(buf_bytes(&text)));
    }
    *object =
        json_pack("{s:s, s:i, s:o, s:o, s:o, s:O}", "subject",
                  name == NULL ? "" : certificate_name(arena, name), "validityDays",
                  (int)from->validity_days, "keyUsage", texts_of(&from->key_usage),
                  "extendedKeyUsage", texts_of(&from->extended_key_usage), "certificatePolicies",
                  texts_of(&from->certificate_policies), "subjectAltName", names);
    rc = *object == NULL ? sks_fail(err, SKS_ERROR_STORAGE, "no memory for a request") : SKS_OK;
out:
    X509_NAME_free(name);
    json_decref(names);
    buf_free(&text);
    return rc;
}

static json_t *enrolment_of(const struct enrolment_values *values)
{
    json_t *object = json_object();

    for (size_t i = 0; i < values->count; i++)
        (void)json_object_set_new(object, (const char *)values->item[i].name.ptr,
                                  json_text(values->item[i].value));
    return object;
}

static enum sks_status write_request(const struct external_wish *wish, struct arena *arena,
                                     struct buf *out, struct sks_error *err)
{
    json_t *certificate = NULL, *root = NULL;
    struct buf pem = { 0 };
    enum sks_status rc;

    TRY(template_of(wish, arena, &certificate, err));
    TRY(sks_explain(err, put_pem(&pem, "PUBLIC KEY", wish->spki)));
    root =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:O, s:o}", "request", "issue", "serverSessionId",
                  wish->session->id, "profile", wish->profile->name, "keyId",
                  json_text(wish->key->key.id), "keyAlgorithm",
                  json_text(wish->key->key.key_algorithm), "publicKey", json_text(buf_bytes(&pem)),
                  "certificate", certificate, "enrolment", enrolment_of(wish->enrolment));
    REQUIRE(root != NULL, err, SKS_ERROR_STORAGE, "no memory for a request");
    TRY(sks_explain(err, json_write(root, out)));
out:
    json_decref(certificate);
    json_decref(root);
    buf_free(&pem);
    return rc;
}

/* ---- reading ---- */

struct answer {
    struct bytes error;
    struct bytes_list path;
};

static const struct json_field ANSWER[] = {
    { "certificatePath", JSON_BINARIES, JSON_OPTIONAL, .offset = offsetof(struct answer, path),
      .min = 1, .max = EXTERNAL_CA_PATH_MAX },
    { "error", JSON_TEXT, JSON_OPTIONAL, .offset = offsetof(struct answer, error), .min = 1,
      .max = 200 },
};

static const struct json_type ANSWER_TYPE = JSON_TYPE("answer", struct answer, ANSWER, NULL);

static enum sks_status read_json(struct bytes text, struct arena *arena, struct bytes_list *path,
                                 struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct answer answer = { 0 };
    json_t *root = NULL;
    enum sks_status rc = json_parse(text, &root, &why);

    if (rc == SKS_OK)
        rc = json_decode(&ANSWER_TYPE, root, &answer, arena, &why);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL, "its answer cannot be read: %s", why.text);
    REQUIRE(answer.error.len == 0, err, SKS_ERROR_EXTERNAL, "it refused: %.*s",
            (int)answer.error.len, (const char *)answer.error.ptr);
    REQUIRE(answer.path.count > 0, err, SKS_ERROR_EXTERNAL, "its answer has no certificate");
    *path = answer.path;
out:
    json_decref(root);
    return rc;
}

/* Reads what a command wrote: PEM, or JSON. */
static enum sks_status read_answer(struct bytes answer, struct arena *arena,
                                   struct bytes_list *path, struct sks_error *err)
{
    struct sks_error why = { 0 };

    while (answer.len > 0 && answer.ptr[0] <= ' ')
        answer = bytes_at(answer.ptr + 1, answer.len - 1);
    if (answer.len > 0 && answer.ptr[0] == '{')
        return read_json(answer, arena, path, err);
    if (pem_certificates(answer, EXTERNAL_CA_PATH_MAX, arena, path, &why) != SKS_OK)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "its answer cannot be read: %s", why.text);
    return SKS_OK;
}

/* ---- checking ---- */

static bool is_ca(const X509 *certificate)
{
    BASIC_CONSTRAINTS *constraints =
        X509_get_ext_d2i(certificate, NID_basic_constraints, NULL, NULL);
    bool ca = constraints != NULL && constraints->ca != 0;

    BASIC_CONSTRAINTS_free(constraints);
    return ca;
}

static enum sks_status check_one(struct bytes der, bool leaf, int64_t now, struct sks_error *err)
{
    X509 *certificate = NULL;
    enum sks_status rc = certificate_parse(der, &certificate);

    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL, "what it gave is no certificate");
    REQUIRE(certificate_seconds(X509_get0_notBefore(certificate)) <= now + AHEAD &&
                certificate_seconds(X509_get0_notAfter(certificate)) > now,
            err, SKS_ERROR_EXTERNAL, "a certificate that it gave is not valid now");
    REQUIRE(is_ca(certificate) == !leaf, err, SKS_ERROR_EXTERNAL,
            leaf ? "the certificate that it gave is that of a CA"
                 : "its certificate path has a certificate of no CA");
out:
    X509_free(certificate);
    return rc;
}

static enum sks_status check_path(const struct external_wish *wish, const struct bytes_list *path,
                                  struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct buf spki = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < path->count; i++)
        TRY(check_one(path->item[i], i == 0, wish->now, err));
    REQUIRE(put_certificate_key(&spki, path->item[0]) == SKS_OK &&
                bytes_equal(buf_bytes(&spki), wish->spki),
            err, SKS_ERROR_EXTERNAL, "the certificate that it gave is for another key");
    REQUIRE(certificate_path_check(path, true, &why) == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "its certificate path: %s", why.text[0] == '\0' ? "does not hold" : why.text);
out:
    buf_free(&spki);
    return rc;
}

enum sks_status external_ca_facts(struct bytes der, struct arena *arena, struct bytes *serial,
                                  int64_t *expires, struct sks_error *err)
{
    X509 *certificate = NULL;
    BIGNUM *number = NULL;
    uint8_t magnitude[SERIAL_MAX];
    int len;
    enum sks_status rc = certificate_parse(der, &certificate);

    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL, "what it gave is no certificate");
    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    len = number == NULL ? 0 : BN_num_bytes(number);
    REQUIRE(len > 0 && len <= SERIAL_MAX && !BN_is_negative(number), err, SKS_ERROR_EXTERNAL,
            "its serial number is not a positive number of up to %d bytes", SERIAL_MAX);
    (void)BN_bn2bin(number, magnitude);
    *serial = arena_copy(arena, bytes_at(magnitude, (size_t)len));
    *expires = certificate_seconds(X509_get0_notAfter(certificate));
    REQUIRE(serial->ptr != NULL, err, SKS_ERROR_STORAGE, "no memory");
out:
    BN_free(number);
    X509_free(certificate);
    return rc;
}

enum sks_status external_ca_issue(const struct external_ca *ca, const char *command,
                                  const struct external_wish *wish, struct arena *arena,
                                  struct bytes_list *path, struct sks_error *err)
{
    struct buf request = { 0 }, answer = { 0 };
    enum sks_status rc;

    TRY(write_request(wish, arena, &request, err));
    TRY(command_run(command, buf_bytes(&request),
                    ca->seconds == 0 ? EXTERNAL_CA_SECONDS : ca->seconds, ANSWER_MAX, &answer,
                    err));
    TRY(read_answer(buf_bytes(&answer), arena, path, err));
    TRY(check_path(wish, path, err));
out:
    buf_free(&request);
    buf_free(&answer);
    return rc;
}
