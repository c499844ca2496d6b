#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/curve.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* The numbers of each kind of key, by OpenSSL's names, in the order they are written. */
static const char *const RSA_NUMBERS[] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

/* OpenSSL asks between two candidates for a prime; 0 ends the generation. */
static int may_go_on(EVP_PKEY_CTX *ctx)
{
    const atomic_bool *const *cancelled = EVP_PKEY_CTX_get_app_data(ctx);

    return !atomic_load(*cancelled);
}

static EVP_PKEY *generate_rsa(const struct algorithm *algorithm, BIGNUM *exponent,
                              const atomic_bool *cancelled)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx != NULL && cancelled != NULL) {
        EVP_PKEY_CTX_set_app_data(ctx, &cancelled);
        EVP_PKEY_CTX_set_cb(ctx, may_go_on);
    }
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, algorithm->size) <= 0 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) <= 0 ||
        EVP_PKEY_generate(ctx, &pkey) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* By the parameters that are there already: to make them from the curve's name is a third of it. */
static EVP_PKEY *generate_ec(const struct algorithm *algorithm)
{
    EVP_PKEY_CTX *ctx = curve_context(algorithm);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_generate(ctx, &pkey) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

enum sks_status private_key_generate(const struct algorithm *algorithm, struct bytes exponent,
                                     EVP_PKEY **pkey)
{
    return private_key_generate_unless(NULL, algorithm, exponent, pkey);
}

enum sks_status private_key_generate_unless(const atomic_bool *cancelled,
                                            const struct algorithm *algorithm,
                                            struct bytes exponent, EVP_PKEY **pkey)
{
    static const uint8_t F4[] = { 1, 0, 1 };
    BIGNUM *e = NULL;

    *pkey = NULL;
    if (algorithm->kind == KEY_KIND_EC)
        *pkey = generate_ec(algorithm);
    else if (algorithm->kind == KEY_KIND_ED25519)
        *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else if (algorithm->kind == KEY_KIND_RSA) {
        if (exponent.len == 0)
            exponent = bytes_at(F4, sizeof F4);
        e = BN_bin2bn(exponent.ptr, (int)exponent.len, NULL);
        if (e != NULL && BN_is_odd(e) && !BN_is_one(e))
            *pkey = generate_rsa(algorithm, e, cancelled);
        BN_free(e);
    }
    *pkey = pkey_if_whole(*pkey);
    return *pkey == NULL ? SKS_ERROR_CRYPTO : SKS_OK;
}

enum sks_status key_maker_make(const struct key_maker *maker, const struct algorithm *algorithm,
                               struct bytes exponent, EVP_PKEY **pkey)
{
    return maker == NULL ? private_key_generate(algorithm, exponent, pkey)
                         : maker->make(maker->ctx, algorithm, exponent, pkey);
}

enum sks_status private_key_from_pkcs8(struct bytes der, EVP_PKEY **pkey)
{
    const uint8_t *p = der.ptr;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);

    *pkey = info != NULL && p == der.ptr + der.len ? EVP_PKCS82PKEY(info) : NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return *pkey == NULL ? SKS_ERROR_CRYPTO : SKS_OK;
}

static void put_number(struct buf *out, const EVP_PKEY *pkey, const char *name, size_t size)
{
    BIGNUM *number = NULL;
    uint8_t octets[2048];

    if (EVP_PKEY_get_bn_param(pkey, name, &number) <= 0 ||
        BN_num_bytes(number) > (int)sizeof octets) {
        out->status = SKS_ERROR_CRYPTO;
    } else {
        if (size == 0)
            size = (size_t)BN_num_bytes(number);
        if (BN_bn2binpad(number, octets, (int)size) < 0)
            out->status = SKS_ERROR_CRYPTO;
        put_array(out, bytes_at(octets, size));
    }
    OPENSSL_cleanse(octets, sizeof octets);
    BN_clear_free(number);
}

static enum sks_status put_raw_private(struct buf *out, const EVP_PKEY *pkey)
{
    uint8_t raw[32];
    size_t len = sizeof raw;
    int ok = EVP_PKEY_get_raw_private_key(pkey, raw, &len);

    if (ok > 0)
        put_array(out, bytes_at(raw, len));
    OPENSSL_cleanse(raw, sizeof raw);
    return ok > 0 ? out->status : SKS_ERROR_CRYPTO;
}

static enum sks_status put_private(struct buf *out, const EVP_PKEY *pkey, struct bytes spki)
{
    struct public_key key;
    enum sks_status rc;

    TRY(public_key_parse(spki, &key));
    put_byte(out, (uint8_t)key.kind);
    if (key.kind == KEY_KIND_RSA) {
        for (size_t i = 0; i < NITEMS(RSA_NUMBERS); i++)
            put_number(out, pkey, RSA_NUMBERS[i], 0);
    } else if (key.kind == KEY_KIND_EC) {
        put_array(out, spki);
        put_number(out, pkey, OSSL_PKEY_PARAM_PRIV_KEY, key.curve->size);
    } else {
        TRY(put_raw_private(out, pkey));
    }
    rc = out->status;
out:
    return rc;
}

enum sks_status put_key_pair(struct buf *spki, struct buf *private_key, const EVP_PKEY *pkey)
{
    size_t before = spki->len;
    enum sks_status rc;

    TRY(put_pkey(spki, pkey));
    rc = put_private(private_key, pkey, bytes_at(spki->ptr + before, spki->len - before));
out:
    return rc;
}

enum sks_status put_private_key(struct buf *out, const EVP_PKEY *pkey)
{
    struct buf spki = { 0 };
    enum sks_status rc = put_key_pair(&spki, out, pkey);

    buf_free(&spki);
    return rc;
}

/* Builds a key of named numbers, text and octets; frees nothing that it was given. */
static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) <= 0)
        pkey = NULL;
    for (const OSSL_PARAM *p = params; p != NULL && p->key != NULL; p++)
        OPENSSL_cleanse(p->data, p->data_size); /* OSSL_PARAM_free() does not */
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static enum sks_status get_rsa(struct bytes *in, EVP_PKEY **pkey)
{
    BIGNUM *number[NITEMS(RSA_NUMBERS)] = { 0 };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    enum sks_status rc = build == NULL ? SKS_ERROR_STORAGE : SKS_OK;

    for (size_t i = 0; rc == SKS_OK && i < NITEMS(RSA_NUMBERS); i++) {
        struct bytes octets;

        TRY(get_array(in, &octets));
        number[i] = BN_bin2bn(octets.ptr, (int)octets.len, NULL);
        if (number[i] == NULL || !OSSL_PARAM_BLD_push_BN(build, RSA_NUMBERS[i], number[i]))
            rc = SKS_ERROR_CRYPTO;
    }
    if (rc == SKS_OK && (*pkey = from_params("RSA", build)) == NULL)
        rc = SKS_ERROR_CRYPTO;
out:
    OSSL_PARAM_BLD_free(build);
    for (size_t i = 0; i < NITEMS(RSA_NUMBERS); i++)
        BN_clear_free(number[i]);
    return rc;
}

static enum sks_status get_ec(struct bytes *in, EVP_PKEY **pkey)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *scalar = NULL;
    struct public_key key;
    struct bytes spki, octets;
    enum sks_status rc;

    TRY(get_array(in, &spki));
    TRY(get_array(in, &octets));
    TRY(public_key_parse(spki, &key));
    rc = SKS_ERROR_CRYPTO;
    scalar = BN_bin2bn(octets.ptr, (int)octets.len, NULL);
    if (build == NULL || key.kind != KEY_KIND_EC || scalar == NULL ||
        !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, key.curve->openssl,
                                         0) ||
        !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key.x.ptr - 1,
                                          1 + 2U * key.curve->size) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
        goto out;
    *pkey = from_params("EC", build);
    rc = *pkey == NULL ? SKS_ERROR_CRYPTO : SKS_OK;
out:
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(scalar);
    return rc;
}

enum sks_status get_private_key(struct bytes *in, EVP_PKEY **pkey)
{
    struct bytes raw;
    uint8_t kind;
    enum sks_status rc;

    *pkey = NULL;
    TRY(get_byte(in, &kind));
    if (kind == KEY_KIND_RSA) {
        TRY(get_rsa(in, pkey));
    } else if (kind == KEY_KIND_EC) {
        TRY(get_ec(in, pkey));
    } else if (kind == KEY_KIND_ED25519) {
        TRY(get_array(in, &raw));
        *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw.ptr, raw.len);
    }
    *pkey = pkey_if_whole(*pkey);
    rc = *pkey != NULL ? SKS_OK : SKS_ERROR_CRYPTO;
out:
    return rc;
}
