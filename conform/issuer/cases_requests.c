/* What the issuer's messages say, beyond their syntax: values that are fresh, in range, and true.
 */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define KNOWN (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST))
#define WHOLE (KNOWN | NEEDS(HAS_KEYS) | NEEDS(HAS_END))
#define OLD (NEEDS(HAS_2010) | NEEDS(HAS_TRUST))

enum { CLOCKS_APART = 300 /* seconds */, SERIAL_MIN = 8, SERIAL_MAX = 20 /* octets */ };

/* A message is looked at when it has come and its own checks by the double were good. */
struct look {
    enum visit_at at;
    enum sks_status (*at_it)(struct visit *visit);
};

static enum sks_status look_at(struct check *check, void *end, const void *row)
{
    const struct look *look = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, look->at));
    TRY(visit_answer(&v));
    rc = look->at_it(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status fine(struct visit *v)
{
    (void)v;
    return SKS_OK;
}

/* ---- values that must differ from session to session ---- */

static struct bytes server_session_id(const struct visit *v)
{
    return v->invocation.server_session_id;
}

static struct bytes server_ephemeral_key(const struct visit *v)
{
    return v->initialization.server_ephemeral_key;
}

static struct bytes server_public_key(const struct visit *v)
{
    return v->initialization.server_public_key;
}

static struct bytes key_mac(const struct visit *v)
{
    return v->key[0].mac;
}

static struct bytes nonce(const struct visit *v)
{
    return v->finalization.session_close_data->nonce;
}

static struct bytes puk(const struct visit *v)
{
    const struct puk_policy_specifier *policy = v->creation.puk_policy_specifiers.item;

    return policy == NULL ? (struct bytes){ 0 } : policy->policy.encrypted_puk;
}

static struct bytes preset_pin(const struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++)
        if (v->key[i].specifier->has_encrypted_pin)
            return v->key[i].specifier->key.pin_value;
    return (struct bytes){ 0 };
}

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

static struct bytes serial(const struct visit *v)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;

    return serial_of((struct visit *)(uintptr_t)v, issued->certificate_path.item[0]);
}

struct fresh {
    enum visit_at at;
    const char *field;
    struct bytes (*value)(const struct visit *visit);
};

static enum sks_status is_fresh(struct check *check, void *end, const void *row)
{
    const struct fresh *fresh = row;
    struct visit v[3] = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(v); i++) {
        TRY(visit_begin(&v[i], end, check, check->item->needs));
        TRY(visit_until(&v[i], fresh->at));
        TRY(visit_answer(&v[i]));
        for (size_t k = 0; k < i; k++)
            TRY(expect_true(check,
                            fresh->value(&v[i]).len > 0 &&
                                !bytes_equal(fresh->value(&v[i]), fresh->value(&v[k])),
                            fresh->field, "one of its own for each session", "the same twice"));
    }
out:
    for (size_t i = 0; i < NITEMS(v); i++)
        visit_free(&v[i]);
    return rc;
}

/* ---- InvocationRequest, ProvisioningInitializationRequest ---- */

static enum sks_status id_length(struct visit *v)
{
    return expect_true(v->check, v->invocation.server_session_id.len >= 16,
                       "InvocationRequest: serverSessionId", "16 characters or more", "fewer");
}

static enum sks_status server_time(struct visit *v)
{
    int64_t apart = v->initialization.server_time.seconds - clock_now();

    return expect_true(v->check, apart >= -CLOCKS_APART && apart <= CLOCKS_APART,
                       "ProvisioningInitializationRequest: serverTime", "the time",
                       arena_printf(&v->check->arena, "%.*s",
                                    (int)v->initialization.server_time.text.len,
                                    (const char *)v->initialization.server_time.text.ptr));
}

static enum sks_status ephemeral_curve(struct visit *v)
{
    struct public_key key;

    if (public_key_parse(v->initialization.server_ephemeral_key, &key) != SKS_OK ||
        key.kind != KEY_KIND_EC)
        return check_fail(v->check, "serverEphemeralKey", "an EC key", "another");
    return SKS_OK;
}

static enum sks_status rsa_server_key(struct visit *v)
{
    struct public_key key;

    if (public_key_parse(v->initialization.server_public_key, &key) != SKS_OK ||
        key.kind != KEY_KIND_RSA)
        return check_fail(v->check, "serverPublicKey", "an RSA key", "another");
    return expect_true(v->check,
                       public_key_bits(&key) >= SESSION_2010_RSA_MIN &&
                           public_key_bits(&key) <= SESSION_2010_RSA_MAX,
                       "serverPublicKey", "2048 to 4096 bits", "another size");
}

static enum sks_status ids_of_2010(struct visit *v)
{
    return expect_number(v->check, "serverSessionId: characters", SKS_SESSION_ID_2010,
                         v->invocation.server_session_id.len);
}

static enum sks_status no_kmk(struct visit *v)
{
    return expect_number(v->check, "keyManagementKey: octets", 0,
                         v->initialization.key_management_key.len);
}

static enum sks_status limit_of_2010(struct visit *v)
{
    return expect_number(v->check, "sessionKeyLimit", UINT16_MAX,
                         v->initialization.session_key_limit);
}

/* Post operations of later sessions need the same key, or a roll-over to another. */
static enum sks_status same_kmk(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 }, other = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    TRY(visit_ready(&other, end, check, check->item->needs, AT_INITIALIZATION));
    rc = expect_bytes(check, "keyManagementKey of two sessions",
                      v.initialization.key_management_key, other.initialization.key_management_key);
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

/* ---- KeyCreationRequest ---- */

static enum sks_status pin_lengths(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++)
        if (v->key[i].pin != NULL &&
            v->key[i].pin->policy.min_length > v->key[i].pin->policy.max_length)
            return check_fail(v->check, "pinPolicySpecifier", "minLength up to maxLength",
                              "%u and %u", v->key[i].pin->policy.min_length,
                              v->key[i].pin->policy.max_length);
    return SKS_OK;
}

static enum sks_status endorsed_fit(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct key_entry *key = &v->key[i].specifier->key;
        const struct algorithm *made =
            algorithm_by_uri(key->key_algorithm, ALGORITHM_KEY_GENERATION);

        for (size_t k = 0; k < key->endorsed_algorithms.count; k++) {
            const struct algorithm *each =
                algorithm_by_uri(key->endorsed_algorithms.item[k], ALGORITHM_ENDORSABLE);

            if (each->kind != made->kind && each->kind != KEY_KIND_SYMMETRIC &&
                each->kind != KEY_KIND_NONE)
                return check_fail(v->check, "endorsedAlgorithms", "algorithms of such a key", "%s",
                                  each->uri);
        }
    }
    return SKS_OK;
}

static enum sks_status endorsed_once(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct bytes_list *list = &v->key[i].specifier->key.endorsed_algorithms;

        for (size_t k = 0; k < list->count; k++)
            for (size_t m = 0; m < k; m++)
                if (bytes_equal(list->item[k], list->item[m]))
                    return check_fail(v->check, "endorsedAlgorithms", "each once", "%.*s twice",
                                      (int)list->item[k].len, (const char *)list->item[k].ptr);
    }
    return SKS_OK;
}

static enum sks_status strong_keys(struct visit *v)
{
    for (size_t i = 0; i < v->keys; i++) {
        const struct algorithm *made =
            algorithm_by_uri(v->key[i].specifier->key.key_algorithm, ALGORITHM_KEY_GENERATION);

        if (made->kind == KEY_KIND_RSA && made->size < 2048)
            return check_fail(v->check, "keyAlgorithm", "RSA of 2048 bits or more", "%s",
                              made->uri);
    }
    return SKS_OK;
}

/* ---- ProvisioningFinalizationRequest: the certificates ---- */

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

static enum sks_status nonce_length(struct visit *v)
{
    return expect_number(v->check, "sessionCloseData: octets of the nonce", SKS_NONCE_MAX,
                         v->finalization.session_close_data->nonce.len);
}

/* ---- the list ---- */

#define LOOK(id, title, section, level, features, at, function)                                    \
    {                                                                                              \
        id, title, section, level, features, false, false, look_at, &(const struct look)           \
        {                                                                                          \
            at, function                                                                           \
        }                                                                                          \
    }
#define FRESH(id, title, section, features, at, function)                                          \
    {                                                                                              \
        id, title, section, LEVEL_MUST, features, false, false, is_fresh, &(const struct fresh)    \
        {                                                                                          \
            at, id, function                                                                       \
        }                                                                                          \
    }
#define INVOCATION(name) "InvocationRequest." name
#define INITIALIZATION(name) "ProvisioningInitializationRequest." name
#define CREATION(name) "KeyCreationRequest." name
#define FINALIZATION(name) "ProvisioningFinalizationRequest." name

static const struct conform_case CASES[] = {
    LOOK(INVOCATION("syntax"), "as the text has it, and nothing else", "KeyGen2; http 5",
         LEVEL_MUST, 0, AT_INVOCATION, fine),
    LOOK(INVOCATION("id-length"), "serverSessionId is too long to be guessed", "http 5",
         LEVEL_SHOULD, 0, AT_INVOCATION, id_length),
    FRESH(INVOCATION("id-fresh"), "serverSessionId is another one each time", "SKS; http 5", 0,
          AT_INVOCATION, server_session_id),
    LOOK(INITIALIZATION("syntax"), "as the text has it, of this session, keys on known curves",
         "KeyGen2; http 5", LEVEL_MUST, 0, AT_INITIALIZATION, fine),
    LOOK(INITIALIZATION("server-time"), "serverTime is the time", "http 5", LEVEL_SHOULD, 0,
         AT_INITIALIZATION, server_time),
    LOOK(INITIALIZATION("ephemeral-curve"), "serverEphemeralKey is an EC key",
         "SKS createProvisioningSession", LEVEL_MUST, NEEDS(HAS_SESSION_1), AT_INITIALIZATION,
         ephemeral_curve),
    FRESH(INITIALIZATION("ephemeral-fresh"), "serverEphemeralKey is another one each time",
          "SKS createProvisioningSession", NEEDS(HAS_SESSION_1), AT_INITIALIZATION,
          server_ephemeral_key),
    { INITIALIZATION("same-key-management-key"), "keyManagementKey stays the same",
      "SKS Key Management", LEVEL_SHOULD, NEEDS(HAS_SESSION_1) | NEEDS(HAS_KMK), false, false,
      same_kmk, NULL },
    LOOK(INITIALIZATION("draft-2010-server-key"), "serverPublicKey is RSA of 2048 to 4096 bits",
         "2010 9", LEVEL_MUST, OLD, AT_INITIALIZATION, rsa_server_key),
    FRESH(INITIALIZATION("draft-2010-fresh"), "serverPublicKey is another one each time", "2010 10",
          OLD, AT_INITIALIZATION, server_public_key),
    LOOK(INITIALIZATION("draft-2010-id"), "serverSessionId has 32 characters", "2010 9", LEVEL_MUST,
         OLD, AT_INITIALIZATION, ids_of_2010),
    LOOK(INITIALIZATION("draft-2010-no-key-management-key"), "there is no keyManagementKey",
         "2010 9", LEVEL_MUST, OLD, AT_INITIALIZATION, no_kmk),
    LOOK(INITIALIZATION("draft-2010-limit"), "sessionKeyLimit is 65535", "2010 9", LEVEL_MUST, OLD,
         AT_INITIALIZATION, limit_of_2010),
    LOOK(CREATION("macs"), "ids, algorithm, MACs in their order with counters from 0",
         "SKS MAC Operations; http 5", LEVEL_MUST, NEEDS(HAS_KEYS), AT_CREATION, fine),
    FRESH(CREATION("mac-fresh"), "the MAC of createKeyEntry is another one each time",
          "SKS MAC Operations", WHOLE, AT_CREATION, key_mac),
    LOOK(CREATION("pin-lengths"), "minLength is not above maxLength", "SKS createPinPolicy",
         LEVEL_MUST, NEEDS(HAS_PIN_POLICY), AT_CREATION, pin_lengths),
    LOOK(CREATION("endorsed-fit"), "endorsed algorithms fit the key or what is imported over it",
         "SKS createKeyEntry", LEVEL_SHOULD, NEEDS(HAS_ENDORSED), AT_CREATION, endorsed_fit),
    LOOK(CREATION("endorsed-once"), "no algorithm is endorsed twice", "SKS createKeyEntry",
         LEVEL_SHOULD, NEEDS(HAS_ENDORSED), AT_CREATION, endorsed_once),
    LOOK(CREATION("strong-keys"), "no RSA keys below 2048 bits", "SP 800-131A", LEVEL_SHOULD,
         NEEDS(HAS_KEYS), AT_CREATION, strong_keys),
    FRESH(CREATION("puk-fresh"), "encryptedPuk is another text each time", "SKS Encrypted Data",
          NEEDS(HAS_PUK_POLICY), AT_CREATION, puk),
    FRESH(CREATION("pin-fresh"), "encryptedPin is another text each time", "SKS Encrypted Data",
          NEEDS(HAS_PRESET_PIN), AT_CREATION, preset_pin),
    LOOK(FINALIZATION("macs"), "ids, a credential for each key, MACs in their order, the close",
         "SKS MAC Operations; http 5", LEVEL_MUST, WHOLE, AT_FINALIZATION, fine),
    FRESH(FINALIZATION("nonce-fresh"), "the nonce of the close is another one each time",
          "SKS closeProvisioningSession", WHOLE, AT_FINALIZATION, nonce),
    LOOK(FINALIZATION("nonce-length"), "the nonce has 32 octets", "SKS closeProvisioningSession",
         LEVEL_SHOULD, WHOLE, AT_FINALIZATION, nonce_length),
    LOOK(FINALIZATION("path"), "certificates in their order, each signed by the next",
         "SKS setCertificatePath", LEVEL_MUST, WHOLE, AT_FINALIZATION, paths),
    LOOK(FINALIZATION("version"), "certificates of version 3", "RFC 5280, 4.1.2.1", LEVEL_SHOULD,
         WHOLE, AT_FINALIZATION, versions),
    LOOK(FINALIZATION("validity"), "certificates are valid now", "RFC 5280, 4.1.2.5", LEVEL_MUST,
         WHOLE, AT_FINALIZATION, validities),
    LOOK(FINALIZATION("no-ca"), "certificates are of no CA", "RFC 5280, 4.2.1.9", LEVEL_MUST, WHOLE,
         AT_FINALIZATION, end_entities),
    LOOK(FINALIZATION("serial"), "serial numbers are positive, of 8 to 20 octets",
         "RFC 5280, 4.1.2.2", LEVEL_SHOULD, WHOLE, AT_FINALIZATION, serials),
    FRESH(FINALIZATION("serial-fresh"), "serial numbers differ from session to session",
          "RFC 5280, 4.1.2.2", WHOLE, AT_FINALIZATION, serial),
    LOOK(FINALIZATION("serials-differ"), "serial numbers differ in a session", "RFC 5280, 4.1.2.2",
         LEVEL_MUST, WHOLE | NEEDS(HAS_TWO_KEYS), AT_FINALIZATION, serials_differ),
    LOOK(FINALIZATION("digest"), "certificates are signed with no weak digest", "SP 800-131A",
         LEVEL_MUST, WHOLE, AT_FINALIZATION, digests),
    LOOK(FINALIZATION("subject"), "certificates name their subject", "RFC 5280, 4.1.2.6",
         LEVEL_SHOULD, WHOLE, AT_FINALIZATION, subjects),
    LOOK(FINALIZATION("key-usage"), "keyUsage fits appUsage", "RFC 5280, 4.2.1.3", LEVEL_SHOULD,
         WHOLE, AT_FINALIZATION, usages),
    LOOK(FINALIZATION("key-usage-ca"), "keyUsage is of no CA", "RFC 5280, 4.2.1.3", LEVEL_MUST,
         WHOLE, AT_FINALIZATION, no_ca_usages),
    LOOK(FINALIZATION("authority"), "certificates name the key of their issuer",
         "RFC 5280, 4.2.1.1", LEVEL_SHOULD, WHOLE, AT_FINALIZATION, authorities),
};

void issuer_cases_of_requests(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
