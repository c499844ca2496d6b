#include "issuer/ca.h"
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

static struct certificate_template plain_template(void)
{
    struct bytes usage = bytes_of("digitalSignature");
    const struct bytes_list usages = { &usage, 1 }, none = { 0 };
    struct certificate_template template = { .validity_days = 30 };

    cr_assert_eq(certificate_subject(bytes_of("CN=Test"), &arena, &template.subject, &err), SKS_OK);
    cr_assert_eq(certificate_extensions(&usages, &none, &arena, &template.extensions), SKS_OK);
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
    const struct bytes_list usages = { usage, 2 }, extendeds = { extended, 2 };
    struct certificate_template template = plain_template();
    EXTENDED_KEY_USAGE *eku;
    X509 *certificate;
    int critical, days, seconds;

    cr_assert_eq(certificate_extensions(&usages, &extendeds, &arena, &template.extensions), SKS_OK);
    certificate = issue(&fixture.issuer.ca, &template, fixture_spki(P256_URI, &arena));
    cr_assert_eq(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
    eku = X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    cr_assert(eku != NULL && critical == 0);
    cr_assert_eq(sk_ASN1_OBJECT_num(eku), 2);
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

        cr_assert_eq(certificate_subject(bytes_of(GOOD[i]), &arena, &der, &err), SKS_OK, "%s: %s",
                     GOOD[i], err.text);
        p = der.ptr;
        name = d2i_X509_NAME(NULL, &p, (long)der.len);
        cr_assert_str_eq(certificate_name(&arena, name), GOOD[i], "it reads as it was written");
        X509_NAME_free(name);
    }
}

Test(ca, bad_subjects)
{
    static const char *const BAD[] = {
        "",         "Anna",   "=Anna",    "CN=",      "NOSUCHTYPE=x", "CN=a+OU=b", "CN=#0403",
        "CN=\"a\"", "CN=a\\", "CN=a\\zz", "C=Sweden", "CN=a,",        "CN=a,,O=b",
    };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        struct bytes der = { 0 };

        cr_assert_eq(certificate_subject(bytes_of(BAD[i]), &arena, &der, &err), SKS_ERROR_OPTION,
                     "%s", BAD[i]);
    }
}
