#include "tests/unit/support/issuer/issuer_fixture.h"
#include "issuer/data_folder.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define CERTIFICATE "\"certificate\":{\"subject\":\"CN=Test\",\"keyUsage\":[\"digitalSignature\"]}"
#define KEY(id, algorithm)                                                                         \
    "{\"id\":\"" id "\",\"appUsage\":\"signature\",\"keyAlgorithm\":\"" algorithm                  \
    "\"," CERTIFICATE "}"
#define PIN(keys)                                                                                  \
    "{\"id\":\"PIN.1\",\"minLength\":4,\"maxLength\":8,\"retryLimit\":3,\"format\":\"numeric\","   \
    "\"keyEntrySpecifiers\":[" keys "]}"

static const struct {
    const char *file, *text;
} PROFILES[] = {
    { "plain.json", "{\"pinPolicySpecifiers\":[" PIN(KEY("Key.1", P256_URI)) "]}" },
    { "private.json",
      "{\"privacyEnabled\":true,\"pinPolicySpecifiers\":[" PIN(KEY("Key.1", P256_URI)) "]}" },
    { "puk.json", "{\"pukPolicySpecifiers\":[{\"id\":\"PUK.1\",\"puk\":\"12345678\","
                  "\"format\":\"numeric\",\"retryLimit\":3,\"pinPolicySpecifiers\":[" PIN(
                      KEY("Key.1", RSA2048_URI) "," KEY("Key.2", P256_URI)) "]}]}" },
};

const struct own_certificate FIXTURE_CA = {
    .common_name = "Test device CA",
    .days = 10,
    .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                   { NID_key_usage, "critical,keyCertSign" },
                   { NID_subject_key_identifier, "hash" } },
};

static const struct own_certificate DEVICE = {
    .common_name = "Test device",
    .days = 10,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,digitalSignature" },
                   { NID_authority_key_identifier, "keyid:always" } },
};

EVP_PKEY *fixture_key(const char *algorithm)
{
    const struct algorithm *row = algorithm_by_uri(bytes_of(algorithm), ALGORITHM_KEY_GENERATION);
    EVP_PKEY *key;

    cr_assert_eq(private_key_generate(row, (struct bytes){ 0 }, &key), SKS_OK);
    return key;
}

struct bytes fixture_spki(const char *algorithm, struct arena *arena)
{
    EVP_PKEY *key = fixture_key(algorithm);
    struct buf spki = { 0 };
    struct bytes kept;

    cr_assert_eq(put_pkey(&spki, key), SKS_OK);
    kept = arena_copy(arena, buf_bytes(&spki));
    buf_free(&spki);
    EVP_PKEY_free(key);
    return kept;
}

static void make_device_ca(struct issuer_fixture *f)
{
    f->device_ca_key = fixture_key(P256_URI);
    cr_assert_eq(own_certificate_make(&FIXTURE_CA, f->device_ca_key, NULL, f->device_ca_key,
                                      &f->device_ca, NULL),
                 SKS_OK);
    (void)snprintf(f->trust_file, sizeof f->trust_file, "%s/device-ca.pem", f->folder);
    cr_assert_eq(pem_write_certificate(f->trust_file, f->device_ca, NULL), SKS_OK);
    f->trust = (struct texts){ { f->trust_file }, 1 };
}

static void write_profiles(const char *folder)
{
    char path[128];

    cr_assert_eq(file_make_folder(folder, 0700, NULL), SKS_OK);
    for (size_t i = 0; i < NITEMS(PROFILES); i++) {
        cr_assert_eq(file_path(path, sizeof path, folder, PROFILES[i].file), SKS_OK);
        cr_assert_eq(file_write(path, 0600, bytes_of(PROFILES[i].text), NULL), SKS_OK);
    }
}

static void load(struct issuer_fixture *f)
{
    struct sks_error err = { 0 };
    char profiles[96];

    (void)snprintf(profiles, sizeof profiles, "%s/profiles", f->folder);
    f->issuer = (struct issuer){ 0 };
    cr_assert_eq(data_folder_load(f->folder, &f->issuer, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(profiles_load(profiles, &f->issuer.profiles, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(trust_open(&f->issuer.trust, &f->trust, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(data_folder_open(f->folder, &f->issuer.store, &err), SKS_OK, "%s", err.text);
}

static void unload(struct issuer_fixture *f)
{
    trust_close(&f->issuer.trust);
    profiles_free(&f->issuer.profiles);
    data_folder_close(&f->issuer);
}

void issuer_fixture_open(struct issuer_fixture *f)
{
    struct sks_error err = { 0 };
    char profiles[96];

    log_set_level(LOG_LEVEL_ERROR);
    *f = (struct issuer_fixture){ .folder = "/tmp/sks-issuer-XXXXXX" };
    cr_assert(mkdtemp(f->folder) != NULL);
    make_device_ca(f);
    (void)snprintf(profiles, sizeof profiles, "%s/profiles", f->folder);
    write_profiles(profiles);
    cr_assert_eq(data_folder_make(f->folder, NULL, &err), SKS_OK, "%s", err.text);
    load(f);
}

void issuer_fixture_reopen(struct issuer_fixture *f)
{
    unload(f);
    load(f);
}

void issuer_fixture_close(struct issuer_fixture *f)
{
    char command[96];

    unload(f);
    EVP_PKEY_free(f->device_ca_key);
    X509_free(f->device_ca);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    cr_assert_eq(system(command), 0);
}

void device_make(struct device *device, const struct issuer_fixture *f, const char *algorithm)
{
    X509 *certificate;

    *device = (struct device){ .key = fixture_key(algorithm) };
    cr_assert_eq(own_certificate_make(&DEVICE, device->key, f->device_ca, f->device_ca_key,
                                      &certificate, NULL),
                 SKS_OK);
    device->certificate = certificate_der(&device->arena, certificate);
    X509_free(certificate);
}

void device_free(struct device *device)
{
    EVP_PKEY_free(device->key);
    arena_free(&device->arena);
}
