/* Certificates in PEM form, one behind the other. */
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>

enum { COUNT = 3 };

static BIO *pem;
static struct arena arena;

static void make_certificates(void)
{
    const struct own_certificate what = { .common_name = "test", .days = 1 };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509;

    pem = BIO_new(BIO_s_mem());
    cr_assert_eq(own_certificate_make(&what, key, NULL, key, &x509, NULL), SKS_OK);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(PEM_write_bio_X509(pem, x509), 1);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void free_certificates(void)
{
    BIO_free(pem);
    arena_free(&arena);
}

TestSuite(pem, .init = make_certificates, .fini = free_certificates);

static struct bytes text_of_all(void)
{
    uint8_t *text = NULL;
    long len = BIO_get_mem_data(pem, &text);

    return bytes_at(text, (size_t)len);
}

Test(pem, as_many_certificates_as_may_be)
{
    struct bytes_list list;

    for (size_t max = COUNT; max <= COUNT + 1; max++) {
        cr_assert_eq(pem_certificates(text_of_all(), max, &arena, &list, NULL), SKS_OK);
        cr_expect_eq(list.count, COUNT, "of %zu at most", max);
    }
}

Test(pem, one_certificate_too_many)
{
    struct sks_error err = { 0 };
    struct bytes_list list;

    cr_assert_eq(pem_certificates(text_of_all(), COUNT - 1, &arena, &list, &err),
                 SKS_ERROR_EXTERNAL);
    cr_expect_str_eq(err.text, "certificate number 3 does not decode, or there are more than 2");
}

Test(pem, what_is_cut_is_refused)
{
    struct bytes text = text_of_all();
    struct bytes_list list;

    text.len -= 40;
    cr_assert_eq(pem_certificates(text, COUNT, &arena, &list, NULL), SKS_ERROR_EXTERNAL);
}

Test(pem, no_certificate_is_refused)
{
    struct bytes_list list;

    cr_assert_eq(pem_certificates(bytes_of("nothing"), COUNT, &arena, &list, NULL),
                 SKS_ERROR_EXTERNAL);
    cr_assert_eq(pem_certificates(bytes_of(""), COUNT, &arena, &list, NULL), SKS_ERROR_EXTERNAL);
}
