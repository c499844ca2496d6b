/* Public keys as OpenSSL holds them. */
#include "keygen2/crypto/curve.h"
#include "keygen2/crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <string.h>

enum { POINT_MAX = 1 + 2 * 66 };

static size_t put_point(const struct public_key *key, uint8_t point[POINT_MAX])
{
    size_t size = key->curve->size;

    point[0] = 0x04;
    memcpy(point + 1, key->x.ptr, size);
    memcpy(point + 1 + size, key->y.ptr, size);
    return 1 + 2 * size;
}

static bool set_point(EVP_PKEY *pkey, const struct public_key *key)
{
    uint8_t point[POINT_MAX];
    size_t len = put_point(key, point);

    return EVP_PKEY_set1_encoded_public_key(pkey, point, len) > 0;
}

static EVP_PKEY *load_point(const struct public_key *key)
{
    EVP_PKEY_CTX *template = curve_template_of(key->curve);
    EVP_PKEY *pkey = EVP_PKEY_new();

    if (pkey == NULL || template == NULL ||
        EVP_PKEY_copy_parameters(pkey, EVP_PKEY_CTX_get0_pkey(template)) <= 0 ||
        !set_point(pkey, key)) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static EVP_PKEY *load_rsa(const struct public_key *key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *n = BN_bin2bn(key->n.ptr, (int)key->n.len, NULL);
    BIGNUM *e = BN_bin2bn(key->e.ptr, (int)key->e.len, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;

    if (build == NULL || n == NULL || e == NULL || ctx == NULL ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) ||
        (params = OSSL_PARAM_BLD_to_param(build)) == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
    return pkey;
}

EVP_PKEY *pkey_if_whole(EVP_PKEY *pkey)
{
    if (pkey != NULL && EVP_PKEY_get_bits(pkey) > 0 && EVP_PKEY_get_size(pkey) > 0)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

enum sks_status public_key_load(struct bytes spki, EVP_PKEY **pkey)
{
    struct public_key key;
    enum sks_status rc;

    *pkey = NULL;
    TRY(public_key_parse(spki, &key));
    if (key.kind == KEY_KIND_EC)
        *pkey = load_point(&key);
    else if (key.kind == KEY_KIND_RSA)
        *pkey = load_rsa(&key);
    else
        *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.x.ptr, key.x.len);
    *pkey = pkey_if_whole(*pkey);
    rc = *pkey == NULL ? SKS_ERROR_CRYPTO : SKS_OK;
out:
    return rc;
}

/* ---- a key for a moment ---- */

/* Of the curve that the thread used last: another point is set in it. */
static _Thread_local const struct algorithm *lent_curve;
static pthread_key_t lent_key;
static pthread_once_t lent_once = PTHREAD_ONCE_INIT;
static bool can_lend;

static void free_lent(void *pkey)
{
    EVP_PKEY_free(pkey);
}

static void prepare_lending(void)
{
    can_lend = pthread_key_create(&lent_key, free_lent) == 0;
}

/* NULL: this thread has none of that curve. */
static EVP_PKEY *lent(const struct public_key *key)
{
    return can_lend && key->kind == KEY_KIND_EC && lent_curve == key->curve
               ? pthread_getspecific(lent_key)
               : NULL;
}

static void lend(const struct public_key *key, EVP_PKEY *pkey)
{
    EVP_PKEY *before;

    if (!can_lend || key->kind != KEY_KIND_EC || !EVP_PKEY_up_ref(pkey))
        return;
    before = pthread_getspecific(lent_key);
    if (pthread_setspecific(lent_key, pkey) == 0) {
        lent_curve = key->curve;
        pkey = before;
    }
    EVP_PKEY_free(pkey);
}

enum sks_status public_key_borrow(struct bytes spki, EVP_PKEY **pkey)
{
    struct public_key key;
    EVP_PKEY *mine;
    enum sks_status rc;

    *pkey = NULL;
    TRY(public_key_parse(spki, &key));
    (void)pthread_once(&lent_once, prepare_lending);
    mine = lent(&key);
    if (mine == NULL) {
        TRY(public_key_load(spki, pkey));
        lend(&key, *pkey);
    } else if (set_point(mine, &key) && EVP_PKEY_up_ref(mine)) {
        *pkey = mine;
    } else {
        rc = SKS_ERROR_CRYPTO;
    }
out:
    return rc;
}

static bool is_on_curve(const struct public_key *key)
{
    const EC_GROUP *group = curve_group_of(key->curve);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    uint8_t octets[POINT_MAX];
    size_t len = put_point(key, octets);
    bool ok = point != NULL && EC_POINT_oct2point(group, point, octets, len, NULL);

    EC_POINT_free(point);
    return ok;
}

enum sks_status public_key_check(struct bytes spki)
{
    struct public_key key;
    EVP_PKEY *pkey = NULL;
    enum sks_status rc;

    TRY(public_key_parse(spki, &key));
    if (key.kind == KEY_KIND_EC)
        return is_on_curve(&key) ? SKS_OK : SKS_ERROR_CRYPTO;
    rc = public_key_load(spki, &pkey);
    EVP_PKEY_free(pkey);
out:
    return rc;
}

/* ---- and back ---- */

static enum sks_status put_ec_pkey(struct buf *out, const EVP_PKEY *pkey)
{
    char group[64];
    uint8_t point[POINT_MAX];
    size_t len = 0;

    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       NULL) <= 0 ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) <=
            0)
        return SKS_ERROR_CRYPTO;
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *row = &ALGORITHMS[i];

        if (row->kind == KEY_KIND_EC && row->spki_prefix != NULL &&
            strcmp(row->openssl, group) == 0 && len == 1 + 2U * row->size && point[0] == 0x04) {
            put_raw(out, bytes_at(row->spki_prefix, row->spki_prefix_len));
            put_raw(out, bytes_at(point + 1, len - 1));
            return out->status;
        }
    }
    return SKS_ERROR_OPTION;
}

static enum sks_status put_rsa_pkey(struct buf *out, const EVP_PKEY *pkey)
{
    BIGNUM *n = NULL, *e = NULL;
    uint8_t n_octets[2048], e_octets[2048]; /* OpenSSL's own limit is 16,384 bits */
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) > 0 &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) > 0 &&
        BN_num_bytes(n) <= (int)sizeof n_octets && BN_num_bytes(e) <= (int)sizeof e_octets) {
        put_public_key(out, &(struct public_key){
                                .kind = KEY_KIND_RSA,
                                .n = bytes_at(n_octets, (size_t)BN_bn2bin(n, n_octets)),
                                .e = bytes_at(e_octets, (size_t)BN_bn2bin(e, e_octets)),
                            });
        rc = out->status;
    }
    BN_free(n);
    BN_free(e);
    return rc;
}

enum sks_status put_pkey(struct buf *out, const EVP_PKEY *pkey)
{
    uint8_t raw[32];
    size_t len = sizeof raw;

    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_EC:
        return put_ec_pkey(out, pkey);
    case EVP_PKEY_RSA:
        return put_rsa_pkey(out, pkey);
    case EVP_PKEY_ED25519:
        if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) <= 0)
            return SKS_ERROR_CRYPTO;
        put_public_key(
            out, &(struct public_key){
                     .kind = KEY_KIND_ED25519,
                     .curve = algorithm_by_jose(bytes_of("Ed25519"), ALGORITHM_KEY_GENERATION),
                     .x = bytes_at(raw, len),
                 });
        return out->status;
    default:
        return SKS_ERROR_OPTION;
    }
}
