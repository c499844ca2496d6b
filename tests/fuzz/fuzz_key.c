/* Public keys, stored private keys, certificates: bytes that OpenSSL would also have to read. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/err.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_public_key(struct bytes spki)
{
    struct public_key key;
    struct buf again = { 0 };
    EVP_PKEY *pkey = NULL;

    if (public_key_parse(spki, &key) == SKS_OK) {
        put_public_key(&again, &key);
        if (again.status == SKS_OK && !bytes_equal(buf_bytes(&again), spki))
            abort();
        if (public_key_load(spki, &pkey) == SKS_OK) {
            buf_reset(&again);
            if (put_pkey(&again, pkey) == SKS_OK && !bytes_equal(buf_bytes(&again), spki))
                abort();
        }
    }
    EVP_PKEY_free(pkey);
    buf_free(&again);
}

static void try_certificate(struct bytes der)
{
    struct bytes item[2] = { der, der };
    const struct bytes_list path = { item, 2 };
    struct arena arena = { 0 };
    struct buf spki = { 0 };
    X509 *x509 = NULL;

    if (certificate_parse(der, &x509) == SKS_OK) {
        (void)certificate_name(&arena, X509_get_subject_name(x509));
        if (put_certificate_key(&spki, der) == SKS_OK)
            try_public_key(buf_bytes(&spki));
        if (certificate_path_check(&path, true, NULL) == SKS_OK)
            (void)certificate_path_check(&path, false, NULL);
    }
    X509_free(x509);
    buf_free(&spki);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in;
    EVP_PKEY *pkey = NULL;

    if (size == 0)
        return 0;
    in = bytes_at(data + 1, size - 1);
    if (data[0] % 3 == 0)
        try_public_key(in);
    else if (data[0] % 3 == 1)
        try_certificate(in);
    else if (get_private_key(&in, &pkey) == SKS_OK)
        EVP_PKEY_free(pkey);
    ERR_clear_error();
    return 0;
}
