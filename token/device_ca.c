#include "token/device_ca.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { CA_DAYS = 20 * 365, DEVICE_DAYS = 10 * 365, SERIAL_BYTES = 8, PATH_SIZE = 4096 };

struct device_ca {
    EVP_PKEY *key;
    X509 *certificate;
};

static void free_ca(struct device_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->certificate);
}

/* "SKS rig device CA 1f0e..." tells one rig's CA from another's. */
static enum sks_status unique_name(char *name, size_t size, const char *what)
{
    uint8_t number[SERIAL_BYTES];
    struct buf hex = { 0 };
    enum sks_status rc;

    TRY(random_bytes(number, sizeof number));
    hex_encode(&hex, bytes_at(number, sizeof number));
    TRY(hex.status);
    (void)snprintf(name, size, "%s %.*s", what, (int)hex.len, (const char *)hex.ptr);
out:
    buf_free(&hex);
    return rc;
}

static enum sks_status make_ca(struct device_ca *ca, struct sks_error *err)
{
    char name[64];
    const struct own_certificate what = {
        .common_name = name,
        .days = CA_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                       { NID_key_usage, "critical,keyCertSign,cRLSign" },
                       { NID_subject_key_identifier, "hash" } },
    };
    enum sks_status rc;

    TRY(unique_name(name, sizeof name, "SKS rig device CA"));
    TRY(private_key_generate(algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION),
                             (struct bytes){ 0 }, &ca->key));
    TRY(own_certificate_make(&what, ca->key, NULL, ca->key, &ca->certificate, err));
out:
    return sks_explain(err, rc);
}

static enum sks_status open_ca(struct device_ca *ca, const char *folder, struct sks_error *err)
{
    char certificate[PATH_SIZE], key[PATH_SIZE];
    enum sks_status rc;

    TRY(file_path(certificate, sizeof certificate, folder, "device-ca.pem"));
    TRY(file_path(key, sizeof key, folder, "device-ca.key"));
    REQUIRE(file_exists(certificate) == file_exists(key), err, SKS_ERROR_EXTERNAL,
            "%s: has only one of device-ca.pem and device-ca.key", folder);
    if (file_exists(key)) {
        TRY(pem_read_key(key, &ca->key, err));
        TRY(pem_read_certificate(certificate, &ca->certificate, err));
        REQUIRE(X509_check_private_key(ca->certificate, ca->key) == 1, err, SKS_ERROR_EXTERNAL,
                "%s: device-ca.key is not the key of device-ca.pem", folder);
    } else {
        TRY(file_make_folder(folder, 0700, err));
        TRY(make_ca(ca, err));
        TRY(pem_write_key(key, ca->key, err));
        TRY(pem_write_certificate(certificate, ca->certificate, err));
    }
out:
    return sks_explain(err, rc);
}

static enum sks_status set_path(struct device *device, struct bytes leaf)
{
    struct bytes *item = arena_alloc(&device->arena, 1, sizeof *item);

    if (item == NULL || leaf.ptr == NULL)
        return SKS_ERROR_STORAGE;
    *item = leaf;
    device->certificate_path = (struct bytes_list){ item, 1 };
    return SKS_OK;
}

enum sks_status device_certify(struct device *device, const char *ca_folder, const char *ca_copy,
                               struct sks_error *err)
{
    char name[64];
    const struct own_certificate what = {
        .common_name = name,
        .days = DEVICE_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                       { NID_key_usage, "critical,digitalSignature" },
                       { NID_subject_key_identifier, "hash" },
                       { NID_authority_key_identifier, "keyid" } },
    };
    struct device_ca ca = { 0 };
    X509 *leaf = NULL;
    enum sks_status rc;

    TRY(ca_folder == NULL ? make_ca(&ca, err) : open_ca(&ca, ca_folder, err));
    TRY(unique_name(name, sizeof name, "SKS rig device"));
    TRY(own_certificate_make(&what, device->key, ca.certificate, ca.key, &leaf, err));
    TRY(set_path(device, certificate_der(&device->arena, leaf)));
    TRY(pem_write_certificate(ca_copy, ca.certificate, err));
out:
    X509_free(leaf);
    free_ca(&ca);
    return sks_explain(err, rc);
}

static X509_REQ *make_request(EVP_PKEY *key, const char *name)
{
    X509_REQ *request = X509_REQ_new();

    if (request != NULL &&
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName,
                                   MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) > 0 &&
        X509_REQ_set_pubkey(request, key) && X509_REQ_sign(request, key, EVP_sha256()) > 0)
        return request;
    X509_REQ_free(request);
    return NULL;
}

enum sks_status device_write_request(const struct device *device, const char *path,
                                     struct sks_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_REQ *request = NULL;
    char name[64], *pem;
    long len;
    enum sks_status rc;

    TRY(unique_name(name, sizeof name, "SKS rig device"));
    request = make_request(device->key, name);
    REQUIRE(bio != NULL && request != NULL && PEM_write_bio_X509_REQ(bio, request) > 0 &&
                (len = BIO_get_mem_data(bio, &pem)) > 0,
            err, SKS_ERROR_CRYPTO, "cannot make the certificate request");
    TRY(file_write(path, 0644, bytes_at(pem, (size_t)len), err));
out:
    X509_REQ_free(request);
    BIO_free(bio);
    return sks_explain(err, rc);
}

static bool is_self_signed(struct bytes der)
{
    X509 *x509 = NULL;
    bool self = certificate_parse(der, &x509) == SKS_OK &&
                X509_NAME_cmp(X509_get_issuer_name(x509), X509_get_subject_name(x509)) == 0;

    X509_free(x509);
    return self;
}

static enum sks_status write_root(struct bytes der, const char *path, struct sks_error *err)
{
    const uint8_t *p = der.ptr;
    X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
    enum sks_status rc = x509 == NULL ? SKS_ERROR_CRYPTO : pem_write_certificate(path, x509, err);

    X509_free(x509);
    return rc;
}

enum sks_status device_take_certificate(struct device *device, const char *path,
                                        const char *ca_copy, struct sks_error *err)
{
    struct bytes_list list;
    struct buf own = { 0 }, certified = { 0 };
    enum sks_status rc;

    TRY(pem_read_certificates(path, &device->arena, &list, err));
    TRY(certificate_path_check(&list, true, err));
    TRY(put_pkey(&own, device->key));
    TRY(put_certificate_key(&certified, list.item[0]));
    REQUIRE(bytes_equal(buf_bytes(&own), buf_bytes(&certified)), err, SKS_ERROR_OPTION,
            "%s: the first certificate is not of this device's key", path);
    if (list.count > 1 && is_self_signed(list.item[list.count - 1]))
        TRY(write_root(list.item[--list.count], ca_copy, err));
    device->certificate_path = list;
out:
    buf_free(&own);
    buf_free(&certified);
    return sks_explain(err, rc);
}
