/* A certificate's key, found without decoding the certificate. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/own_certificate.h"

#include <criterion/criterion.h>

static struct buf der;

static void make_certificate(void)
{
    const struct own_certificate what = { .common_name = "test", .days = 1 };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509;
    uint8_t *made = NULL;
    int len;

    cr_assert_eq(own_certificate_make(&what, key, NULL, key, &x509, NULL), SKS_OK);
    len = i2d_X509(x509, &made);
    put_raw(&der, bytes_at(made, (size_t)len));
    OPENSSL_free(made);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void free_certificate(void)
{
    buf_free(&der);
}

TestSuite(certificate, .init = make_certificate, .fini = free_certificate);

Test(certificate, its_key_is_the_decoded_one)
{
    struct buf decoded = { 0 };

    cr_assert_eq(put_certificate_key(&decoded, buf_bytes(&der)), SKS_OK);
    cr_assert(bytes_equal(certificate_key(buf_bytes(&der)), buf_bytes(&decoded)));
    buf_free(&decoded);
}

Test(certificate, what_is_no_certificate_has_no_key)
{
    for (size_t len = 0; len < der.len; len++)
        cr_expect_eq(certificate_key(bytes_at(der.ptr, len)).len, 0, "the first %zu bytes", len);
    cr_expect_eq(certificate_key(bytes_of("no certificate")).len, 0);
}

/* Whatever one wrong byte makes of it, what is found lies within. */
Test(certificate, a_key_lies_within_its_certificate)
{
    for (size_t i = 0; i < 2 * der.len; i++) {
        uint8_t right = der.ptr[i / 2];
        struct bytes key;

        der.ptr[i / 2] = (uint8_t)(i % 2 == 0 ? right ^ 0x80 : right + 1);
        key = certificate_key(buf_bytes(&der));
        cr_expect(key.len == 0 || (key.ptr > der.ptr && key.ptr + key.len <= der.ptr + der.len),
                  "with another byte %zu", i / 2);
        der.ptr[i / 2] = right;
    }
}
