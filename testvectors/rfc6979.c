#include "testvectors/rfc6979.h"

#include <openssl/hmac.h>
#include <string.h>

enum { OCTETS_MAX = 66 }; /* of a number of P-521 */

/* What RFC 6979, 3.2 calls K and V. */
struct generator {
    const EVP_MD *md;
    size_t len; /* of the hash */
    uint8_t k[EVP_MAX_MD_SIZE], v[EVP_MAX_MD_SIZE];
};

static bool step_v(struct generator *g)
{
    return HMAC(g->md, g->k, (int)g->len, g->v, g->len, g->v, NULL) != NULL;
}

/* K = HMAC(K, V || separator || seed), V = HMAC(K, V). */
static bool step_k(struct generator *g, uint8_t separator, struct bytes seed)
{
    struct buf in = { 0 };
    bool ok;

    put_raw(&in, bytes_at(g->v, g->len));
    put_byte(&in, separator);
    put_raw(&in, seed);
    ok = in.status == SKS_OK && HMAC(g->md, g->k, (int)g->len, in.ptr, in.len, g->k, NULL) != NULL;
    buf_free(&in);
    return ok && step_v(g);
}

/* 2.3.2 bits2int. */
static bool number_of_bits(BIGNUM *out, struct bytes bits, int order_bits)
{
    int excess = (int)bits.len * 8 - order_bits;

    return BN_bin2bn(bits.ptr, (int)bits.len, out) != NULL &&
           (excess <= 0 || BN_rshift(out, out, excess));
}

/* 3.2, steps a to g: both numbers that seed it, each as long as the order. */
static bool begin(struct generator *g, const EVP_MD *md, const BIGNUM *q, const BIGNUM *d,
                  const BIGNUM *z)
{
    uint8_t octets[2 * OCTETS_MAX];
    int size = BN_num_bytes(q);
    struct bytes seed = { octets, 2 * (size_t)size };

    *g = (struct generator){ .md = md, .len = (size_t)EVP_MD_get_size(md) };
    memset(g->v, 1, g->len);
    return BN_bn2binpad(d, octets, size) == size && BN_bn2binpad(z, octets + size, size) == size &&
           step_k(g, 0, seed) && step_k(g, 1, seed);
}

/* Step h: the next nonce that is in range. */
static bool next_nonce(struct generator *g, const BIGNUM *q, BIGNUM *nonce)
{
    uint8_t bits[2 * EVP_MAX_MD_SIZE];
    size_t wanted = (size_t)BN_num_bytes(q), len;

    for (;;) {
        for (len = 0; len < wanted; len += g->len) {
            if (!step_v(g))
                return false;
            memcpy(bits + len, g->v, g->len);
        }
        if (!number_of_bits(nonce, bytes_at(bits, wanted), BN_num_bits(q)))
            return false;
        if (!BN_is_zero(nonce) && BN_cmp(nonce, q) < 0)
            return true;
        if (!step_k(g, 0, (struct bytes){ 0 }))
            return false;
    }
}

struct numbers {
    BN_CTX *ctx;
    BIGNUM *z, *nonce, *x, *r, *s;
};

/* r = x(nonce * G) mod q, s = (z + r * d) / nonce mod q. */
static bool sign_once(const EC_GROUP *group, EC_POINT *point, const BIGNUM *d, struct numbers *n)
{
    const BIGNUM *q = EC_GROUP_get0_order(group);

    return EC_POINT_mul(group, point, n->nonce, NULL, NULL, n->ctx) &&
           EC_POINT_get_affine_coordinates(group, point, n->x, NULL, n->ctx) &&
           BN_nnmod(n->r, n->x, q, n->ctx) && BN_mod_mul(n->s, n->r, d, q, n->ctx) &&
           BN_mod_add(n->s, n->s, n->z, q, n->ctx) &&
           BN_mod_inverse(n->x, n->nonce, q, n->ctx) != NULL &&
           BN_mod_mul(n->s, n->s, n->x, q, n->ctx);
}

static bool sign(const EC_GROUP *group, EC_POINT *point, const EVP_MD *md, const BIGNUM *d,
                 struct bytes digest, struct numbers *n)
{
    const BIGNUM *q = EC_GROUP_get0_order(group);
    struct generator g;

    if (!number_of_bits(n->z, digest, BN_num_bits(q)) || !BN_nnmod(n->z, n->z, q, n->ctx) ||
        !begin(&g, md, q, d, n->z))
        return false;
    do {
        if (!next_nonce(&g, q, n->nonce) || !sign_once(group, point, d, n))
            return false;
    } while (BN_is_zero(n->r) || BN_is_zero(n->s));
    return true;
}

enum sks_status rfc6979_sign(int curve, const EVP_MD *md, const BIGNUM *d, struct bytes digest,
                             struct buf *out)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    struct numbers n = { .ctx = BN_CTX_new() };
    uint8_t octets[2 * OCTETS_MAX];
    int size = group == NULL ? 0 : (EC_GROUP_get_degree(group) + 7) / 8;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (point == NULL || n.ctx == NULL || size > OCTETS_MAX)
        goto out;
    BN_CTX_start(n.ctx);
    n.z = BN_CTX_get(n.ctx);
    n.nonce = BN_CTX_get(n.ctx);
    n.x = BN_CTX_get(n.ctx);
    n.r = BN_CTX_get(n.ctx);
    n.s = BN_CTX_get(n.ctx);
    if (n.s != NULL && sign(group, point, md, d, digest, &n) &&
        BN_bn2binpad(n.r, octets, size) == size && BN_bn2binpad(n.s, octets + size, size) == size) {
        put_raw(out, bytes_at(octets, 2 * (size_t)size));
        rc = out->status;
    }
    BN_CTX_end(n.ctx);
out:
    BN_CTX_free(n.ctx);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return rc;
}
