#include "keygen2/crypto/cipher.h"
#include "keygen2/base/clock.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

static bool set_rsa_padding(EVP_PKEY_CTX *ctx, const char *oaep_digest)
{
    const EVP_MD *md = oaep_digest == NULL ? NULL : EVP_get_digestbyname(oaep_digest);

    if (oaep_digest == NULL)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0;
}

/* EVP_PKEY_encrypt and EVP_PKEY_decrypt have one shape. */
typedef int rsa_step(EVP_PKEY_CTX *ctx, uint8_t *out, size_t *out_len, const uint8_t *in,
                     size_t in_len);

static enum sks_status run_rsa(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *ctx), rsa_step *step,
                               const struct algorithm *algorithm, struct bytes data,
                               struct buf *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (!buf_reserve(out, len))
        rc = out->status;
    else if (ctx != NULL && init(ctx) > 0 && set_rsa_padding(ctx, algorithm->openssl) &&
             step(ctx, out->ptr + out->len, &len, data.ptr, data.len) > 0) {
        out->len += len;
        rc = SKS_OK;
    }
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

enum sks_status rsa_encrypt(EVP_PKEY *pkey, const struct algorithm *algorithm, struct bytes data,
                            struct buf *encrypted)
{
    return run_rsa(pkey, EVP_PKEY_encrypt_init, EVP_PKEY_encrypt, algorithm, data, encrypted);
}

enum sks_status rsa_decrypt(EVP_PKEY *pkey, const struct algorithm *algorithm, struct bytes data,
                            struct buf *clear)
{
    return run_rsa(pkey, EVP_PKEY_decrypt_init, EVP_PKEY_decrypt, algorithm, data, clear);
}

enum sks_status hmac_by_algorithm(const struct algorithm *algorithm, struct bytes key,
                                  struct bytes data, struct buf *mac)
{
    static const uint8_t nothing[1];
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (HMAC(EVP_get_digestbyname(algorithm->openssl), key.ptr, (int)key.len,
             data.len == 0 ? nothing : data.ptr, data.len, value, &len) == NULL)
        return SKS_ERROR_CRYPTO;
    put_raw(mac, bytes_at(value, len));
    OPENSSL_cleanse(value, sizeof value);
    return mac->status;
}

static const EVP_CIPHER *find_cipher(const struct algorithm *algorithm, size_t key_len)
{
    char name[32];

    (void)snprintf(name, sizeof name, "AES-%zu-%s", 8 * key_len, algorithm->openssl);
    return EVP_get_cipherbyname(name);
}

static enum sks_status run_cipher(const struct algorithm *algorithm, bool encrypt, struct bytes key,
                                  const uint8_t *iv, struct bytes data, struct buf *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, last = 0;
    enum sks_status rc = SKS_ERROR_STORAGE;

    if (ctx == NULL || !buf_reserve(out, data.len + CIPHER_BLOCK))
        goto out;
    rc = SKS_ERROR_CRYPTO;
    if (EVP_CipherInit_ex(ctx, find_cipher(algorithm, key.len), NULL, key.ptr, iv, encrypt) <= 0 ||
        EVP_CIPHER_CTX_set_padding(ctx, algorithm->iv != IV_NONE) <= 0 ||
        EVP_CipherUpdate(ctx, out->ptr + out->len, &len, data.ptr, (int)data.len) <= 0 ||
        EVP_CipherFinal_ex(ctx, out->ptr + out->len + len, &last) <= 0)
        goto out;
    out->len += (size_t)(len + last);
    rc = SKS_OK;
out:
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

enum sks_status aes_by_algorithm(const struct algorithm *algorithm, bool encrypt, struct bytes key,
                                 struct bytes iv, struct bytes data, struct buf *out)
{
    uint8_t drawn[CIPHER_BLOCK];
    enum sks_status rc;

    if (algorithm->iv == IV_IN_FRONT && encrypt) {
        TRY(random_bytes(drawn, sizeof drawn));
        iv = bytes_at(drawn, sizeof drawn);
        put_raw(out, iv);
    } else if (algorithm->iv == IV_IN_FRONT) {
        TRY(get_raw(&data, CIPHER_BLOCK, &iv));
    }
    if (!encrypt && data.len == 0)
        return SKS_OK; /* nothing, or an IV alone, holds nothing */
    TRY(run_cipher(algorithm, encrypt, key, iv.ptr, data, out));
out:
    return rc;
}
