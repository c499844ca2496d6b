#include "keygen2/base/bytes.h"
#include "tests/bench/token_parts.h"
#include "tests/plain/support/own_store.h"

#include <openssl/hmac.h>

static const uint8_t DIGEST[32] = { 1, 2, 3 };
const unsigned char BARE_HMAC_KEY[BARE_HMAC_KEY_SIZE] = { 7 };

void run_bare_sign(void *bare_signer, unsigned number)
{
    struct bare_signer *s = bare_signer;
    uint8_t signature[512];
    size_t len = sizeof signature;

    must(EVP_PKEY_sign(s->ctx[number % s->keys], signature, &len, DIGEST, sizeof DIGEST) > 0,
         "bare signature");
}

void run_bare_ed25519(void *pkey, unsigned number)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t signature[64];
    size_t len = sizeof signature;

    (void)number;
    must(EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) > 0 &&
             EVP_DigestSign(md, signature, &len, DIGEST, sizeof DIGEST) > 0,
         "bare signature");
    EVP_MD_CTX_free(md);
}

void run_bare_hmac(void *data, unsigned number)
{
    const struct bytes *d = data;
    uint8_t mac[32];

    (void)number;
    must(HMAC(EVP_sha256(), BARE_HMAC_KEY, BARE_HMAC_KEY_SIZE, d->ptr, d->len, mac, NULL) != NULL,
         "HMAC");
}

void run_bare_keygen(void *unused, unsigned number)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    (void)unused, (void)number;
    must(pkey != NULL, "key pair");
    EVP_PKEY_free(pkey);
}

EVP_PKEY_CTX *bare_context(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    must(ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 &&
             EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0,
         "context");
    return ctx;
}
