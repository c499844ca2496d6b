/* The session key of the 2010 profile against values computed outside our own code. */
#include "keygen2/crypto/cipher.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session_2010.h"
#include "tests/unit/support/kat.h"

#include <criterion/criterion.h>
#include <string.h>

static struct session_2010_terms terms_of(struct kat *kat)
{
    return (struct session_2010_terms){
        .server_session_id = kat_hex(kat, kat->entry, "server_session_id"),
        .client_session_id = kat_hex(kat, kat->entry, "client_session_id"),
        .provisioning_uri = kat_text(kat, kat->entry, "provisioning_uri"),
        .server_public_key = kat_hex(kat, kat->entry, "server_public_key"),
        .life_time = kat_number(kat->entry, "life_time"),
    };
}

static void expect_verdict(EVP_PKEY *device, const uint8_t proof[SKS_MAC_SIZE],
                           const struct session_2010_terms *terms, struct bytes attestation,
                           enum sks_status verdict)
{
    cr_expect_eq(session_2010_verify(device, bytes_at(proof, SKS_MAC_SIZE), terms, attestation),
                 verdict);
}

static void check_attestation(struct kat *kat)
{
    struct bytes attestation = kat_hex(kat, kat->entry, "attestation");
    struct session_2010_terms terms = terms_of(kat);
    struct bytes key = kat_hex(kat, kat->entry, "sessionKey");
    struct session_key sk = { .counter = 0 };
    struct buf data = { 0 };
    uint8_t proof[SKS_MAC_SIZE];
    EVP_PKEY *device;

    memcpy(sk.key, key.ptr, sizeof sk.key);
    cr_assert(session_2010_proof(&sk, proof) == SKS_OK);
    put_session_2010_attestation(&data, bytes_at(proof, sizeof proof), &terms);
    kat_same(kat, "data", buf_bytes(&data), kat_hex(kat, kat->entry, "data"));
    cr_assert(public_key_load(kat_hex(kat, kat->entry, "devicePublicKey"), &device) == SKS_OK);
    expect_verdict(device, proof, &terms, attestation, SKS_OK);
    expect_verdict(device, proof, &terms, bytes_at(attestation.ptr, attestation.len - 1),
                   SKS_ERROR_MAC);
    terms.life_time ^= 1;
    expect_verdict(device, proof, &terms, attestation, SKS_ERROR_MAC);
    terms.life_time ^= 1;
    proof[31] ^= 1;
    expect_verdict(device, proof, &terms, attestation, SKS_ERROR_MAC);
    EVP_PKEY_free(device);
    buf_free(&data);
}

Test(session_2010, attestation)
{
    kat_each("session2010", 4, check_attestation);
}

static void check_encryption(struct kat *kat)
{
    struct bytes encrypted = kat_hex(kat, kat->entry, "encrypted_session_key");
    struct session_key sk = { .counter = 7 }, again = { .counter = 7 };
    EVP_PKEY *own, *server_key;
    struct sks_error err = { 0 };
    struct buf out = { 0 };

    cr_assert(private_key_from_pkcs8(kat_hex(kat, kat->entry, "serverPrivateKey"), &own) == SKS_OK);
    cr_assert(session_2010_decrypt(own, encrypted, &sk) == SKS_OK, "%s", kat_comment(kat));
    kat_same(kat, "sessionKey", bytes_at(sk.key, sizeof sk.key),
             kat_hex(kat, kat->entry, "sessionKey"));
    cr_assert_eq(sk.counter, 0);
    cr_assert(session_2010_load_key(kat_hex(kat, kat->entry, "server_public_key"), &server_key,
                                    &err) == SKS_OK);
    cr_assert(session_2010_encrypt(server_key, &sk, &out) == SKS_OK);
    cr_assert_eq(out.len, 256);
    cr_assert_not(bytes_equal(buf_bytes(&out), encrypted), "OAEP draws a seed");
    cr_assert(session_2010_decrypt(own, buf_bytes(&out), &again) == SKS_OK);
    cr_assert(memcmp(sk.key, again.key, sizeof sk.key) == 0);
    out.ptr[100] ^= 1;
    cr_assert(session_2010_decrypt(own, buf_bytes(&out), &again) == SKS_ERROR_CRYPTO);
    cr_assert(session_2010_decrypt(own, bytes_at(encrypted.ptr, 255), &again) == SKS_ERROR_CRYPTO);
    EVP_PKEY_free(own);
    EVP_PKEY_free(server_key);
    buf_free(&out);
}

Test(session_2010, encryption)
{
    kat_each("session2010", 4, check_encryption);
}

/* What decrypts is not yet a session key. */
static void check_other_length(struct kat *kat)
{
    const struct algorithm *oaep = algorithm_by_uri(
        bytes_of("https://webpki.github.io/sks/algorithm#rsa.oaep.sha256"), ALGORITHM_DECRYPTION);
    const uint8_t octets[33] = { 0 };
    struct session_key sk;
    EVP_PKEY *own;

    cr_assert(private_key_from_pkcs8(kat_hex(kat, kat->entry, "serverPrivateKey"), &own) == SKS_OK);
    for (size_t len = 31; len <= 33; len++) {
        struct buf out = { 0 };

        cr_assert(rsa_encrypt(own, oaep, bytes_at(octets, len), &out) == SKS_OK);
        cr_assert(session_2010_decrypt(own, buf_bytes(&out), &sk) ==
                  (len == 32 ? SKS_OK : SKS_ERROR_CRYPTO));
        buf_free(&out);
    }
    EVP_PKEY_free(own);
}

Test(session_2010, a_key_of_another_length)
{
    kat_each("session2010", 4, check_other_length);
}

Test(session_2010, drawn_keys_differ)
{
    struct session_key one = { .counter = 1 }, two;

    cr_assert(session_2010_draw(&one) == SKS_OK && session_2010_draw(&two) == SKS_OK);
    cr_assert_eq(one.counter, 0);
    cr_assert(memcmp(one.key, two.key, sizeof one.key) != 0);
}

/* A public key with a modulus of so many bits; whether it has factors is not looked at. */
static struct buf rsa_spki(unsigned bits, struct bytes exponent)
{
    uint8_t modulus[600];
    struct buf spki = { 0 };
    struct public_key key = { .kind = KEY_KIND_RSA, .e = exponent };

    memset(modulus, 0xFF, sizeof modulus);
    modulus[0] = (uint8_t)(0xFFU >> (8 - bits % 8) % 8);
    key.n = bytes_at(modulus, (bits + 7) / 8);
    put_public_key(&spki, &key);
    cr_assert(spki.status == SKS_OK);
    return spki;
}

static void expect_key(unsigned bits, const char *exponent, size_t len, const char *text)
{
    struct buf spki = rsa_spki(bits, bytes_at(exponent, len));
    struct sks_error err = { 0 };
    EVP_PKEY *pkey;
    enum sks_status rc = session_2010_load_key(buf_bytes(&spki), &pkey, &err);

    cr_assert_eq(rc, text == NULL ? SKS_OK : SKS_ERROR_CRYPTO, "%u bits: %s", bits, err.text);
    cr_assert_eq(pkey == NULL, text != NULL);
    if (text != NULL)
        cr_assert_not_null(strstr(err.text, text), "%s", err.text);
    EVP_PKEY_free(pkey);
    buf_free(&spki);
}

Test(session_2010, server_keys)
{
    expect_key(2047, "\1\0\1", 3, "2047 bits");
    expect_key(2048, "\1\0\1", 3, NULL);
    expect_key(3072, "\1\0\1", 3, NULL);
    expect_key(4096, "\1\0\1", 3, NULL);
    expect_key(4097, "\1\0\1", 3, "4097 bits");
    expect_key(2048, "\3", 1, NULL);
    expect_key(2048, "\1", 1, "exponent");
    expect_key(2048, "\2", 1, "exponent");
    expect_key(2048, "\1\0", 2, "exponent");
}

Test(session_2010, other_keys)
{
    static const uint8_t ed25519[44] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21 };
    struct sks_error err = { 0 };
    EVP_PKEY *pkey;

    cr_assert(session_2010_load_key(bytes_at(ed25519, sizeof ed25519), &pkey, &err) ==
              SKS_ERROR_CRYPTO);
    cr_assert_not_null(strstr(err.text, "no RSA key"), "%s", err.text);
    cr_assert(session_2010_load_key((struct bytes){ 0 }, &pkey, &err) == SKS_ERROR_CRYPTO);
    cr_assert_not_null(strstr(err.text, "DER"), "%s", err.text);
}
