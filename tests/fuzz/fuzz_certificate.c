/*
 * Certificate paths as setCertificatePath brings them, and PKCS #8 keys as importPrivateKey does.
 *
 * The first byte picks one of the two. A path is a list of the wire: count, then arrays.
 */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"
#include "tests/plain/support/enrol.h"

#include <openssl/err.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- certificates ---- */

static void try_certificate(struct bytes der, struct arena *arena)
{
    struct buf spki = { 0 }, again = { 0 };
    struct bytes found = certificate_key(der);
    struct public_key key;
    X509 *x509 = NULL;
    const char *name;

    must(found.len == 0 ||
             (found.ptr > der.ptr && found.len <= der.len - (size_t)(found.ptr - der.ptr)),
         "a key lies within its certificate");
    if (certificate_parse(der, &x509) == SKS_OK) {
        name = certificate_name(arena, X509_get_subject_name(x509));
        must(name == NULL || bytes_is_utf8(bytes_of(name)), "a name is text");
        if (put_certificate_key(&spki, der) == SKS_OK &&
            public_key_parse(buf_bytes(&spki), &key) == SKS_OK) {
            put_public_key(&again, &key);
            must(bytes_equal(buf_bytes(&again), buf_bytes(&spki)), "the public key again");
        }
        if (public_key_parse(found, &key) == SKS_OK)
            must(bytes_equal(found, buf_bytes(&spki)), "the key that decoding finds");
    } else {
        must(put_certificate_key(&spki, der) == SKS_ERROR_CRYPTO, "no key of no certificate");
    }
    X509_free(x509);
    buf_free(&spki);
    buf_free(&again);
}

static void try_path(struct bytes in)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct bytes_list path;
    bool parsed = true;
    X509 *x509;

    if (get_list(&in, &arena, &path) == SKS_OK) {
        for (size_t i = 0; i < path.count; i++) {
            try_certificate(path.item[i], &arena);
            parsed = parsed && certificate_parse(path.item[i], &x509) == SKS_OK;
            if (parsed)
                X509_free(x509);
        }
        if (certificate_path_check(&path, false, &err) == SKS_OK)
            must(parsed && path.count > 0, "a path is made of certificates");
        else
            must(certificate_path_check(&path, true, NULL) != SKS_OK, "more is asked for");
    }
    arena_free(&arena);
}

/* ---- PKCS #8 ---- */

/* Whatever is imported must come out of the store as the same key. */
static void try_pkcs8(struct bytes der)
{
    struct buf spki = { 0 }, stored = { 0 }, again = { 0 };
    EVP_PKEY *pkey = NULL, *loaded = NULL;
    struct bytes in;

    if (private_key_from_pkcs8(der, &pkey) == SKS_OK && put_pkey(&spki, pkey) == SKS_OK &&
        put_private_key(&stored, pkey) == SKS_OK) {
        in = buf_bytes(&stored);
        if (get_private_key(&in, &loaded) == SKS_OK) {
            must(put_pkey(&again, loaded) == SKS_OK && in.len == 0 &&
                     bytes_equal(buf_bytes(&again), buf_bytes(&spki)),
                 "the key again");
        }
    }
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(loaded);
    buf_free(&spki);
    buf_free(&stored);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_path(bytes_at(data + 1, size - 1));
    else
        try_pkcs8(bytes_at(data + 1, size - 1));
    ERR_clear_error();
    return 0;
}
