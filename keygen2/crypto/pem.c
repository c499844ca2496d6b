#include "keygen2/crypto/pem.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

enum { KEY_MODE = 0600, CERTIFICATE_MODE = 0644, CERTIFICATES_MAX = 1000 };

/* No key of the issuer has a pass phrase: OpenSSL must not ask for one at the terminal. */
static int no_pass_phrase(char *text, int size, int writing, void *ctx)
{
    (void)text, (void)size, (void)writing, (void)ctx;
    return -1;
}

static enum sks_status write_bio(const char *path, unsigned mode, BIO *bio, bool good,
                                 struct sks_error *err)
{
    char *data = NULL;
    long len = good ? BIO_get_mem_data(bio, &data) : 0;

    if (len <= 0)
        return sks_fail(err, SKS_ERROR_CRYPTO, "%s: cannot encode it as PEM", path);
    return file_write(path, mode, bytes_at(data, (size_t)len), err);
}

enum sks_status pem_write_key(const char *path, const EVP_PKEY *key, struct sks_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum sks_status rc;

    rc = write_bio(
        path, KEY_MODE, bio,
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) > 0, err);
    BIO_free(bio);
    return rc;
}

enum sks_status pem_write_certificate(const char *path, const X509 *certificate,
                                      struct sks_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum sks_status rc;

    rc = write_bio(path, CERTIFICATE_MODE, bio,
                   bio != NULL && PEM_write_bio_X509(bio, certificate) > 0, err);
    BIO_free(bio);
    return rc;
}

enum sks_status pem_read_key(const char *path, EVP_PKEY **key, struct sks_error *err)
{
    struct buf file = { 0 };
    BIO *bio = NULL;
    enum sks_status rc;

    *key = NULL;
    TRY(file_read_secret(path, PEM_FILE_MAX, &file, err));
    bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    if (bio != NULL)
        *key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    REQUIRE(*key != NULL, err, SKS_ERROR_EXTERNAL, "%s: no private key in PEM form", path);
out:
    BIO_free(bio);
    buf_free(&file);
    return rc;
}

enum sks_status put_pem(struct buf *out, const char *label, struct bytes der)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* it may be a private key */
    char *data = NULL;
    long len = 0;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (bio != NULL && PEM_write_bio(bio, label, "", der.ptr, (long)der.len) > 0 &&
        (len = BIO_get_mem_data(bio, &data)) > 0) {
        put_raw(out, bytes_at(data, (size_t)len));
        rc = out->status;
    }
    BIO_free(bio);
    return rc;
}

/* Takes one object of a PEM file; any other kind of object is passed over. */
static enum sks_status take_public_key(BIO *bio, struct buf *spki, bool *found)
{
    char *label = NULL, *header = NULL;
    uint8_t *der = NULL;
    long len = 0;
    enum sks_status rc = SKS_OK;

    if (PEM_read_bio(bio, &label, &header, &der, &len) <= 0)
        rc = SKS_ERROR_EXTERNAL;
    else if (strcmp(label, PEM_STRING_X509) == 0)
        rc = put_certificate_key(spki, bytes_at(der, (size_t)len));
    else if (strcmp(label, PEM_STRING_PUBLIC) == 0)
        put_raw(spki, bytes_at(der, (size_t)len));
    *found = spki->len > 0;
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, (size_t)len);
    return rc == SKS_OK ? spki->status : rc;
}

enum sks_status pem_read_spki(const char *path, struct buf *spki, struct sks_error *err)
{
    struct buf file = { 0 };
    BIO *bio = NULL;
    bool found = false;
    enum sks_status rc;

    TRY(file_read(path, PEM_FILE_MAX, &file, err));
    bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    REQUIRE(bio != NULL, err, SKS_ERROR_STORAGE, "%s: no memory", path);
    while (!found)
        REQUIRE(take_public_key(bio, spki, &found) == SKS_OK, err, SKS_ERROR_EXTERNAL,
                "%s: no public key and no certificate in PEM form", path);
out:
    ERR_clear_error();
    BIO_free(bio);
    buf_free(&file);
    return rc;
}

struct bytes certificate_der(struct arena *arena, const X509 *certificate)
{
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    struct bytes copy = { 0 };

    if (len > 0)
        copy = arena_copy(arena, bytes_at(der, (size_t)len));
    OPENSSL_free(der);
    return copy;
}

static enum sks_status read_all(BIO *bio, size_t max, struct arena *arena, struct bytes_list *list)
{
    X509 *certificate;
    bool at_end;

    list->item = arena_alloc(arena, max, sizeof *list->item);
    if (list->item == NULL)
        return SKS_ERROR_STORAGE;
    while ((certificate = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
        struct bytes der = { 0 };

        if (list->count < max)
            der = certificate_der(arena, certificate);
        X509_free(certificate);
        if (der.ptr == NULL)
            return list->count < max ? SKS_ERROR_STORAGE : SKS_ERROR_EXTERNAL;
        list->item[list->count++] = der;
    }
    at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end ? SKS_OK : SKS_ERROR_EXTERNAL;
}

enum sks_status pem_read_certificates(const char *path, struct arena *arena,
                                      struct bytes_list *list, struct sks_error *err)
{
    struct buf file = { 0 };
    BIO *bio = NULL;
    enum sks_status rc;

    *list = (struct bytes_list){ 0 };
    TRY(file_read(path, PEM_FILE_MAX, &file, err));
    bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    REQUIRE(bio != NULL, err, SKS_ERROR_STORAGE, "%s: no memory", path);
    REQUIRE(read_all(bio, CERTIFICATES_MAX, arena, list) == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "%s: certificate number %zu does not decode", path, list->count + 1);
    REQUIRE(list->count > 0, err, SKS_ERROR_EXTERNAL, "%s: no certificate in PEM form", path);
out:
    BIO_free(bio);
    buf_free(&file);
    return rc;
}

enum sks_status pem_certificates(struct bytes text, size_t max, struct arena *arena,
                                 struct bytes_list *list, struct sks_error *err)
{
    BIO *bio = BIO_new_mem_buf(text.ptr == NULL ? (const uint8_t *)"" : text.ptr, (int)text.len);
    enum sks_status rc = SKS_OK;

    *list = (struct bytes_list){ 0 };
    REQUIRE(bio != NULL, err, SKS_ERROR_STORAGE, "no memory for certificates");
    REQUIRE(read_all(bio, max, arena, list) == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "certificate number %zu does not decode, or there are more than %zu", list->count + 1,
            max);
    REQUIRE(list->count > 0, err, SKS_ERROR_EXTERNAL, "no certificate in PEM form");
out:
    BIO_free(bio);
    return rc;
}

enum sks_status pem_read_certificate(const char *path, X509 **certificate, struct sks_error *err)
{
    struct buf file = { 0 };
    BIO *bio = NULL;
    enum sks_status rc;

    *certificate = NULL;
    TRY(file_read(path, PEM_FILE_MAX, &file, err));
    bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    if (bio != NULL)
        *certificate = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
    REQUIRE(*certificate != NULL, err, SKS_ERROR_EXTERNAL, "%s: no certificate in PEM form", path);
out:
    BIO_free(bio);
    buf_free(&file);
    return rc;
}
