#include "conform/issuer/device.h"

#include "keygen2/base/files.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { YEARS = 10, DAY = 24 * 60 * 60 };

static const struct own_certificate CA = {
    .common_name = "SKS conformance device CA",
    .days = YEARS * 365,
    .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                   { NID_key_usage, "critical,keyCertSign,cRLSign" },
                   { NID_subject_key_identifier, "hash" } },
};
static const struct own_certificate DEVICE = {
    .common_name = "SKS conformance device",
    .days = YEARS * 365,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,digitalSignature" },
                   { NID_authority_key_identifier, "keyid:always" } },
};
static const struct own_certificate ALONE = {
    .common_name = "SKS conformance device",
    .days = YEARS * 365,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,digitalSignature" } },
};
static const struct own_certificate AGREEING = {
    .common_name = "SKS conformance device",
    .days = YEARS * 365,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,keyAgreement" } },
};

static enum sks_status new_key(const char *jose, EVP_PKEY **key)
{
    return private_key_generate(algorithm_by_jose(bytes_of(jose), ALGORITHM_KEY_GENERATION),
                                (struct bytes){ 0 }, key);
}

static enum sks_status add_certificate(struct device *device, struct arena *arena,
                                       const X509 *certificate)
{
    struct bytes der = certificate_der(arena, certificate);

    if (der.ptr == NULL || device->count == DEVICE_PATH_MAX)
        return SKS_ERROR_STORAGE;
    device->certificate[device->count++] = der;
    return SKS_OK;
}

/* ---- the folder ---- */

static enum sks_status make_ca(struct device_set *set, struct sks_error *err)
{
    enum sks_status rc;

    TRY(sks_explain(err, new_key("P-256", &set->ca_key)));
    rc = own_certificate_make(&CA, set->ca_key, NULL, set->ca_key, &set->ca, err);
out:
    return rc;
}

static enum sks_status make_own(struct device_set *set, X509 **certificate, struct sks_error *err)
{
    enum sks_status rc;

    TRY(sks_explain(err, new_key("P-256", &set->own.key)));
    rc = own_certificate_make(&DEVICE, set->own.key, set->ca, set->ca_key, certificate, err);
out:
    return rc;
}

struct places {
    char ca[4096], ca_key[4096], device[4096], device_key[4096];
};

static enum sks_status name_places(const char *folder, struct places *at)
{
    enum sks_status rc;

    TRY(file_path(at->ca, sizeof at->ca, folder, "device-ca.pem"));
    TRY(file_path(at->ca_key, sizeof at->ca_key, folder, "device-ca.key"));
    TRY(file_path(at->device, sizeof at->device, folder, "device.pem"));
    rc = file_path(at->device_key, sizeof at->device_key, folder, "device.key");
out:
    return rc;
}

/* The certificate of the device is written last: what has it is whole. */
static enum sks_status make_folder(struct device_set *set, const char *folder,
                                   const struct places *at, X509 **certificate,
                                   struct sks_error *err)
{
    enum sks_status rc;

    TRY(file_make_folder(folder, 0700, err));
    TRY(make_ca(set, err));
    TRY(make_own(set, certificate, err));
    TRY(pem_write_key(at->ca_key, set->ca_key, err));
    TRY(pem_write_key(at->device_key, set->own.key, err));
    TRY(pem_write_certificate(at->ca, set->ca, err));
    rc = pem_write_certificate(at->device, *certificate, err);
out:
    return rc;
}

static enum sks_status read_folder(struct device_set *set, const struct places *at,
                                   X509 **certificate, struct sks_error *err)
{
    enum sks_status rc;

    TRY(pem_read_key(at->ca_key, &set->ca_key, err));
    TRY(pem_read_key(at->device_key, &set->own.key, err));
    TRY(pem_read_certificate(at->ca, &set->ca, err));
    TRY(pem_read_certificate(at->device, certificate, err));
    REQUIRE(X509_check_private_key(*certificate, set->own.key) == 1 &&
                X509_verify(*certificate, set->ca_key) == 1,
            err, SKS_ERROR_EXTERNAL, "%s: its files do not belong together; delete the folder",
            at->device);
out:
    return rc;
}

static enum sks_status open_folder(struct device_set *set, const char *folder, X509 **certificate,
                                   struct sks_error *err)
{
    struct places at;
    enum sks_status rc = name_places(folder, &at);

    REQUIRE(rc == SKS_OK, err, rc, "--device: the path is too long");
    set->is_new = !file_exists(at.device);
    TRY(set->is_new ? make_folder(set, folder, &at, certificate, err)
                    : read_folder(set, &at, certificate, err));
    (void)snprintf(set->ca_file, sizeof set->ca_file, "%s", at.ca);
out:
    return rc;
}

enum sks_status device_set_open(struct device_set *set, const char *folder, struct sks_error *err)
{
    X509 *certificate = NULL;
    enum sks_status rc;

    if (folder != NULL) {
        TRY(open_folder(set, folder, &certificate, err));
    } else {
        set->is_new = true;
        TRY(make_ca(set, err));
        TRY(make_own(set, &certificate, err));
    }
    rc = sks_explain(err, add_certificate(&set->own, &set->arena, certificate));
out:
    X509_free(certificate);
    return rc;
}

void device_free(struct device *device)
{
    EVP_PKEY_free(device->key);
    *device = (struct device){ 0 };
}

void device_set_close(struct device_set *set)
{
    device_free(&set->own);
    EVP_PKEY_free(set->ca_key);
    X509_free(set->ca);
    arena_free(&set->arena);
}

/* ---- flaws ---- */

/* Signs a certificate anew that was changed. */
static enum sks_status resign(X509 *certificate, EVP_PKEY *key, const EVP_MD *digest, long from,
                              long until)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), from) != NULL &&
                   X509_gmtime_adj(X509_getm_notAfter(certificate), until) != NULL &&
                   X509_sign(certificate, key, digest) > 0
               ? SKS_OK
               : SKS_ERROR_CRYPTO;
}

/* A chain of sub CAs under the CA, down to the device. */
static enum sks_status make_chain(struct device_set *set, struct arena *arena,
                                  struct device *device, size_t length, struct sks_error *err)
{
    X509 *issuer = X509_dup(set->ca), *made = NULL, *path[DEVICE_PATH_MAX] = { 0 };
    EVP_PKEY *issuer_key = set->ca_key, *key = NULL;
    enum sks_status rc = SKS_OK;

    (void)EVP_PKEY_up_ref(issuer_key);
    for (size_t i = length; i-- > 0;) {
        TRY(sks_explain(err, new_key("P-256", &key)));
        TRY(own_certificate_make(i == 0 ? &DEVICE : &CA, key, issuer, issuer_key, &made, err));
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
        issuer = X509_dup(made);
        issuer_key = key;
        path[i] = made;
        key = NULL;
        made = NULL;
    }
    for (size_t i = 0; i < length; i++)
        TRY(sks_explain(err, add_certificate(device, arena, path[i])));
    device->key = issuer_key;
    issuer_key = NULL;
out:
    for (size_t i = 0; i < DEVICE_PATH_MAX; i++)
        X509_free(path[i]);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    EVP_PKEY_free(key);
    return rc;
}

static enum sks_status use_own(struct device_set *set, struct device *device)
{
    *device = set->own;
    return EVP_PKEY_up_ref(device->key) == 1 ? SKS_OK : SKS_ERROR_STORAGE;
}

static void reverse(struct device *device)
{
    for (size_t i = 0; i < device->count / 2; i++) {
        struct bytes kept = device->certificate[i];

        device->certificate[i] = device->certificate[device->count - 1 - i];
        device->certificate[device->count - 1 - i] = kept;
    }
}

/* The path of the trusted device with the CA behind it, spoilt. */
static enum sks_status make_path(struct device_set *set, enum device_flaw flaw, struct arena *arena,
                                 struct device *device, struct sks_error *err)
{
    X509 *other = NULL;
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    TRY(use_own(set, device));
    if (flaw == DEVICE_PATH_REVERSED) {
        TRY(sks_explain(err, add_certificate(device, arena, set->ca)));
        reverse(device);
        goto out;
    }
    TRY(sks_explain(err, new_key("P-256", &key)));
    TRY(own_certificate_make(&CA, key, NULL, key, &other, err));
    rc = sks_explain(err, add_certificate(device, arena, other));
out:
    X509_free(other);
    EVP_PKEY_free(key);
    return rc;
}

static enum sks_status make_rsa_1024(EVP_PKEY **key)
{
    static const char URI[] = "https://webpki.github.io/sks/algorithm#rsa1024";

    return private_key_generate(algorithm_by_uri(bytes_of(URI), ALGORITHM_KEY_GENERATION),
                                (struct bytes){ 0 }, key);
}

/* A device certificate that is wrong in itself, or by who has signed it. */
static enum sks_status make_single(struct device_set *set, enum device_flaw flaw,
                                   struct arena *arena, struct device *device,
                                   struct sks_error *err)
{
    const struct own_certificate *what = &DEVICE;
    X509 *certificate = NULL;
    EVP_PKEY *foreign = NULL, *signer = set->ca_key;
    long from = -DAY, until = DAY;
    enum sks_status rc;

    TRY(sks_explain(err, flaw == DEVICE_RSA_1024 ? make_rsa_1024(&device->key)
                                                 : new_key("P-256", &device->key)));
    TRY(sks_explain(err, new_key("P-256", &foreign)));
    if (flaw == DEVICE_OF_ANOTHER_CA)
        signer = foreign;
    if (flaw == DEVICE_SELF_SIGNED) {
        signer = device->key;
        what = &ALONE;
    }
    if (flaw == DEVICE_NOT_FOR_SIGNATURES)
        what = &AGREEING;
    TRY(own_certificate_make(what, device->key, flaw == DEVICE_SELF_SIGNED ? NULL : set->ca, signer,
                             &certificate, err));
    if (flaw == DEVICE_EXPIRED) {
        from = -2 * DAY;
        until = -DAY;
    } else if (flaw == DEVICE_NOT_YET_VALID) {
        from = DAY;
        until = 2 * DAY;
    }
    TRY(sks_explain(err, resign(certificate, signer,
                                flaw == DEVICE_SHA1 ? EVP_sha1() : EVP_sha256(), from, until)));
    rc = sks_explain(err, add_certificate(device, arena, certificate));
out:
    X509_free(certificate);
    EVP_PKEY_free(foreign);
    return rc;
}

/* A certificate by the trusted device itself, which is no CA. */
static enum sks_status make_under_device(struct device_set *set, struct arena *arena,
                                         struct device *device, struct sks_error *err)
{
    X509 *certificate = NULL, *issuer = NULL;
    const uint8_t *der = set->own.certificate[0].ptr;
    enum sks_status rc;

    issuer = d2i_X509(NULL, &der, (long)set->own.certificate[0].len);
    REQUIRE(issuer != NULL, err, SKS_ERROR_CRYPTO, "the device certificate does not decode");
    TRY(sks_explain(err, new_key("P-256", &device->key)));
    TRY(own_certificate_make(&AGREEING, device->key, issuer, set->own.key, &certificate, err));
    TRY(sks_explain(err, add_certificate(device, arena, certificate)));
    rc = sks_explain(err, add_certificate(device, arena, issuer));
out:
    X509_free(certificate);
    X509_free(issuer);
    return rc;
}

enum sks_status device_make_flawed(struct device_set *set, enum device_flaw flaw,
                                   struct arena *arena, struct device *device,
                                   struct sks_error *err)
{
    *device = (struct device){ 0 };
    switch (flaw) {
    case DEVICE_PATH_REVERSED:
    case DEVICE_PATH_STRANGER:
        return make_path(set, flaw, arena, device, err);
    case DEVICE_PATH_TOO_LONG:
        return make_chain(set, arena, device, 11, err);
    case DEVICE_UNDER_END_ENTITY:
        return make_under_device(set, arena, device, err);
    default:
        return make_single(set, flaw, arena, device, err);
    }
}
