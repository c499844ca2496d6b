#include "issuer/profile.h"
#include "issuer/trust.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/pem.h"
#include "tests/unit/support/issuer/issuer_fixture.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60 };

static char folder[] = "/tmp/sks-trust-XXXXXX", ca_file[64];
static struct texts sources = { { folder }, 1 };
static struct trust trust;
static struct arena arena;
static struct sks_error err;
static EVP_PKEY *ca_key, *device_key;
static X509 *ca;

static void set_up(void)
{
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    ca_key = fixture_key(P256_URI);
    device_key = fixture_key(P256_URI);
    cr_assert_eq(own_certificate_make(&FIXTURE_CA, ca_key, NULL, ca_key, &ca, &err), SKS_OK);
    cr_assert_eq(pem_write_certificate(ca_file, ca, &err), SKS_OK);
    cr_assert_eq(trust_open(&trust, &sources, &err), SKS_OK);
}

static void tear_down(void)
{
    trust_close(&trust);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(device_key);
    arena_free(&arena);
    (void)unlink(ca_file);
    (void)rmdir(folder);
}

TestSuite(trust, .init = set_up, .fini = tear_down);

static struct bytes certify(const char *name, int days)
{
    const struct own_certificate what = { .common_name = name, .days = days };
    X509 *certificate;
    struct bytes der;

    cr_assert_eq(own_certificate_make(&what, device_key, ca, ca_key, &certificate, &err), SKS_OK);
    der = certificate_der(&arena, certificate);
    X509_free(certificate);
    return der;
}

static enum sks_status check(struct bytes der, int64_t now)
{
    const struct bytes_list path = { &der, 1 };
    struct verified_device device = { 0 };
    enum sks_status rc = trust_verify_device(&trust, &path, NULL, now, &device, &err);

    if (rc == SKS_OK) {
        cr_assert_eq(EVP_PKEY_eq(device.key, device_key), 1);
        cr_assert_str_eq(device.name, "CN=Device");
    }
    verified_device_clear(&device);
    return rc;
}

/* What is remembered is not looked at again: here it could not even be found any more. */
Test(trust, a_path_that_is_remembered)
{
    struct bytes der = certify("Device", 10);
    X509_STORE *none = X509_STORE_new(), *store = trust.store;

    cr_assert_eq(check(der, clock_now()), SKS_OK, "%s", err.text);
    cr_assert_eq(path_cache_count(trust.paths), 1);
    trust.store = none;
    cr_assert_eq(check(der, clock_now()), SKS_OK, "%s", err.text);
    cr_assert_eq(path_cache_count(trust.paths), 1);
    path_cache_clear(trust.paths);
    cr_assert_eq(check(der, clock_now()), SKS_ERROR_AUTHORIZATION);
    trust.store = store;
    X509_STORE_free(none);
}

Test(trust, a_remembered_path_expires)
{
    struct bytes der = certify("Device", 2);
    int64_t now = clock_now();

    cr_assert_eq(check(der, now), SKS_OK, "%s", err.text);
    cr_assert_eq(check(der, now + 3 * DAY), SKS_ERROR_AUTHORIZATION);
    cr_assert(strstr(err.text, "expired") != NULL, "%s", err.text);
    cr_assert_eq(path_cache_count(trust.paths), 0);
    cr_assert_eq(check(der, now), SKS_OK, "%s", err.text);
    cr_assert_eq(check(der, now - 3 * DAY), SKS_ERROR_AUTHORIZATION);
    cr_assert(strstr(err.text, "not yet valid") != NULL, "%s", err.text);
}

/* A path that is remembered and one that is not get one answer, in each second of its life. */
Test(trust, the_first_and_the_last_second_of_a_path)
{
    struct bytes der = certify("Device", 2);
    X509 *certificate;
    int64_t begin, end;

    cr_assert_eq(certificate_parse(der, &certificate), SKS_OK);
    begin = certificate_seconds(X509_get0_notBefore(certificate));
    end = certificate_seconds(X509_get0_notAfter(certificate));
    X509_free(certificate);
    const int64_t times[] = { begin - 1, begin, begin + 1, end - 1, end, end + 1 };

    for (size_t i = 0; i < NITEMS(times); i++) {
        enum sks_status fresh;

        path_cache_clear(trust.paths);
        fresh = check(der, times[i]);
        cr_assert_eq(check(der, begin + 2), SKS_OK, "%s", err.text);
        cr_assert_eq(path_cache_count(trust.paths), 1);
        cr_assert_eq(check(der, times[i]), fresh, "%zu", i);
    }
}

/* The CA of the fixture is valid for 10 days. */
Test(trust, a_remembered_path_expires_with_its_ca)
{
    struct bytes der = certify("Device", 100);
    int64_t now = clock_now();

    cr_assert_eq(check(der, now), SKS_OK, "%s", err.text);
    cr_assert_eq(check(der, now + 9 * DAY), SKS_OK, "%s", err.text);
    cr_assert_eq(check(der, now + 11 * DAY), SKS_ERROR_AUTHORIZATION);
}

Test(trust, a_reload_forgets)
{
    struct bytes der = certify("Device", 10);
    size_t count;

    cr_assert_eq(check(der, clock_now()), SKS_OK, "%s", err.text);
    cr_assert_eq(trust_reload(&trust, &count, &err), SKS_OK);
    cr_assert_eq(path_cache_count(trust.paths), 0);
    cr_assert_eq(check(der, clock_now()), SKS_OK, "%s", err.text);
    cr_assert_eq(unlink(ca_file), 0);
    cr_assert_eq(trust_reload(&trust, &count, &err), SKS_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(check(der, clock_now()), SKS_ERROR_AUTHORIZATION);
}

Test(trust, what_is_not_trusted_is_not_remembered)
{
    struct bytes der = certify("Device", -1);

    cr_assert_eq(check(der, clock_now()), SKS_ERROR_AUTHORIZATION);
    cr_assert_eq(path_cache_count(trust.paths), 0);
}

/* ---- the cache itself ---- */

static void hash_of(uint8_t number, uint64_t generation, uint8_t hash[PATH_HASH_SIZE])
{
    struct bytes der = bytes_at(&number, 1);

    cr_assert_eq(path_cache_hash(&(struct bytes_list){ &der, 1 }, NULL, generation, hash), SKS_OK);
}

static bool is_there(struct path_cache *cache, uint8_t number, int64_t now)
{
    uint8_t hash[PATH_HASH_SIZE];
    struct verified_device device = { 0 };
    bool found;

    hash_of(number, 1, hash);
    found = path_cache_find(cache, hash, now, &device);
    verified_device_clear(&device);
    return found;
}

static void keep(struct path_cache *cache, uint8_t number)
{
    const struct verified_device device = { .key = device_key, .not_before = 10, .not_after = 20 };
    uint8_t hash[PATH_HASH_SIZE];

    hash_of(number, 1, hash);
    path_cache_keep(cache, hash, &device);
}

Test(trust, the_cache_is_bounded)
{
    struct path_cache *cache = path_cache_new(3);

    for (uint8_t i = 1; i <= 3; i++)
        keep(cache, i);
    cr_assert(is_there(cache, 1, 15)); /* used again: 2 is the oldest now */
    keep(cache, 4);
    cr_assert_eq(path_cache_count(cache), 3);
    cr_assert(!is_there(cache, 2, 15));
    cr_assert(is_there(cache, 1, 15) && is_there(cache, 3, 15) && is_there(cache, 4, 15));
    keep(cache, 4);
    cr_assert_eq(path_cache_count(cache), 3);
    path_cache_free(cache);
}

Test(trust, the_first_and_the_last_second)
{
    struct path_cache *cache = path_cache_new(3);

    keep(cache, 1);
    cr_assert(is_there(cache, 1, 10) && is_there(cache, 1, 19));
    cr_assert(!is_there(cache, 1, 20));
    cr_assert(!is_there(cache, 1, 15), "what is over is forgotten");
    keep(cache, 1);
    cr_assert(!is_there(cache, 1, 9));
    path_cache_free(cache);
}

Test(trust, a_hash_is_of_all_that_counts)
{
    struct bytes ab[] = { { (const uint8_t *)"ab", 2 }, { (const uint8_t *)"c", 1 } },
                 a_bc[] = { { (const uint8_t *)"a", 1 }, { (const uint8_t *)"bc", 2 } };
    uint8_t one[PATH_HASH_SIZE], two[PATH_HASH_SIZE];

    cr_assert_eq(path_cache_hash(&(struct bytes_list){ ab, 2 }, NULL, 1, one), SKS_OK);
    cr_assert_eq(path_cache_hash(&(struct bytes_list){ a_bc, 2 }, NULL, 1, two), SKS_OK);
    cr_assert_neq(memcmp(one, two, sizeof one), 0);
    cr_assert_eq(path_cache_hash(&(struct bytes_list){ ab, 2 }, NULL, 2, two), SKS_OK);
    cr_assert_neq(memcmp(one, two, sizeof one), 0);
    /* What a lax profile found good is not good for a strict one. */
    cr_assert_eq(path_cache_hash(&(struct bytes_list){ ab, 2 },
                                 &(struct device_trust){ .minimum_rsa_bits = 1024 }, 1, two),
                 SKS_OK);
    cr_assert_neq(memcmp(one, two, sizeof one), 0);
    cr_assert_eq(path_cache_hash(&(struct bytes_list){ ab, 2 },
                                 &(struct device_trust){ .minimum_rsa_bits = 1024, .sha1 = true },
                                 1, one),
                 SKS_OK);
    cr_assert_neq(memcmp(one, two, sizeof one), 0);
}
