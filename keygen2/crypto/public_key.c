#include "keygen2/crypto/public_key.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { POINT_MAX = 1 + 2 * 66 };

/* AlgorithmIdentifier of rsaEncryption with its NULL, RFC 3279, 2.3.1. */
static const uint8_t RSA_ALGORITHM[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                         0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

/* ---- DER, just enough for an RSA key ---- */

static void put_der_header(struct buf *out, int tag, bool constructed, size_t len)
{
    uint8_t header[16], *p = header;

    ASN1_put_object(&p, constructed, (int)len, tag, V_ASN1_UNIVERSAL);
    put_raw(out, bytes_at(header, (size_t)(p - header)));
}

static void put_der_integer(struct buf *out, struct bytes value)
{
    bool pad = value.len > 0 && value.ptr[0] >= 0x80; /* keeps it positive */

    put_der_header(out, V_ASN1_INTEGER, false, value.len + pad);
    if (pad)
        put_byte(out, 0);
    put_raw(out, value);
}

static void put_rsa_key(struct buf *out, struct bytes n, struct bytes e)
{
    struct buf numbers = { 0 }, key = { 0 }, body = { 0 };

    put_der_integer(&numbers, n);
    put_der_integer(&numbers, e);
    put_der_header(&key, V_ASN1_SEQUENCE, true, numbers.len);
    put_raw(&key, buf_bytes(&numbers));
    put_raw(&body, bytes_at(RSA_ALGORITHM, sizeof RSA_ALGORITHM));
    put_der_header(&body, V_ASN1_BIT_STRING, false, key.len + 1);
    put_byte(&body, 0); /* no unused bits */
    put_raw(&body, buf_bytes(&key));
    put_der_header(out, V_ASN1_SEQUENCE, true, body.len);
    put_raw(out, buf_bytes(&body));
    if (out->status == SKS_OK &&
        (numbers.status != SKS_OK || key.status != SKS_OK || body.status != SKS_OK))
        out->status = SKS_ERROR_STORAGE;
    buf_free(&numbers);
    buf_free(&key);
    buf_free(&body);
}

/* Enters the next element; what lies behind it stays in *in. Lenient: the caller rebuilds. */
static bool get_der(struct bytes *in, int tag, struct bytes *content)
{
    const uint8_t *p = in->ptr;
    long len;
    int found, tag_class;

    if (in->len == 0 || in->len > INT32_MAX ||
        (ASN1_get_object(&p, &len, &found, &tag_class, (long)in->len) & 0x81) != 0)
        return false;
    if (found != tag || tag_class != V_ASN1_UNIVERSAL || len < 0)
        return false;
    *content = bytes_at(p, (size_t)len);
    *in = bytes_at(p + len, in->len - (size_t)(p - in->ptr) - (size_t)len);
    return true;
}

static bool get_der_number(struct bytes *in, struct bytes *number)
{
    if (!get_der(in, V_ASN1_INTEGER, number) || number->len == 0)
        return false;
    if (number->ptr[0] == 0 && number->len > 1)
        *number = bytes_at(number->ptr + 1, number->len - 1);
    return number->ptr[0] != 0;
}

static enum sks_status parse_rsa(struct bytes spki, struct public_key *key)
{
    struct bytes in = spki, body, algorithm, bits, skip, numbers;
    struct buf again = { 0 };
    enum sks_status rc;

    if (!get_der(&in, V_ASN1_SEQUENCE, &body) || !get_der(&body, V_ASN1_SEQUENCE, &algorithm) ||
        !get_der(&body, V_ASN1_BIT_STRING, &bits) || get_raw(&bits, 1, &skip) != SKS_OK ||
        !get_der(&bits, V_ASN1_SEQUENCE, &numbers) || !get_der_number(&numbers, &key->n) ||
        !get_der_number(&numbers, &key->e))
        return SKS_ERROR_CRYPTO;
    put_rsa_key(&again, key->n, key->e); /* whatever was not strict DER differs now */
    rc = again.status;
    if (rc == SKS_OK && !bytes_equal(buf_bytes(&again), spki))
        rc = SKS_ERROR_CRYPTO;
    buf_free(&again);
    key->kind = KEY_KIND_RSA;
    return rc;
}

/* ---- the public interface ---- */

static size_t point_size(const struct algorithm *curve)
{
    return curve->kind == KEY_KIND_EC ? 2U * curve->size : curve->size;
}

enum sks_status public_key_parse(struct bytes spki, struct public_key *key)
{
    *key = (struct public_key){ 0 };
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *row = &ALGORITHMS[i];
        size_t prefix = row->spki_prefix_len;

        if (row->spki_prefix == NULL || spki.len != prefix + point_size(row) ||
            memcmp(spki.ptr, row->spki_prefix, prefix) != 0)
            continue;
        key->kind = row->kind;
        key->curve = row;
        key->x = bytes_at(spki.ptr + prefix, row->size);
        if (row->kind == KEY_KIND_EC)
            key->y = bytes_at(spki.ptr + prefix + row->size, row->size);
        return SKS_OK;
    }
    return parse_rsa(spki, key);
}

void put_public_key(struct buf *out, const struct public_key *key)
{
    if (key->kind == KEY_KIND_RSA) {
        put_rsa_key(out, key->n, key->e);
        return;
    }
    put_raw(out, bytes_at(key->curve->spki_prefix, key->curve->spki_prefix_len));
    put_raw(out, key->x);
    put_raw(out, key->y);
}

/* Of a key with parameters only, one a curve: to copy those is what makes loading a point cheap,
 * and a context that is copied is not looked up by name. To check a point needs only the group. */
static EVP_PKEY_CTX *curve_template[32];
static EC_GROUP *curve_group[NITEMS(curve_template)];
static pthread_mutex_t curve_guard = PTHREAD_MUTEX_INITIALIZER;
static bool curve_end_planned;

static void free_curve_templates(void)
{
    for (size_t i = 0; i < NITEMS(curve_template); i++) {
        EVP_PKEY_CTX_free(curve_template[i]);
        EC_GROUP_free(curve_group[i]);
    }
}

static EVP_PKEY_CTX *make_template(const struct algorithm *curve)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *template = NULL;
    EVP_PKEY *parameters = NULL;

    if (ctx != NULL && EVP_PKEY_paramgen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_group_name(ctx, curve->openssl) > 0 &&
        EVP_PKEY_paramgen(ctx, &parameters) > 0) /* not if OpenSSL was built without this curve */
        template = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(ctx);
    return template;
}

static EC_GROUP *make_group(const struct algorithm *curve)
{
    int nid = EC_curve_nist2nid(curve->openssl);

    if (nid == NID_undef)
        nid = OBJ_txt2nid(curve->openssl);
    return nid == NID_undef ? NULL : EC_GROUP_new_by_curve_name(nid);
}

static void plan_end(void)
{
    if (!curve_end_planned) /* behind OpenSSL's own end, so that it comes first */
        curve_end_planned = atexit(free_curve_templates) == 0;
}

static EVP_PKEY_CTX *template_of(const struct algorithm *curve)
{
    EVP_PKEY_CTX **template = &curve_template[curve - ALGORITHMS], *made;

    _Static_assert(NITEMS(curve_template) >= 32, "one place a row of ALGORITHMS");
    (void)pthread_mutex_lock(&curve_guard);
    if (*template == NULL)
        *template = make_template(curve);
    made = *template;
    plan_end();
    (void)pthread_mutex_unlock(&curve_guard);
    return made;
}

EVP_PKEY_CTX *public_key_context(const struct algorithm *curve)
{
    const EVP_PKEY_CTX *template = template_of(curve);

    return template == NULL ? NULL : EVP_PKEY_CTX_dup(template);
}

static const EC_GROUP *group_of(const struct algorithm *curve)
{
    EC_GROUP **group = &curve_group[curve - ALGORITHMS], *made;

    (void)pthread_mutex_lock(&curve_guard);
    if (*group == NULL)
        *group = make_group(curve);
    made = *group;
    plan_end();
    (void)pthread_mutex_unlock(&curve_guard);
    return made;
}

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
    EVP_PKEY_CTX *template = template_of(key->curve);
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
    const EC_GROUP *group = group_of(key->curve);
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
            strcmp(row->openssl, group) == 0 && len == 1 + point_size(row) && point[0] == 0x04) {
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
        put_rsa_key(out, bytes_at(n_octets, (size_t)BN_bn2bin(n, n_octets)),
                    bytes_at(e_octets, (size_t)BN_bn2bin(e, e_octets)));
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

unsigned public_key_bits(const struct public_key *key)
{
    unsigned bits;

    if (key->kind == KEY_KIND_EC)
        return key->curve->size == 66 ? 521 : 8U * key->curve->size;
    if (key->kind != KEY_KIND_RSA || key->n.len == 0)
        return 0;
    bits = 8U * (unsigned)key->n.len;
    for (unsigned top = key->n.ptr[0]; top < 0x80 && top > 0; top <<= 1)
        bits--;
    return bits;
}

bool public_key_is_fit(const struct public_key *key, bool rsa)
{
    size_t bytes = key->n.len; /* the reference measures the modulus in whole bytes */

    if (key->kind == KEY_KIND_RSA)
        return rsa && (bytes == 128 || bytes == 256 || bytes == 384 || bytes == 512);
    return key->kind == KEY_KIND_EC;
}
