/* The certificates that the issuer makes: each for its key, and as RFC 5280 wants them. */
#include "conform/issuer/families.h"
#include "conform/issuer/look.h"

#include "keygen2/crypto/certificate.h"

#include <openssl/x509v3.h>

#define WHOLE (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST) | NEEDS(HAS_KEYS) | NEEDS(HAS_END))

enum { SERIAL_MIN = 8, SERIAL_MAX = 20 /* octets */ };

static struct bytes serial_of(struct visit *v, struct bytes der)
{
    X509 *x509 = NULL;
    struct bytes serial = { 0 };

    if (certificate_parse(der, &x509) == SKS_OK) {
        const ASN1_INTEGER *number = X509_get0_serialNumber(x509);

        serial = arena_copy(&v->check->arena, bytes_at(ASN1_STRING_get0_data(number),
                                                       (size_t)ASN1_STRING_length(number)));
    }
    X509_free(x509);
    return serial;
}

static struct bytes serial(struct visit *v)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;

    return serial_of(v, issued->certificate_path.item[0]);
}

typedef enum sks_status look_at_certificate(struct visit *v, const struct visit_key *key,
                                            X509 *certificate);

static enum sks_status each_certificate(struct visit *v, look_at_certificate *at_it)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < v->keys && rc == SKS_OK; i++) {
        const uint8_t *der = issued[i].certificate_path.item[0].ptr;
        X509 *x509 = d2i_X509(NULL, &der, (long)issued[i].certificate_path.item[0].len);

        rc = x509 == NULL ? check_fail(v->check, "certificatePath", "a certificate", "another text")
                          : at_it(v, &v->key[i], x509);
        X509_free(x509);
    }
    return rc;
}

static enum sks_status is_version_3(struct visit *v, const struct visit_key *key, X509 *x)
{
    (void)key;
    return expect_number(v->check, "certificate: version", 3, (uint64_t)X509_get_version(x) + 1);
}

static enum sks_status is_valid_now(struct visit *v, const struct visit_key *key, X509 *x)
{
    (void)key;
    return expect_true(v->check,
                       X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
                           X509_cmp_current_time(X509_get0_notAfter(x)) > 0,
                       "certificate: validity", "that it is valid now", "another time");
}

static enum sks_status is_no_ca(struct visit *v, const struct visit_key *key, X509 *x)
{
    (void)key;
    return expect_true(v->check, X509_check_ca(x) == 0, "certificate: basicConstraints", "no CA",
                       "a CA");
}

static enum sks_status has_serial(struct visit *v, const struct visit_key *key, X509 *x)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(x);
    int len = ASN1_STRING_length(number);

    (void)key;
    return expect_true(
        v->check,
        ASN1_STRING_type(number) == V_ASN1_INTEGER && len >= SERIAL_MIN && len <= SERIAL_MAX,
        "certificate: serialNumber", "positive, of 8 to 20 octets",
        arena_printf(&v->check->arena, "%s of %d octets",
                     ASN1_STRING_type(number) == V_ASN1_INTEGER ? "one" : "a negative one", len));
}

static enum sks_status has_strong_digest(struct visit *v, const struct visit_key *key, X509 *x)
{
    int digest = NID_undef;
    bool known = X509_get_signature_info(x, &digest, NULL, NULL, NULL) == 1;

    (void)key;
    return expect_true(v->check, known && digest != NID_md5 && digest != NID_sha1,
                       "certificate: signature", "a digest of SHA-2 or better", "a weaker one");
}

static enum sks_status has_subject(struct visit *v, const struct visit_key *key, X509 *x)
{
    (void)key;
    return expect_true(v->check, X509_NAME_entry_count(X509_get_subject_name(x)) > 0,
                       "certificate: subject", "a name", "an empty one");
}

/* appUsage says what the holder may do with the key, keyUsage what others take it for. */
static enum sks_status usage_fits(struct visit *v, const struct visit_key *key, X509 *x)
{
    uint32_t usage = X509_get_key_usage(x);
    uint8_t wanted = key->specifier->key.app_usage;
    const uint32_t signs = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;
    const uint32_t encrypts = KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT;
    uint32_t any = wanted == APP_USAGE_SIGNATURE || wanted == APP_USAGE_AUTHENTICATION ? signs
                   : wanted == APP_USAGE_ENCRYPTION                                    ? encrypts
                                                                                       : UINT32_MAX;

    return expect_true(v->check, (usage & any) != 0, "certificate: keyUsage",
                       "one that fits the key's appUsage",
                       arena_printf(&v->check->arena, "%04x", usage));
}

static enum sks_status no_ca_usage(struct visit *v, const struct visit_key *key, X509 *x)
{
    uint32_t usage = X509_get_key_usage(x);

    (void)key;
    return expect_true(v->check,
                       usage == UINT32_MAX || (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) == 0,
                       "certificate: keyUsage", "no keyCertSign, no cRLSign", "one of them");
}

static enum sks_status names_authority(struct visit *v, const struct visit_key *key, X509 *x)
{
    (void)key;
    return expect_true(v->check, X509_get0_authority_key_id(x) != NULL,
                       "certificate: authorityKeyIdentifier", "one", "none");
}

#define EACH(name, function)                                                                       \
    static enum sks_status name(struct visit *v)                                                   \
    {                                                                                              \
        return each_certificate(v, function);                                                      \
    }
EACH(versions, is_version_3)
EACH(validities, is_valid_now)
EACH(end_entities, is_no_ca)
EACH(serials, has_serial)
EACH(digests, has_strong_digest)
EACH(subjects, has_subject)
EACH(usages, usage_fits)
EACH(no_ca_usages, no_ca_usage)
EACH(authorities, names_authority)

static enum sks_status paths(struct visit *v)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;
    struct sks_error err = { 0 };

    for (size_t i = 0; i < v->keys; i++)
        if (certificate_path_check(&issued[i].certificate_path, true, &err) != SKS_OK)
            return check_fail(v->check, "certificatePath",
                              "each certificate signed by the next one", "%s", err.text);
    return SKS_OK;
}

static enum sks_status serials_differ(struct visit *v)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;

    for (size_t i = 0; i < v->keys; i++)
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(serial_of(v, issued[i].certificate_path.item[0]),
                            serial_of(v, issued[k].certificate_path.item[0])))
                return check_fail(v->check, "certificate: serialNumber", "one for each",
                                  "the same twice");
    return SKS_OK;
}

/* ---- the list ---- */

#define FINALIZATION(name) "ProvisioningFinalizationRequest." name

static const struct conform_case CASES[] = {
    LOOK(FINALIZATION("path"), "certificates in their order, each signed by the next",
         "SKS setCertificatePath", LEVEL_MUST, WHOLE, AT_FINALIZATION, paths),
    LOOK(FINALIZATION("version"), "certificates of version 3", "RFC 5280, 4.1.2.1", LEVEL_SHOULD,
         WHOLE, AT_FINALIZATION, versions),
    LOOK(FINALIZATION("validity"), "certificates are valid now", "RFC 5280, 4.1.2.5", LEVEL_MUST,
         WHOLE, AT_FINALIZATION, validities),
    LOOK(FINALIZATION("no-ca"), "certificates are of no CA", "RFC 5280, 4.2.1.9", LEVEL_MUST, WHOLE,
         AT_FINALIZATION, end_entities),
    LOOK(FINALIZATION("serial"), "serial numbers are positive, of 8 to 20 octets",
         "RFC 5280, 4.1.2.2; practice", LEVEL_SHOULD, WHOLE, AT_FINALIZATION, serials),
    FRESH(FINALIZATION("serial-fresh"), "serial numbers differ from session to session",
          "RFC 5280, 4.1.2.2", WHOLE, AT_FINALIZATION, serial),
    LOOK(FINALIZATION("serials-differ"), "serial numbers differ in a session", "RFC 5280, 4.1.2.2",
         LEVEL_MUST, WHOLE | NEEDS(HAS_TWO_KEYS), AT_FINALIZATION, serials_differ),
    LOOK(FINALIZATION("digest"), "certificates are signed with no weak digest", "SP 800-131A",
         LEVEL_SHOULD, WHOLE, AT_FINALIZATION, digests),
    LOOK(FINALIZATION("subject"), "certificates name their subject", "RFC 5280, 4.1.2.6",
         LEVEL_SHOULD, WHOLE, AT_FINALIZATION, subjects),
    LOOK(FINALIZATION("key-usage"), "keyUsage fits appUsage", "RFC 5280, 4.2.1.3", LEVEL_SHOULD,
         WHOLE, AT_FINALIZATION, usages),
    LOOK(FINALIZATION("key-usage-ca"), "keyUsage is of no CA", "RFC 5280, 4.2.1.3", LEVEL_MUST,
         WHOLE, AT_FINALIZATION, no_ca_usages),
    LOOK(FINALIZATION("authority"), "certificates name the key of their issuer",
         "RFC 5280, 4.2.1.1", LEVEL_SHOULD, WHOLE, AT_FINALIZATION, authorities),
};

void issuer_cases_of_certificates(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
