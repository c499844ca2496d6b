#include "keygen2/crypto/signature.h"
#include "keygen2/crypto/fetched.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

enum { ECDSA_NONE_MAX = 64 };

/* Field length of an EC key in bytes, 0 for any other key. */
static int field_size(const EVP_PKEY *pkey)
{
    return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC ? (EVP_PKEY_get_bits(pkey) + 7) / 8 : 0;
}

static enum sks_status put_r_s(struct buf *out, struct bytes der, int size)
{
    const uint8_t *p = der.ptr;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    uint8_t octets[2 * 66];
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (sig != NULL && size <= 66 && BN_bn2binpad(ECDSA_SIG_get0_r(sig), octets, size) == size &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), octets + size, size) == size) {
        put_raw(out, bytes_at(octets, 2 * (size_t)size));
        rc = out->status;
    }
    ECDSA_SIG_free(sig);
    return rc;
}

/* DER of an r||s value; NULL if OpenSSL fails. *len is its length; OPENSSL_free() it. */
static uint8_t *der_of_r_s(struct bytes r_s, int *len)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    int half = (int)(r_s.len / 2);
    BIGNUM *r = BN_bin2bn(r_s.ptr, half, NULL), *s = BN_bin2bn(r_s.ptr + half, half, NULL);
    uint8_t *der = NULL;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* owned by sig now */
        *len = i2d_ECDSA_SIG(sig, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return der;
}

enum sks_status put_ecdsa_der(struct buf *out, struct bytes r_s)
{
    int len = 0;
    uint8_t *der = der_of_r_s(r_s, &len);
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (der != NULL && len > 0) {
        put_raw(out, bytes_at(der, (size_t)len));
        rc = out->status;
    }
    OPENSSL_free(der);
    return rc;
}

static bool data_fits(const EVP_PKEY *pkey, const struct algorithm *algorithm, struct bytes data)
{
    if (algorithm->openssl != NULL)
        return data.len == algorithm->size;
    if (algorithm->kind == KEY_KIND_EC)
        return data.len >= 1 && data.len <= ECDSA_NONE_MAX;
    if (algorithm->kind == KEY_KIND_RSA)
        return data.len + 11 <= (size_t)EVP_PKEY_get_size(pkey); /* RFC 8017, 9.2 */
    return true;
}

/* RSA signs the name of the digest with it. */
static bool is_set_for_rsa(EVP_PKEY_CTX *ctx, const char *digest)
{
    const EVP_MD *md = digest == NULL ? NULL : EVP_get_digestbyname(digest);

    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
           (md == NULL || EVP_PKEY_CTX_set_signature_md(ctx, md) > 0);
}

/* A context ready for one signature (or one check of it) over a digest. */
static EVP_PKEY_CTX *digest_context(EVP_PKEY *pkey, const char *digest, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    if (ctx == NULL || init(ctx) <= 0 ||
        (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA && !is_set_for_rsa(ctx, digest))) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct signer {
    const struct algorithm *algorithm;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *digest; /* signs a digest; a copy of it does */
    EVP_MD_CTX *message;  /* signs a message, of Ed25519; a copy of it does */
    int field;            /* EC: bytes of r and of s */
};

static void clear_signer(struct signer *s)
{
    EVP_MD_CTX_free(s->message);
    EVP_PKEY_CTX_free(s->digest);
    EVP_PKEY_free(s->pkey);
}

/* clear_signer() in any case. */
static bool set_signer(struct signer *s, EVP_PKEY *pkey, const struct algorithm *algorithm)
{
    *s = (struct signer){ .algorithm = algorithm, .field = field_size(pkey) };
    if (!EVP_PKEY_up_ref(pkey))
        return false;
    s->pkey = pkey;
    if (algorithm->kind == KEY_KIND_ED25519) {
        s->message = EVP_MD_CTX_new();
        return s->message != NULL && EVP_DigestSignInit(s->message, NULL, NULL, NULL, pkey) > 0;
    }
    s->digest = digest_context(pkey, algorithm->openssl, EVP_PKEY_sign_init);
    return s->digest != NULL;
}

struct signer *signer_new(EVP_PKEY *pkey, const struct algorithm *algorithm)
{
    struct signer *s = OPENSSL_zalloc(sizeof *s);

    if (s != NULL && !set_signer(s, pkey, algorithm)) {
        signer_free(s);
        return NULL;
    }
    return s;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    clear_signer(signer);
    OPENSSL_free(signer);
}

const struct algorithm *signer_algorithm(const struct signer *signer)
{
    return signer->algorithm;
}

static enum sks_status sign_message(const struct signer *signer, struct bytes data, struct buf *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t sig[64];
    size_t len = sizeof sig;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (ctx != NULL && EVP_MD_CTX_copy_ex(ctx, signer->message) &&
        EVP_DigestSign(ctx, sig, &len, data.ptr, data.len) > 0) {
        put_raw(out, bytes_at(sig, len));
        rc = out->status;
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

enum sks_status signer_sign(const struct signer *signer, struct bytes data, struct buf *out)
{
    EVP_PKEY_CTX *ctx = NULL;
    uint8_t sig[2048];
    size_t len = sizeof sig;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (!data_fits(signer->pkey, signer->algorithm, data))
        return SKS_ERROR_OPTION;
    if (signer->message != NULL)
        return sign_message(signer, data, out);
    ctx = EVP_PKEY_CTX_dup(signer->digest);
    if (ctx == NULL || EVP_PKEY_sign(ctx, sig, &len, data.ptr, data.len) <= 0)
        goto out;
    if (signer->field > 0) {
        rc = put_r_s(out, bytes_at(sig, len), signer->field);
    } else {
        put_raw(out, bytes_at(sig, len));
        rc = out->status;
    }
out:
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

enum sks_status sign_digest(EVP_PKEY *pkey, const struct algorithm *algorithm, struct bytes data,
                            struct buf *out)
{
    struct signer signer;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (!data_fits(pkey, algorithm, data))
        return SKS_ERROR_OPTION;
    if (set_signer(&signer, pkey, algorithm))
        rc = signer_sign(&signer, data, out);
    clear_signer(&signer);
    return rc;
}

/* The row of what sign_sha256() makes. */
static const struct algorithm *with_sha256(const EVP_PKEY *pkey)
{
    const char *jose = field_size(pkey) > 0 ? "ES256" : "RS256";

    return algorithm_by_jose(bytes_of(jose), ALGORITHM_SIGNATURE);
}

enum sks_status sign_sha256(EVP_PKEY *pkey, struct bytes data, struct buf *out)
{
    uint8_t hash[32];

    if (sha256(data, hash) != SKS_OK)
        return SKS_ERROR_CRYPTO;
    return sign_digest(pkey, with_sha256(pkey), bytes_at(hash, sizeof hash), out);
}

struct signer *signer_new_sha256(EVP_PKEY *pkey)
{
    return signer_new(pkey, with_sha256(pkey));
}

enum sks_status signer_sign_sha256(const struct signer *signer, struct bytes data, struct buf *out)
{
    uint8_t hash[32];

    if (sha256(data, hash) != SKS_OK)
        return SKS_ERROR_CRYPTO;
    return signer_sign(signer, bytes_at(hash, sizeof hash), out);
}

/* Some of libcrypto's checks tell a failed allocation from a wrong signature by their errors only.
 */
static bool had_no_memory(void)
{
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            return true;
    return false;
}

enum sks_status verify_sha256(EVP_PKEY *pkey, struct bytes data, struct bytes signature)
{
    int field = field_size(pkey), der_len = 0, ok = 0;
    EVP_PKEY_CTX *ctx = NULL;
    uint8_t hash[32], *der = NULL;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA && field == 0)
        return SKS_ERROR_CRYPTO;
    if (signature.len != (field > 0 ? 2 * (size_t)field : (size_t)EVP_PKEY_get_size(pkey)))
        return SKS_ERROR_CRYPTO;
    if (field > 0) {
        if ((der = der_of_r_s(signature, &der_len)) == NULL || der_len <= 0)
            goto out;
        signature = bytes_at(der, (size_t)der_len);
    }
    ctx = digest_context(pkey, "SHA256", EVP_PKEY_verify_init);
    if (ctx == NULL || sha256(data, hash) != SKS_OK)
        goto out;
    ERR_clear_error();
    ok = EVP_PKEY_verify(ctx, signature.ptr, signature.len, hash, sizeof hash);
    rc = ok == 1 ? SKS_OK : had_no_memory() ? SKS_ERROR_STORAGE : SKS_ERROR_MAC;
out:
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

enum sks_status verify_ed25519(EVP_PKEY *pkey, struct bytes data, struct bytes signature)
{
    EVP_MD_CTX *ctx = NULL;
    int ok = 0;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519)
        return SKS_ERROR_CRYPTO;
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) <= 0)
        goto out;
    ok = EVP_DigestVerify(ctx, signature.ptr, signature.len, data.ptr, data.len);
    rc = ok == 1 ? SKS_OK : SKS_ERROR_MAC;
out:
    EVP_MD_CTX_free(ctx);
    return rc;
}
