/* Ed25519 signatures of messages, against RFC 8032; keys that were prepared to sign. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

#include <criterion/criterion.h>

/* RFC 8032, 7.1, TEST 2. */
static const char PUBLIC[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char MESSAGE[] = "72";
static const char SIGNATURE[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static struct buf key_octets, message, signature;
static EVP_PKEY *key;

static void load(void)
{
    cr_assert(hex_decode(bytes_of(PUBLIC), &key_octets) == SKS_OK);
    cr_assert(hex_decode(bytes_of(MESSAGE), &message) == SKS_OK);
    cr_assert(hex_decode(bytes_of(SIGNATURE), &signature) == SKS_OK);
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key_octets.ptr, key_octets.len);
    cr_assert_not_null(key);
}

static void unload(void)
{
    EVP_PKEY_free(key);
    buf_free(&key_octets);
    buf_free(&message);
    buf_free(&signature);
}

TestSuite(ed25519, .init = load, .fini = unload);

Test(ed25519, known_answer)
{
    cr_assert(verify_ed25519(key, buf_bytes(&message), buf_bytes(&signature)) == SKS_OK);
}

Test(ed25519, every_other_signature_is_refused)
{
    for (size_t bit = 0; bit < 8 * signature.len; bit++) {
        signature.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
        cr_assert(verify_ed25519(key, buf_bytes(&message), buf_bytes(&signature)) == SKS_ERROR_MAC);
        signature.ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < signature.len; len++)
        cr_assert(verify_ed25519(key, buf_bytes(&message), bytes_at(signature.ptr, len)) ==
                  SKS_ERROR_MAC);
    put_byte(&signature, 0);
    cr_assert(verify_ed25519(key, buf_bytes(&message), buf_bytes(&signature)) == SKS_ERROR_MAC);
}

Test(ed25519, another_message_is_refused)
{
    message.ptr[0] ^= 1;
    cr_assert(verify_ed25519(key, buf_bytes(&message), buf_bytes(&signature)) == SKS_ERROR_MAC);
    cr_assert(verify_ed25519(key, (struct bytes){ 0 }, buf_bytes(&signature)) == SKS_ERROR_MAC);
}

Test(ed25519, another_kind_of_key_is_refused)
{
    EVP_PKEY *p256 = NULL;

    cr_assert(private_key_generate(algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION),
                                   (struct bytes){ 0 }, &p256) == SKS_OK);
    cr_assert(verify_ed25519(p256, buf_bytes(&message), buf_bytes(&signature)) == SKS_ERROR_CRYPTO);
    EVP_PKEY_free(p256);
}

/* By a key that was prepared for more than one. */
static void sign_twice(const char *algorithm)
{
    struct bytes text = bytes_of("what is signed");
    EVP_PKEY *pkey = NULL;
    struct signer *signer;

    cr_assert(private_key_generate(algorithm_by_uri(bytes_of(algorithm), ALGORITHM_KEY_GENERATION),
                                   (struct bytes){ 0 }, &pkey) == SKS_OK);
    signer = signer_new_sha256(pkey);
    for (int i = 0; i < 2; i++) {
        struct buf made = { 0 };

        cr_assert(signer_sign_sha256(signer, text, &made) == SKS_OK);
        cr_assert(verify_sha256(pkey, text, buf_bytes(&made)) == SKS_OK);
        cr_assert(verify_sha256(pkey, bytes_of("another"), buf_bytes(&made)) == SKS_ERROR_MAC);
        buf_free(&made);
    }
    signer_free(signer);
    EVP_PKEY_free(pkey);
}

Test(signer, signs_with_sha256)
{
    sign_twice("https://webpki.github.io/sks/algorithm#ec.nist.p256");
    sign_twice("https://webpki.github.io/sks/algorithm#rsa2048");
}
