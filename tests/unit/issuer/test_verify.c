#include "issuer/profile.h"
#include "issuer/verify.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/pem.h"
#include "tests/unit/support/issuer/issuer_fixture.h"
#include "tests/unit/support/kat.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>

static struct arena arena;
static struct sks_error err;
static X509_STORE *store;
static const struct device_trust *trust; /* NULL: the strict default */
static EVP_PKEY *root_key, *device_key;
static X509 *root;

static const struct own_certificate DEVICE = {
    .common_name = "Device",
    .days = 10,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,digitalSignature" } },
};

static X509 *certify(const struct own_certificate *what, EVP_PKEY *key, X509 *issuer,
                     EVP_PKEY *issuer_key)
{
    X509 *certificate;

    cr_assert_eq(own_certificate_make(what, key, issuer, issuer_key, &certificate, &err), SKS_OK);
    return certificate;
}

static struct bytes der_of(X509 *certificate)
{
    struct bytes der = certificate_der(&arena, certificate);

    X509_free(certificate);
    return der;
}

static void set_up(void)
{
    trust = NULL;
    root_key = fixture_key(P256_URI);
    device_key = fixture_key(P256_URI);
    root = certify(&FIXTURE_CA, root_key, NULL, root_key);
    store = X509_STORE_new();
    cr_assert(X509_STORE_add_cert(store, root) > 0);
}

static void tear_down(void)
{
    X509_STORE_free(store);
    X509_free(root);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(device_key);
    arena_free(&arena);
}

TestSuite(verify, .init = set_up, .fini = tear_down);

static enum sks_status check(struct bytes *der, size_t count)
{
    const struct bytes_list path = { der, count };
    struct verified_device device;
    enum sks_status rc = verify_device_path(store, &path, trust, clock_now(), &device, &err);

    cr_assert_eq(device.key == NULL, rc != SKS_OK);
    verified_device_clear(&device);
    return rc;
}

static void assert_not_trusted(struct bytes *der, size_t count, const char *why)
{
    cr_assert_eq(check(der, count), SKS_ERROR_AUTHORIZATION, "%s", why);
    cr_assert(strstr(err.text, why) != NULL, "%s", err.text);
}

Test(verify, device_paths)
{
    EVP_PKEY *middle_key = fixture_key(P384_URI);
    struct own_certificate what = FIXTURE_CA;
    struct bytes path[3];
    X509 *middle;

    what.common_name = "Middle";
    middle = certify(&what, middle_key, root, root_key);
    path[0] = der_of(certify(&DEVICE, device_key, root, root_key));
    cr_assert_eq(check(path, 1), SKS_OK, "%s", err.text);
    path[0] = der_of(certify(&DEVICE, device_key, middle, middle_key));
    path[1] = certificate_der(&arena, middle);
    path[2] = certificate_der(&arena, root);
    cr_assert_eq(check(path, 2), SKS_OK, "%s", err.text);
    cr_assert_eq(check(path, 3), SKS_OK, "%s", err.text);
    assert_not_trusted(path, 1, "not trusted");
    assert_not_trusted(path, 0, "1-10");
    cr_assert(X509_STORE_add_cert(store, middle) > 0);
    cr_assert_eq(check(path, 1), SKS_OK, "a sub CA in the folder is trusted as it is");
    X509_free(middle);
    EVP_PKEY_free(middle_key);
}

Test(verify, a_pinned_device)
{
    X509 *device = certify(&DEVICE, device_key, NULL, device_key);
    struct bytes path = certificate_der(&arena, device);

    assert_not_trusted(&path, 1, "not trusted");
    cr_assert(X509_STORE_add_cert(store, device) > 0);
    cr_assert_eq(check(&path, 1), SKS_OK, "%s", err.text);
    X509_free(device);
}

Test(verify, paths_of_more_than_ten)
{
    struct bytes path[11];

    for (size_t i = 0; i < NITEMS(path); i++)
        path[i] = certificate_der(&arena, root);
    assert_not_trusted(path, NITEMS(path), "1-10");
}

Test(verify, expired_devices)
{
    struct own_certificate what = DEVICE;
    struct bytes path;

    what.days = -1;
    path = der_of(certify(&what, device_key, root, root_key));
    assert_not_trusted(&path, 1, "expired");
}

Test(verify, weak_devices)
{
    EVP_PKEY *weak = fixture_key(RSA1024_URI);
    struct bytes path = der_of(certify(&DEVICE, weak, root, root_key));

    assert_not_trusted(&path, 1, "too weak");
    trust = &(struct device_trust){ .minimum_rsa_bits = 1024 };
    cr_assert_eq(check(&path, 1), SKS_OK, "%s", err.text);
    trust = &(struct device_trust){ .minimum_rsa_bits = 1536 };
    assert_not_trusted(&path, 1, "an RSA key under 1536 bits");
    EVP_PKEY_free(weak);
}

Test(verify, devices_signed_with_sha1)
{
    X509 *device = certify(&DEVICE, device_key, root, root_key);
    struct bytes path;

    cr_assert(X509_sign(device, root_key, EVP_sha1()) > 0);
    path = der_of(device);
    assert_not_trusted(&path, 1, "too weak");
    trust = &(struct device_trust){ .minimum_rsa_bits = 1024 };
    assert_not_trusted(&path, 1, "a digest that is too weak");
    trust = &(struct device_trust){ .minimum_rsa_bits = 1024, .sha1 = true };
    cr_assert_eq(check(&path, 1), SKS_OK, "%s", err.text);
}

/* A profile names RSA and SHA-1: other weak keys and digests are none that it lets pass. */
Test(verify, a_lax_profile_and_other_weakness)
{
    EVP_PKEY *small = EVP_EC_gen("prime192v1"), *pss = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    struct bytes path;
    X509 *device;

    trust = &(struct device_trust){ .minimum_rsa_bits = 2048, .sha1 = true };
    path = der_of(certify(&DEVICE, small, root, root_key));
    assert_not_trusted(&path, 1, "a key that is too weak");
    cr_assert(EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024) > 0 &&
              EVP_PKEY_generate(ctx, &pss) > 0);
    path = der_of(certify(&DEVICE, pss, root, root_key));
    assert_not_trusted(&path, 1, "an RSA key under 2048 bits");
    EVP_PKEY_free(root_key);
    root_key = fixture_key(RSA2048_URI);
    X509_free(root);
    root = certify(&FIXTURE_CA, root_key, NULL, root_key);
    cr_assert(X509_STORE_add_cert(store, root) > 0);
    device = certify(&DEVICE, device_key, root, root_key);
    cr_assert(X509_sign(device, root_key, EVP_ripemd160()) > 0);
    path = der_of(device);
    assert_not_trusted(&path, 1, "a digest that is too weak");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(small);
    EVP_PKEY_free(pss);
}

/* What a profile lets pass is no more than that. */
Test(verify, a_lax_profile_is_still_strict)
{
    EVP_PKEY *other_key = fixture_key(P256_URI);
    X509 *other = certify(&FIXTURE_CA, other_key, NULL, other_key);
    struct bytes path = der_of(certify(&DEVICE, device_key, other, other_key));

    trust = &(struct device_trust){ .minimum_rsa_bits = 1024, .sha1 = true };
    assert_not_trusted(&path, 1, "not trusted");
    X509_free(other);
    EVP_PKEY_free(other_key);
}

/* One that a CA has issued which is not trusted itself. */
Test(verify, a_pinned_device_of_a_foreign_ca)
{
    EVP_PKEY *ca_key = fixture_key(P256_URI), *second_key = fixture_key(P256_URI);
    struct own_certificate what = FIXTURE_CA;
    X509 *ca = (what.common_name = "Foreign CA", certify(&what, ca_key, NULL, ca_key));
    X509 *device = certify(&DEVICE, device_key, ca, ca_key);
    struct bytes path[2] = { certificate_der(&arena, device), certificate_der(&arena, ca) };
    struct bytes second = der_of(certify(&DEVICE, second_key, ca, ca_key));

    assert_not_trusted(path, 2, "not trusted");
    cr_assert(X509_STORE_add_cert(store, device) > 0);
    cr_assert_eq(check(path, 1), SKS_OK, "%s", err.text);
    cr_assert_eq(check(path, 2), SKS_OK, "%s", err.text);
    assert_not_trusted(&second, 1, "not trusted");
    X509_free(ca);
    X509_free(device);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(second_key);
}

Test(verify, wrong_usage_of_a_device)
{
    struct own_certificate what = DEVICE;
    struct bytes path;

    what.extension[1].value = "critical,keyEncipherment";
    path = der_of(certify(&what, device_key, root, root_key));
    assert_not_trusted(&path, 1, "not for digital signatures");
}

Test(verify, a_device_is_no_ca)
{
    EVP_PKEY *key = fixture_key(P256_URI);
    X509 *device = certify(&DEVICE, device_key, root, root_key);
    struct bytes path[2];

    path[0] = der_of(certify(&DEVICE, key, device, device_key));
    path[1] = der_of(device);
    assert_not_trusted(path, 2, "not trusted");
    EVP_PKEY_free(key);
}

Test(verify, one_bit_of_a_certificate)
{
    struct bytes der = der_of(certify(&DEVICE, device_key, root, root_key));
    struct bytes path = arena_copy(&arena, der);

    for (size_t i = der.len - 64; i < der.len; i++) {
        memcpy((uint8_t *)(uintptr_t)path.ptr, der.ptr, der.len);
        ((uint8_t *)(uintptr_t)path.ptr)[i] ^= 1;
        cr_assert_neq(check(&path, 1), SKS_OK, "byte %zu", i);
    }
}

/* ---- public keys ---- */

static enum sks_status check_key(const char *uri, struct bytes parameters, struct bytes spki)
{
    return verify_key_algorithm(algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION),
                                parameters, spki, &err);
}

Test(verify, key_algorithms)
{
    static const char *const NAMES[] = { P256_URI, P384_URI, RSA1024_URI, RSA2048_URI,
                                         ED25519_URI };

    for (size_t i = 0; i < NITEMS(NAMES); i++) {
        struct bytes spki = fixture_spki(NAMES[i], &arena);

        for (size_t j = 0; j < NITEMS(NAMES); j++)
            cr_assert_eq(check_key(NAMES[j], (struct bytes){ 0 }, spki),
                         i == j ? SKS_OK : SKS_ERROR_ALGORITHM, "%s for %s", NAMES[i], NAMES[j]);
    }
}

Test(verify, rsa_exponents)
{
    struct bytes spki = fixture_spki(RSA1024_URI, &arena);

    cr_assert_eq(check_key(RSA1024_URI ".exp", bytes_at("\x00\x01\x00\x01", 4), spki), SKS_OK);
    cr_assert_eq(check_key(RSA1024_URI ".exp", bytes_at("\x03", 1), spki), SKS_ERROR_ALGORITHM);
}

/* ---- attestations: known answers ---- */

struct attested {
    struct session_terms terms;
    struct bytes device_id, client_key, attestation;
    struct session_key sk;
    EVP_PKEY *device_key; /* NULL: privacy mode */
};

static void read_attested(struct kat *kat, struct attested *a)
{
    const json_t *e = kat->entry;

    *a = (struct attested){
        .terms = { .session_key_algorithm = kat_text(kat, e, "sessionKeyAlgorithm"),
                   .privacy_enabled = kat_flag(e, "privacyEnabled"),
                   .server_session_id = kat_text(kat, e, "serverSessionId"),
                   .client_session_id = kat_text(kat, e, "clientSessionId"),
                   .server_ephemeral_key = kat_hex(kat, e, "serverEphemeralKey"),
                   .issuer_uri = kat_text(kat, e, "issuerUri"),
                   .key_management_key = kat_hex(kat, e, "keyManagementKey"),
                   .client_time = kat_number(e, "clientTime"),
                   .session_life_time = (uint16_t)kat_number(e, "sessionLifeTime"),
                   .session_key_limit = (uint16_t)kat_number(e, "sessionKeyLimit"),
                   .server_certificate = kat_hex(kat, e, "serverCertificate") },
        .device_id = kat_hex(kat, e, "deviceId"),
        .client_key = kat_hex(kat, e, "clientEphemeralKey"),
        .attestation = kat_hex(kat, e, "attestation"),
    };
    if (a->terms.privacy_enabled)
        memcpy(a->sk.key, kat_hex(kat, e, "sessionKey").ptr, sizeof a->sk.key);
    else
        cr_assert_eq(public_key_load(kat_hex(kat, e, "devicePublicKey"), &a->device_key), SKS_OK);
}

static enum sks_status check_attested(const struct attested *a)
{
    return verify_session_attestation(&a->terms, a->device_id, a->client_key, &a->sk, a->device_key,
                                      a->attestation);
}

/* The same with its last byte changed, or a byte where there was none. */
static struct bytes altered(struct kat *kat, struct bytes value)
{
    struct bytes copy = arena_copy(&kat->arena, value.len == 0 ? bytes_of("x") : value);

    ((uint8_t *)(uintptr_t)copy.ptr)[copy.len - 1] ^= 1;
    return copy;
}

static void check_each_term(struct kat *kat)
{
    struct attested a, b;

    read_attested(kat, &a);
    cr_assert_eq(check_attested(&a), SKS_OK, "%s", kat_comment(kat));
#define ALTERED(member, value)                                                                     \
    b = a;                                                                                         \
    b.member = value;                                                                              \
    cr_assert_eq(check_attested(&b), SKS_ERROR_MAC, "%s: " #member, kat_comment(kat))
    ALTERED(terms.server_session_id, altered(kat, a.terms.server_session_id));
    ALTERED(terms.client_session_id, altered(kat, a.terms.client_session_id));
    ALTERED(terms.server_ephemeral_key, altered(kat, a.terms.server_ephemeral_key));
    ALTERED(terms.issuer_uri, altered(kat, a.terms.issuer_uri));
    ALTERED(terms.key_management_key, altered(kat, a.terms.key_management_key));
    ALTERED(terms.client_time, a.terms.client_time + 1);
    ALTERED(terms.session_life_time, (uint16_t)(a.terms.session_life_time + 1));
    ALTERED(terms.session_key_limit, (uint16_t)(a.terms.session_key_limit + 1));
    ALTERED(terms.server_certificate, altered(kat, a.terms.server_certificate));
    ALTERED(terms.privacy_enabled, !a.terms.privacy_enabled);
    ALTERED(device_id, altered(kat, a.device_id));
    ALTERED(client_key, altered(kat, a.client_key));
    ALTERED(attestation, altered(kat, a.attestation));
    ALTERED(attestation.len, a.attestation.len - 1);
#undef ALTERED
    EVP_PKEY_free(a.device_key);
}

Test(verify, session_attestations)
{
    kat_each("sessionAttestation", 10, check_each_term);
}

Test(verify, attestation_by_counter)
{
    struct session_key sk = { .key = { 7 } };
    uint8_t mac[SKS_MAC_SIZE];
    struct session_key at = sk;

    at.counter = 5;
    cr_assert_eq(session_mac(&at, MAC_DEVICE_ATTESTATION, bytes_of("data"), mac), SKS_OK);
    cr_assert_eq(verify_attestation(&sk, 5, bytes_of("data"), bytes_at(mac, 32)), SKS_OK);
    cr_assert_eq(verify_attestation(&sk, 6, bytes_of("data"), bytes_at(mac, 32)), SKS_ERROR_MAC);
    cr_assert_eq(verify_attestation(&sk, 5, bytes_of("date"), bytes_at(mac, 32)), SKS_ERROR_MAC);
    cr_assert_eq(verify_attestation(&sk, 5, bytes_of("data"), bytes_at(mac, 31)), SKS_ERROR_MAC);
    cr_assert_eq(sk.counter, 0, "the session's own counter is left alone");
}
