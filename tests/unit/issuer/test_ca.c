#include "issuer/crl.h"
#include "issuer/enrolment.h"
#include "issuer/profile.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"
#include "tests/unit/support/issuer/issuer_fixture.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>

static struct issuer_fixture fixture;
static struct arena arena;
static struct sks_error err;

static void set_up(void)
{
    issuer_fixture_open(&fixture);
}

static void tear_down(void)
{
    arena_free(&arena);
    issuer_fixture_close(&fixture);
}

TestSuite(ca, .init = set_up, .fini = tear_down);

static X509 *parse(struct bytes der)
{
    const uint8_t *p = der.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);

    cr_assert(certificate != NULL && p == der.ptr + der.len);
    return certificate;
}

/* What `openssl verify -x509_strict` does. */
static void verify_strictly(X509 *certificate, X509 *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    cr_assert(X509_STORE_add_cert(store, ca) > 0 &&
              X509_STORE_CTX_init(ctx, store, certificate, NULL) > 0);
    (void)X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    cr_assert_eq(X509_verify_cert(ctx), 1, "%s",
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
}

static void check_fields(X509 *certificate, struct bytes spki, const uint8_t *serial)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    BIGNUM *expected = BN_bin2bn(serial, CA_SERIAL_SIZE, NULL);
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);

    cr_assert_eq(X509_get_version(certificate), X509_VERSION_3);
    cr_assert(bytes_equal(bytes_at(der, (size_t)len), spki), "the key goes in as it is");
    cr_assert_eq(BN_cmp(number, expected), 0);
    cr_assert_not(BN_is_negative(number));
    cr_assert_eq(BN_num_bytes(number), CA_SERIAL_SIZE);
    cr_assert_eq(X509_check_ca(certificate), 0);
    OPENSSL_free(der);
    BN_free(number);
    BN_free(expected);
}

/* One certificate, against OpenSSL's own reading and writing of it. */
static X509 *issue(const struct ca *ca, const struct certificate_template *template,
                   struct bytes spki)
{
    struct buf der = { 0 };
    uint8_t serial[CA_SERIAL_SIZE], *again = NULL;
    X509 *certificate, *issuer = parse(ca->certificate);
    int len;

    cr_assert_eq(ca_issue(ca, template, spki, clock_now(), serial, &der), SKS_OK);
    certificate = parse(buf_bytes(&der));
    len = i2d_re_X509_tbs(certificate, &again);
    cr_assert(len > 0);
    OPENSSL_free(again);
    again = NULL;
    len = i2d_X509(certificate, &again);
    cr_assert(bytes_equal(bytes_at(again, (size_t)len), buf_bytes(&der)), "strict DER");
    OPENSSL_free(again);
    check_fields(certificate, spki, serial);
    verify_strictly(certificate, issuer);
    X509_free(issuer);
    buf_free(&der);
    return certificate;
}

static struct bytes extensions_of(const struct bytes_list *usages,
                                  const struct bytes_list *extendeds,
                                  const struct bytes_list *policies)
{
    struct buf out = { 0 };
    struct bytes der;

    cr_assert_eq(certificate_extensions(usages, extendeds, policies, &out), SKS_OK);
    der = arena_copy(&arena, buf_bytes(&out));
    buf_free(&out);
    return der;
}

static struct certificate_template plain_template(void)
{
    struct bytes usage = bytes_of("digitalSignature");
    const struct bytes_list usages = { &usage, 1 }, none = { 0 };
    struct certificate_template template = { .validity_days = 30 };

    cr_assert_eq(certificate_subject(bytes_of("CN=Test"), NULL, &arena, &template.subject, &err),
                 SKS_OK);
    template.extensions = extensions_of(&usages, &none, &none);
    return template;
}

Test(ca, every_kind_of_key)
{
    static const char *const KINDS[] = {
        P256_URI, RSA2048_URI, P384_URI, P521_URI, ED25519_URI,
    };
    struct certificate_template template = plain_template();

    for (size_t i = 0; i < NITEMS(KINDS); i++)
        X509_free(issue(&fixture.issuer.ca, &template, fixture_spki(KINDS[i], &arena)));
}

static void issue_keys(const struct json_array *keys)
{
    const struct key_profile *key = keys->item;

    for (size_t i = 0; i < keys->count; i++)
        X509_free(issue(&fixture.issuer.ca, &key[i].template,
                        fixture_spki(key[i].algorithm->uri, &arena)));
}

Test(ca, shipped_profiles)
{
    struct profile_list list;

    cr_assert_eq(profiles_load("issuer/profiles", &list, &err), SKS_OK, "%s", err.text);
    for (size_t i = 0; i < list.count; i++) {
        const struct profile *profile = &list.item[i];
        const struct puk_profile *puk = profile->puks.item;
        const struct pin_profile *pin = profile->pins.item;

        for (size_t j = 0; j < profile->puks.count; j++)
            for (size_t k = 0; k < puk[j].pins.count; k++)
                issue_keys(&((const struct pin_profile *)puk[j].pins.item)[k].keys);
        for (size_t j = 0; j < profile->pins.count; j++)
            issue_keys(&pin[j].keys);
        issue_keys(&profile->keys);
    }
    profiles_free(&list);
}

Test(ca, fields_of_the_template)
{
    struct bytes usage[] = { bytes_of("digitalSignature"), bytes_of("nonRepudiation") };
    struct bytes extended[] = { bytes_of("clientAuth"), bytes_of("1.2.3.4") };
    struct bytes policy[] = { bytes_of("2.23.140.1.2.1"), bytes_of("1.3.6.1.4.1.99999.1") };
    const struct bytes_list usages = { usage, 2 }, extendeds = { extended, 2 };
    const struct bytes_list policies = { policy, 2 };
    struct certificate_template template = plain_template();
    CERTIFICATEPOLICIES *named;
    EXTENDED_KEY_USAGE *eku;
    X509 *certificate;
    int critical, days, seconds;

    template.extensions = extensions_of(&usages, &extendeds, &policies);
    certificate = issue(&fixture.issuer.ca, &template, fixture_spki(P256_URI, &arena));
    cr_assert_eq(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
    eku = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    cr_assert(eku != NULL && critical == 0);
    cr_assert_eq(sk_ASN1_OBJECT_num(eku), 2);
    named = X509_get_ext_d2i(certificate, NID_certificate_policies, &critical, NULL);
    cr_assert(named != NULL && critical == 0 && sk_POLICYINFO_num(named) == 2);
    CERTIFICATEPOLICIES_free(named);
    cr_assert(X509_get0_subject_key_id(certificate) != NULL);
    cr_assert(X509_get0_authority_key_id(certificate) != NULL);
    cr_assert(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)));
    cr_assert(days == 29 || days == 30);
    sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
    X509_free(certificate);
}

Test(ca, not_longer_than_the_ca)
{
    struct certificate_template template = plain_template();
    X509 *certificate, *ca = parse(fixture.issuer.ca.certificate);
    struct buf der = { 0 };
    uint8_t serial[CA_SERIAL_SIZE];

    template.validity_days = 36500;
    certificate = issue(&fixture.issuer.ca, &template, fixture_spki(P256_URI, &arena));
    cr_assert_eq(ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(ca)), 0);
    cr_assert_eq(ca_issue(&fixture.issuer.ca, &template, fixture_spki(P256_URI, &arena),
                          fixture.issuer.ca.not_after, serial, &der),
                 SKS_ERROR_NOT_AVAILABLE);
    X509_free(certificate);
    X509_free(ca);
}

Test(ca, an_rsa_ca)
{
    struct certificate_template template = plain_template();
    EVP_PKEY *key = fixture_key(RSA2048_URI);
    X509 *certificate;
    struct ca ca;

    cr_assert_eq(own_certificate_make(&FIXTURE_CA, key, NULL, key, &certificate, &err), SKS_OK);
    cr_assert_eq(ca_load(&ca, &arena, key, certificate, &err), SKS_OK, "%s", err.text);
    X509_free(issue(&ca, &template, fixture_spki(P256_URI, &arena)));
    ca_free(&ca);
    EVP_PKEY_free(key);
    X509_free(certificate);
}

Test(ca, what_is_no_ca)
{
    static const struct own_certificate WHAT = {
        .common_name = "No CA",
        .days = 10,
        .extension = { { NID_basic_constraints, "critical,CA:FALSE" } },
    };
    EVP_PKEY *key = fixture_key(P256_URI), *other = fixture_key(P256_URI);
    X509 *certificate;
    struct ca ca;

    cr_assert_eq(own_certificate_make(&WHAT, key, NULL, key, &certificate, &err), SKS_OK);
    cr_assert_eq(ca_load(&ca, &arena, key, certificate, &err), SKS_ERROR_EXTERNAL);
    cr_assert(strstr(err.text, "not that of a CA") != NULL, "%s", err.text);
    cr_assert_eq(ca_load(&ca, &arena, other, certificate, &err), SKS_ERROR_EXTERNAL);
    cr_assert(strstr(err.text, "does not belong") != NULL, "%s", err.text);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    X509_free(certificate);
}

Test(ca, crl_distribution_point)
{
    static const char URL[] = "https://issuer.example:8443/crl";
    struct certificate_template template = plain_template();
    struct buf extension = { 0 };
    CRL_DIST_POINTS *points;
    const GENERAL_NAME *name;
    X509 *certificate;
    int critical;

    put_crl_distribution_point(&extension, URL);
    cr_assert_eq(extension.status, SKS_OK);
    template.own_extensions = buf_bytes(&extension);
    certificate = issue(&fixture.issuer.ca, &template, fixture_spki(P256_URI, &arena));
    points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, &critical, NULL);
    cr_assert(points != NULL && critical == 0 && sk_DIST_POINT_num(points) == 1);
    name = sk_GENERAL_NAME_value(sk_DIST_POINT_value(points, 0)->distpoint->name.fullname, 0);
    cr_assert_eq(name->type, GEN_URI);
    cr_assert_str_eq((const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), URL);
    CRL_DIST_POINTS_free(points);
    X509_free(certificate);
    buf_free(&extension);
}

/* ---- CRLs ---- */

Test(ca, crl)
{
    static const uint8_t SERIALS[][2] = { { 0x7F, 0xFF }, { 0x80, 0x01 } };
    const struct crl_entry entry[] = { { bytes_at(SERIALS[0], 2), 1700000000, REASON_HOLD },
                                       { bytes_at(SERIALS[1], 2), 1800000000, 0 } };
    X509 *ca = parse(fixture.issuer.ca.certificate);
    struct buf der = { 0 }, entries = { 0 };
    const uint8_t *p;
    ASN1_INTEGER *number, *serial = ASN1_INTEGER_new();
    X509_REVOKED *found = NULL;
    X509_CRL *crl;
    int64_t value;

    for (size_t i = 0; i < NITEMS(entry); i++)
        put_crl_entry(&entries, &entry[i]);
    cr_assert_eq(crl_make(&fixture.issuer.ca, buf_bytes(&entries), 0x80, clock_now(), 60, &der),
                 SKS_OK);
    p = der.ptr;
    crl = d2i_X509_CRL(NULL, &p, (long)der.len);
    cr_assert(crl != NULL && p == der.ptr + der.len);
    cr_assert_eq(X509_CRL_verify(crl, X509_get0_pubkey(ca)), 1);
    cr_assert_eq(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
    number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    cr_assert(number != NULL && ASN1_INTEGER_get_int64(&value, number) && value == 0x80);
    cr_assert_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 2);
    cr_assert(ASN1_INTEGER_set(serial, 0x8001) &&
              X509_CRL_get0_by_serial(crl, &found, serial) == 1);
    cr_assert_eq(X509_REVOKED_get_ext_count(found), 0, "unspecified is not said");
    cr_assert(ASN1_INTEGER_set(serial, 0x7FFF) &&
              X509_CRL_get0_by_serial(crl, &found, serial) == 1);
    cr_assert_eq(X509_REVOKED_get_ext_count(found), 1);
    ASN1_INTEGER_free(number);
    ASN1_INTEGER_free(serial);
    X509_CRL_free(crl);
    X509_free(ca);
    buf_free(&entries);
    buf_free(&der);
}

/* ---- names ---- */

Test(ca, subjects)
{
    static const char *const GOOD[] = {
        "CN=Anna",
        "CN=Anna,OU=Sales,O=Example\\, Inc.,C=SE",
        "emailAddress=a@b.example,CN=\xc3\x85sa",
        "CN=a\\\\b\\+c",
    };

    for (size_t i = 0; i < NITEMS(GOOD); i++) {
        struct bytes der = { 0 };
        const uint8_t *p;
        X509_NAME *name;

        cr_assert_eq(certificate_subject(bytes_of(GOOD[i]), NULL, &arena, &der, &err), SKS_OK,
                     "%s: %s", GOOD[i], err.text);
        p = der.ptr;
        name = d2i_X509_NAME(NULL, &p, (long)der.len);
        cr_assert_str_eq(certificate_name(&arena, name), GOOD[i], "it reads as it was written");
        X509_NAME_free(name);
    }
}

Test(ca, bad_subjects)
{
    static const char *const BAD[] = {
        "",          "Anna",     "=Anna",    "CN=",      "NOSUCHTYPE=x", "CN=a+OU=b",
        "CN=#0403",  "CN=\"a\"", "CN=a\\",   "CN=a\\zz", "C=Sweden",     "CN=a,",
        "CN=a,,O=b", "CN={",     "CN={a b}", "CN={}",    "CN={name",     "{name}=a",
    };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        struct bytes der = { 0 };

        cr_assert_eq(certificate_subject(bytes_of(BAD[i]), NULL, &arena, &der, &err),
                     SKS_ERROR_OPTION, "%s", BAD[i]);
    }
}

/* What the enrolment says cannot become another attribute, however it is written. */
Test(ca, subjects_from_the_enrolment)
{
    struct enrolment_value value[] = {
        { bytes_of("name"), bytes_of("Anna, O=Evil+x\\{y}") },
        { bytes_of("country"), bytes_of("Sweden") },
        { bytes_of("empty"), bytes_of("") },
    };
    const struct enrolment_values values = { value, NITEMS(value) };
    static const char *const BAD[] = { "CN={other}", "C={country}", "CN={empty}" };
    struct bytes der = { 0 };
    const uint8_t *p;
    X509_NAME *name;
    char text[64];

    cr_assert_eq(
        certificate_subject(bytes_of("CN=Dr. {name}!,O=Example"), &values, &arena, &der, &err),
        SKS_OK, "%s", err.text);
    p = der.ptr;
    name = d2i_X509_NAME(NULL, &p, (long)der.len);
    cr_assert_eq(X509_NAME_entry_count(name), 2);
    cr_assert(X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text) > 0);
    cr_assert_str_eq(text, "Dr. Anna, O=Evil+x\\{y}!");
    X509_NAME_free(name);
    for (size_t i = 0; i < NITEMS(BAD); i++)
        cr_assert_eq(certificate_subject(bytes_of(BAD[i]), &values, &arena, &der, &err),
                     SKS_ERROR_OPTION, "%s", BAD[i]);
}

static enum sks_status alt_name(const char *text, const struct enrolment_values *values,
                                struct buf *out)
{
    struct bytes name = bytes_of(text);
    const struct bytes_list names = { &name, 1 };

    buf_reset(out);
    return certificate_alt_names(&names, values, out, &err);
}

Test(ca, alternative_names)
{
    static const char *const GOOD[] = {
        "email:a@b.example", "DNS:*.b.example", "URI:urn:uuid:1", "IP:127.0.0.1", "IP:::1",
        "email:{mail}",      "DNS:{host}",
    };
    static const char *const BAD[] = {
        "",          "a@b.example",      "email:",         "email:a",      "email:a@b c",
        "DNS:a/b",   "DNS:a..b",         "IP:1.2.3",       "URI:nothing",  "dirName:x",
        "RID:1.2.3", "email:\xc3\xa5@b", "email:{no mail", "email:{none}", "DNS:{mail}",
    };
    struct enrolment_value value[] = { { bytes_of("mail"), bytes_of("anna@b.example") },
                                       { bytes_of("host"), bytes_of("h.b.example") } };
    const struct enrolment_values values = { value, NITEMS(value) };
    struct buf out = { 0 };

    for (size_t i = 0; i < NITEMS(GOOD); i++) {
        cr_assert_eq(alt_name(GOOD[i], &values, &out), SKS_OK, "%s: %s", GOOD[i], err.text);
        cr_assert(out.len > 0);
    }
    for (size_t i = 0; i < NITEMS(BAD); i++)
        cr_assert_eq(alt_name(BAD[i], &values, &out), SKS_ERROR_OPTION, "%s", BAD[i]);
    cr_assert_eq(alt_name("DNS:{host}", NULL, &out), SKS_OK);
    cr_assert_eq(out.len, 0, "nothing is known yet");
    cr_assert_eq(alt_name("DNS:a/b", NULL, &out), SKS_ERROR_OPTION);
    buf_free(&out);
}
