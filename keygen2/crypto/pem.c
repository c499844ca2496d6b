#include "keygen2/crypto/pem.h"
#include "keygen2/base/files.h"

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

enum sks_status pem_read_public_key(const char *path, EVP_PKEY **key, struct sks_error *err)
{
    struct buf file = { 0 };
    BIO *bio = NULL;
    enum sks_status rc;

    *key = NULL;
    TRY(file_read(path, PEM_FILE_MAX, &file, err));
    bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    if (bio != NULL)
        *key = PEM_read_bio_PUBKEY(bio, NULL, no_pass_phrase, NULL);
    ERR_clear_error();
    REQUIRE(*key != NULL, err, SKS_ERROR_EXTERNAL, "%s: no public key in PEM form", path);
out:
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

static enum sks_status read_all(BIO *bio, struct arena *arena, struct bytes_list *list)
{
    X509 *certificate;
    bool at_end;

    list->item = arena_alloc(arena, CERTIFICATES_MAX, sizeof *list->item);
    if (list->item == NULL)
        return SKS_ERROR_STORAGE;
    while (list->count < CERTIFICATES_MAX &&
           (certificate = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL)) != NULL) {
        struct bytes der = certificate_der(arena, certificate);

        X509_free(certificate);
        if (der.ptr == NULL)
            return SKS_ERROR_STORAGE;
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
    REQUIRE(read_all(bio, arena, list) == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "%s: certificate number %zu does not decode", path, list->count + 1);
    REQUIRE(list->count > 0, err, SKS_ERROR_EXTERNAL, "%s: no certificate in PEM form", path);
out:
    BIO_free(bio);
    buf_free(&file);
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
