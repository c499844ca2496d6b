/* SubjectPublicKeyInfo: strict DER in, nothing else. Private keys: written and read again. */
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const GENERATED[] = {
    "rsa1024",      "rsa2048",        "ec.nist.p256",        "ec.nist.p384",
    "ec.nist.p521", "ec.secg.p256k1", "ec.brainpool.p256r1", "ed25519",
};

static const struct algorithm *key_algorithm(const char *name)
{
    char uri[128];

    (void)snprintf(uri, sizeof uri, "https://webpki.github.io/sks/algorithm#%s", name);
    return algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION);
}

static EVP_PKEY *generate(const char *name)
{
    const struct algorithm *row = key_algorithm(name);
    EVP_PKEY *pkey;

    cr_assert_not_null(row, "%s", name);
    cr_assert(private_key_generate(row, (struct bytes){ 0 }, &pkey) == SKS_OK, "%s", name);
    return pkey;
}

Test(public_key, every_algorithm_survives_storage)
{
    for (size_t i = 0; i < NITEMS(GENERATED); i++) {
        EVP_PKEY *pkey = generate(GENERATED[i]), *again, *public;
        struct buf stored = { 0 }, spki = { 0 }, spki_again = { 0 };
        struct bytes in;

        cr_assert(put_private_key(&stored, pkey) == SKS_OK);
        in = buf_bytes(&stored);
        cr_assert(get_private_key(&in, &again) == SKS_OK, "%s", GENERATED[i]);
        cr_assert_eq(in.len, 0);
        cr_assert(put_pkey(&spki, pkey) == SKS_OK);
        cr_assert(put_pkey(&spki_again, again) == SKS_OK);
        cr_assert(bytes_equal(buf_bytes(&spki), buf_bytes(&spki_again)));
        cr_assert(EVP_PKEY_eq(pkey, again) == 1, "%s", GENERATED[i]);
        cr_assert(public_key_load(buf_bytes(&spki), &public) == SKS_OK);
        cr_assert(EVP_PKEY_eq(pkey, public) == 1);
        for (size_t cut = 0; cut < stored.len; cut++) {
            EVP_PKEY *none;

            in = bytes_at(stored.ptr, cut);
            cr_assert(get_private_key(&in, &none) != SKS_OK);
        }
        EVP_PKEY_free(pkey);
        EVP_PKEY_free(again);
        EVP_PKEY_free(public);
        buf_free(&stored);
        buf_free(&spki);
        buf_free(&spki_again);
    }
}

/* Each bit of a point matters: a changed key is refused, or is another key. */
Test(public_key, no_changed_bit_gives_the_same_key)
{
    EVP_PKEY *pkey = generate("ec.nist.p256"), *changed;
    struct buf spki = { 0 };

    cr_assert(put_pkey(&spki, pkey) == SKS_OK);
    for (size_t bit = 0; bit < 8 * spki.len; bit++) {
        spki.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert(public_key_load(buf_bytes(&spki), &changed) == SKS_ERROR_CRYPTO, "bit %zu", bit);
        spki.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    EVP_PKEY_free(pkey);
    buf_free(&spki);
}

/* The check that makes no key says what the one says that does. */
Test(public_key, a_check_says_what_loading_says)
{
    for (size_t i = 0; i < NITEMS(GENERATED); i++) {
        EVP_PKEY *pkey = generate(GENERATED[i]), *loaded;
        struct buf spki = { 0 };
        size_t refused = 0;

        cr_assert_eq(put_pkey(&spki, pkey), SKS_OK);
        cr_assert_eq(public_key_check(buf_bytes(&spki)), SKS_OK, "%s", GENERATED[i]);
        for (size_t bit = 0; bit < 8 * spki.len; bit++) {
            spki.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
            cr_assert_eq(public_key_check(buf_bytes(&spki)),
                         public_key_load(buf_bytes(&spki), &loaded), "%s, bit %zu", GENERATED[i],
                         bit);
            refused += loaded == NULL;
            EVP_PKEY_free(loaded);
            spki.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        cr_assert_gt(refused, 0);
        if (key_algorithm(GENERATED[i])->kind == KEY_KIND_EC)
            cr_assert_eq(refused, 8 * spki.len, "a changed point is on no curve");
        buf_free(&spki);
        EVP_PKEY_free(pkey);
    }
}

static void expect_lent(const EVP_PKEY *pkey, struct buf *spki)
{
    EVP_PKEY *lent;

    cr_assert_eq(public_key_borrow(buf_bytes(spki), &lent), SKS_OK);
    cr_expect_eq(EVP_PKEY_eq(pkey, lent), 1);
    EVP_PKEY_free(lent);
    spki->ptr[spki->len - 1] ^= 1;
    cr_expect_eq(public_key_borrow(buf_bytes(spki), &lent), SKS_ERROR_CRYPTO);
    cr_expect_null(lent);
    spki->ptr[spki->len - 1] ^= 1;
}

/* The object is the same each time, the key is what was asked for, and a bad point leaves no trace.
 */
Test(public_key, lent_for_a_moment)
{
    static const char *const CURVES[] = { "ec.nist.p256", "ec.nist.p256", "ec.nist.p384",
                                          "ec.nist.p256" };
    EVP_PKEY *pkey[NITEMS(CURVES)];
    struct buf spki[NITEMS(CURVES)] = { 0 };

    for (size_t i = 0; i < NITEMS(CURVES); i++) {
        pkey[i] = generate(CURVES[i]);
        cr_assert_eq(put_pkey(&spki[i], pkey[i]), SKS_OK);
    }
    for (size_t i = 0; i < 3 * NITEMS(CURVES); i++)
        expect_lent(pkey[i % NITEMS(CURVES)], &spki[i % NITEMS(CURVES)]);
    for (size_t i = 0; i < NITEMS(CURVES); i++) {
        EVP_PKEY_free(pkey[i]);
        buf_free(&spki[i]);
    }
}

Test(public_key, rsa_is_strict_der)
{
    EVP_PKEY *pkey = generate("rsa1024");
    struct public_key key;
    struct buf spki = { 0 }, longer = { 0 };

    cr_assert(put_pkey(&spki, pkey) == SKS_OK);
    cr_assert(public_key_parse(buf_bytes(&spki), &key) == SKS_OK);
    cr_assert_eq(public_key_bits(&key), 1024);
    put_raw(&longer, buf_bytes(&spki));
    put_byte(&longer, 0);
    cr_assert(public_key_parse(buf_bytes(&longer), &key) == SKS_ERROR_CRYPTO, "a byte behind");
    for (size_t i = 0; i < 20; i++) { /* all of the header: lengths, OID, NULL */
        spki.ptr[i] ^= 0x20;
        cr_assert(public_key_parse(buf_bytes(&spki), &key) == SKS_ERROR_CRYPTO, "byte %zu", i);
        spki.ptr[i] ^= 0x20;
    }
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    buf_free(&longer);
}

Test(public_key, exponents)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum sks_status status;
    } row[] = {
        { "\x03", 1, SKS_OK },
        { "\x00\x00\x00\x03", 4, SKS_OK },
        { "\x01\x00\x01", 3, SKS_OK },
        { "\x01", 1, SKS_ERROR_CRYPTO },
        { "\x02", 1, SKS_ERROR_CRYPTO },
        { "\x00", 1, SKS_ERROR_CRYPTO },
        { "\x01\x00\x00", 3, SKS_ERROR_CRYPTO },
    };

    for (size_t i = 0; i < NITEMS(row); i++) {
        EVP_PKEY *pkey;

        cr_expect(private_key_generate(key_algorithm("rsa1024.exp"),
                                       bytes_at(row[i].bytes, row[i].len), &pkey) == row[i].status,
                  "row %zu", i);
        EVP_PKEY_free(pkey);
    }
}

Test(signature, lengths_and_kinds)
{
    static const struct {
        const char *key, *algorithm;
        size_t len;
        enum sks_status status;
        size_t signature;
    } row[] = {
        { "ec.nist.p256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", 32, SKS_OK, 64 },
        { "ec.nist.p256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", 64, SKS_OK, 64 },
        { "ec.nist.p521", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", 32, SKS_OK, 132 },
        { "ec.nist.p256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", 31,
          SKS_ERROR_OPTION, 0 },
        { "ec.nist.p256", "https://webpki.github.io/sks/algorithm#ecdsa.none", 1, SKS_OK, 64 },
        { "ec.nist.p256", "https://webpki.github.io/sks/algorithm#ecdsa.none", 64, SKS_OK, 64 },
        { "ec.nist.p256", "https://webpki.github.io/sks/algorithm#ecdsa.none", 0, SKS_ERROR_OPTION,
          0 },
        { "ec.nist.p256", "https://webpki.github.io/sks/algorithm#ecdsa.none", 65, SKS_ERROR_OPTION,
          0 },
        { "rsa1024", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", 48, SKS_OK, 128 },
        { "rsa1024", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", 32, SKS_ERROR_OPTION, 0 },
        { "rsa1024", "https://webpki.github.io/sks/algorithm#rsa.pkcs1.none", 117, SKS_OK, 128 },
        { "rsa1024", "https://webpki.github.io/sks/algorithm#rsa.pkcs1.none", 118, SKS_ERROR_OPTION,
          0 },
        { "ed25519", "https://webpki.github.io/sks/algorithm#ed25519", 5000, SKS_OK, 64 },
        { "ed25519", "https://webpki.github.io/sks/algorithm#ed25519", 0, SKS_OK, 64 },
    };
    static const uint8_t data[5000];

    for (size_t i = 0; i < NITEMS(row); i++) {
        EVP_PKEY *pkey = generate(row[i].key);
        struct buf out = { 0 };
        enum sks_status rc =
            sign_digest(pkey, algorithm_by_uri(bytes_of(row[i].algorithm), ALGORITHM_SIGNATURE),
                        bytes_at(data, row[i].len), &out);

        cr_expect(rc == row[i].status && out.len == row[i].signature, "row %zu: %d, %zu bytes", i,
                  rc, out.len);
        EVP_PKEY_free(pkey);
        buf_free(&out);
    }
}
