#include "testvectors/generate/keys.h"

#include "testvectors/generate/der.h"
#include "testvectors/generate/rsa_fixtures.h"
#include "testvectors/rfc6979.h"

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { KEY_DRAW = 80 };

const struct curve CURVE[CURVES] = {
    [P256] = { "P-256", "ec.nist.p256", "1.2.840.10045.3.1.7", NID_X9_62_prime256v1, 32 },
    [P384] = { "P-384", "ec.nist.p384", "1.3.132.0.34", NID_secp384r1, 48 },
    [P521] = { "P-521", "ec.nist.p521", "1.3.132.0.35", NID_secp521r1, 66 },
    [SECP256K1] = { "secp256k1", "ec.secg.p256k1", "1.3.132.0.10", NID_secp256k1, 32 },
    [BRAINPOOL_P256] = { "brainpoolP256r1", "ec.brainpool.p256r1", "1.3.36.3.3.2.8.1.1.7",
                         NID_brainpoolP256r1, 32 },
};

/* ---- numbers ---- */

static struct bytes number(struct suite *s, const BIGNUM *n, size_t size)
{
    struct buf out = { 0 };

    need(buf_reserve(&out, size) && BN_bn2binpad(n, out.ptr, (int)size) == (int)size, "a number");
    out.len = size;
    return keep(s, &out);
}

static BIGNUM *bn(struct bytes from)
{
    BIGNUM *n = BN_bin2bn(from.ptr, (int)from.len, NULL);

    need(n != NULL, "memory");
    return n;
}

struct bytes hmac(struct suite *s, struct bytes key, struct bytes data)
{
    uint8_t mac[32];

    need(HMAC(EVP_sha256(), key.len == 0 ? (const uint8_t *)"" : key.ptr, (int)key.len,
              data.len == 0 ? (const uint8_t *)"" : data.ptr, data.len, mac, NULL) != NULL,
         "an HMAC");
    return arena_copy(&s->arena, bytes_at(mac, sizeof mac));
}

struct bytes hash256(struct suite *s, struct bytes data)
{
    uint8_t hash[32];

    need(SHA256(data.len == 0 ? (const uint8_t *)"" : data.ptr, data.len, hash) != NULL, "a hash");
    return arena_copy(&s->arena, bytes_at(hash, sizeof hash));
}

struct bytes aes_cbc(struct suite *s, struct bytes key, struct bytes iv, struct bytes data,
                     bool encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    struct buf out = { 0 };
    int len = 0, last = 0;

    need(ctx != NULL && buf_reserve(&out, data.len + 32) &&
             EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key.ptr, iv.ptr, encrypt) > 0 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) > 0 &&
             EVP_CipherUpdate(ctx, out.ptr, &len, data.ptr, (int)data.len) > 0 &&
             EVP_CipherFinal_ex(ctx, out.ptr + len, &last) > 0,
         "AES");
    out.len = (size_t)(len + last);
    EVP_CIPHER_CTX_free(ctx);
    return keep(s, &out);
}

/* ---- EC ---- */

struct bytes ec_spki(struct suite *s, const struct curve *curve, struct bytes point)
{
    return DER_SEQUENCE_OF(
        s, DER_SEQUENCE_OF(s, der_oid(s, "1.2.840.10045.2.1"), der_oid(s, curve->oid)),
        der_bits(s, point));
}

struct bytes ec_point(struct suite *s, const struct key *key)
{
    return JOIN(s, bytes_at("\x04", 1), key->x, key->y);
}

struct bytes curve_order(struct suite *s, const struct curve *curve)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    struct bytes order;

    need(group != NULL, "a curve");
    order = number(s, EC_GROUP_get0_order(group), curve->size);
    EC_GROUP_free(group);
    return order;
}

/* Coordinates of n * G, or of n * other. */
static void multiply(struct suite *s, const struct curve *curve, const BIGNUM *n,
                     const struct key *other, struct bytes *x, struct bytes *y)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *point = EC_POINT_new(group), *from = EC_POINT_new(group);
    BIGNUM *bx = BN_new(), *by = BN_new();
    bool ok = group != NULL && point != NULL && from != NULL && bx != NULL && by != NULL;

    if (other != NULL) {
        BIGNUM *ox = bn(other->x), *oy = bn(other->y);

        ok = ok && EC_POINT_set_affine_coordinates(group, from, ox, oy, NULL) &&
             EC_POINT_mul(group, point, NULL, from, n, NULL);
        BN_free(ox);
        BN_free(oy);
    } else {
        ok = ok && EC_POINT_mul(group, point, n, NULL, NULL, NULL);
    }
    need(ok && EC_POINT_get_affine_coordinates(group, point, bx, by, NULL), "a point");
    *x = number(s, bx, curve->size);
    *y = number(s, by, curve->size);
    BN_free(bx);
    BN_free(by);
    EC_POINT_free(point);
    EC_POINT_free(from);
    EC_GROUP_free(group);
}

struct key ec_key(struct suite *s, int curve, const char *label)
{
    struct key key = { .curve = &CURVE[curve] };
    BIGNUM *n = bn(draw(s, KEY_DRAW, "key %s", label)), *order = bn(curve_order(s, key.curve));
    BN_CTX *ctx = BN_CTX_new();

    need(ctx != NULL && BN_sub_word(order, 1) && BN_nnmod(n, n, order, ctx) && BN_add_word(n, 1),
         "a private key");
    key.d = number(s, n, key.curve->size);
    multiply(s, key.curve, n, NULL, &key.x, &key.y);
    key.spki = ec_spki(s, key.curve, ec_point(s, &key));
    BN_CTX_free(ctx);
    BN_free(order);
    BN_free(n);
    return key;
}

struct bytes ecdh(struct suite *s, const struct key *own, const struct key *peer)
{
    BIGNUM *d = bn(own->d);
    struct bytes x, y;

    multiply(s, own->curve, d, peer, &x, &y);
    BN_free(d);
    return x;
}

/* ---- RSA ---- */

static EVP_PKEY *rsa_load(const struct key *key)
{
    const uint8_t *p = key->d.ptr;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &p, (long)key->d.len);

    need(pkey != NULL, "an RSA key");
    return pkey;
}

struct key rsa_key(struct suite *s, int which)
{
    struct key key = { 0 };
    struct buf text = { 0 }, spki = { 0 };
    EVP_PKEY *pkey;
    BIGNUM *n = NULL;
    int len;

    need(buf_reserve(&text, strlen(RSA_FIXTURES[which])), "memory");
    len = EVP_DecodeBlock(text.ptr, (const uint8_t *)RSA_FIXTURES[which],
                          (int)strlen(RSA_FIXTURES[which]));
    need(len > 0, "base64 of an RSA key");
    for (const char *pad = strchr(RSA_FIXTURES[which], '='); pad != NULL && *pad == '='; pad++)
        len--;
    text.len = (size_t)len;
    key.d = keep(s, &text);
    pkey = rsa_load(&key);
    need(EVP_PKEY_get_bn_param(pkey, "n", &n), "a modulus");
    key.modulus = number(s, n, (size_t)BN_num_bytes(n));
    BN_free(n);
    EVP_PKEY_free(pkey);
    put_raw(&spki, DER_SEQUENCE_OF(
                       s,
                       DER_SEQUENCE_OF(s, der_oid(s, "1.2.840.113549.1.1.1"),
                                       der(s, DER_NULL, (struct bytes){ 0 })),
                       der_bits(s, DER_SEQUENCE_OF(s, der_integer(s, key.modulus),
                                                   der_integer(s, bytes_at("\x01\x00\x01", 3))))));
    key.spki = keep(s, &spki);
    return key;
}

static struct bytes rsa_sign(struct suite *s, const struct key *key, const char *hash, int padding,
                             struct bytes data)
{
    EVP_PKEY *pkey = rsa_load(key);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    uint8_t signature[512];
    size_t len = sizeof signature;

    need(ctx != NULL && EVP_DigestSignInit_ex(ctx, &pctx, hash, NULL, NULL, pkey, NULL) > 0 &&
             EVP_PKEY_CTX_set_rsa_padding(pctx, padding) > 0 &&
             (padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 0) > 0) &&
             EVP_DigestSign(ctx, signature, &len, data.ptr, data.len) > 0,
         "an RSA signature");
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return arena_copy(&s->arena, bytes_at(signature, len));
}

struct bytes rsa_sign_pss(struct suite *s, const struct key *key, struct bytes data)
{
    return rsa_sign(s, key, "SHA256", RSA_PKCS1_PSS_PADDING, data);
}

static void digest(const char *name, struct bytes data, uint8_t *out, size_t *size)
{
    unsigned len = 0;

    need(EVP_Digest(data.len == 0 ? "" : (const char *)data.ptr, data.len, out, &len,
                    EVP_get_digestbyname(name), NULL),
         "a hash");
    *size = len;
}

/* to ^= MGF1(seed). */
static void mask(const char *hash, struct bytes seed, uint8_t *to, size_t len)
{
    struct buf in = { 0 };
    uint8_t block[64];
    size_t size = 0;

    for (size_t i = 0; i < len; i++) {
        if (i == 0 || i % size == 0) {
            buf_reset(&in);
            put_raw(&in, seed);
            put_uint(&in, size == 0 ? 0 : (uint32_t)(i / size));
            digest(hash, buf_bytes(&in), block, &size);
        }
        to[i] ^= block[i % size];
    }
    buf_free(&in);
}

struct bytes rsa_raw(struct suite *s, const struct key *key, struct bytes block)
{
    BIGNUM *m = bn(block), *n = bn(key->modulus), *e = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    struct bytes out;

    need(e != NULL && ctx != NULL && BN_set_word(e, 65537) && BN_mod_exp(m, m, e, n, ctx), "RSA");
    out = number(s, m, key->modulus.len);
    BN_free(m);
    BN_free(n);
    BN_free(e);
    BN_CTX_free(ctx);
    return out;
}

/* RFC 8017, 7.1.1. */
struct bytes rsa_oaep(struct suite *s, const struct key *key, const char *hash,
                      struct bytes message)
{
    uint8_t block[512] = { 0 }, seed[64], *db;
    size_t k = key->modulus.len, size, seed_size;

    digest(hash, JOIN(s, key->modulus, message), seed, &seed_size);
    db = block + 1 + seed_size;
    digest(hash, (struct bytes){ 0 }, db, &size);
    block[k - message.len - 1] = 1;
    if (message.len > 0)
        memcpy(block + k - message.len, message.ptr, message.len);
    memcpy(block + 1, seed, seed_size);
    mask(hash, bytes_at(seed, seed_size), db, k - 1 - seed_size);
    mask(hash, bytes_at(db, k - 1 - seed_size), block + 1, seed_size);
    return rsa_raw(s, key, bytes_at(block, k));
}

/* ---- any key ---- */

const char *key_name(const struct key *key)
{
    if (key->curve != NULL)
        return key->curve->name;
    return key->modulus.len == 128 ? "RSA-1024" : "RSA-2048";
}

json_t *key_json(const struct key *key)
{
    return json_pack("{s:s, s:o, s:o}", "algorithm", key_name(key), "privateKey", hex(key->d),
                     "publicKey", hex(key->spki));
}

struct bytes key_sign_by(struct suite *s, const struct key *key, const char *hash,
                         struct bytes data)
{
    struct buf out = { 0 };
    uint8_t hashed[EVP_MAX_MD_SIZE];
    size_t len;
    BIGNUM *d;

    if (key->curve == NULL)
        return rsa_sign(s, key, hash, RSA_PKCS1_PADDING, data);
    digest(hash, data, hashed, &len);
    d = bn(key->d);
    need(rfc6979_sign(key->curve->nid, EVP_get_digestbyname(hash), d, bytes_at(hashed, len),
                      &out) == SKS_OK,
         "an ECDSA signature");
    BN_clear_free(d);
    return keep(s, &out);
}

struct bytes key_sign(struct suite *s, const struct key *key, struct bytes data)
{
    return key_sign_by(s, key, "SHA256", data);
}

struct bytes der_signature(struct suite *s, struct bytes r_s)
{
    return DER_SEQUENCE_OF(s, der_integer(s, bytes_at(r_s.ptr, r_s.len / 2)),
                           der_integer(s, bytes_at(r_s.ptr + r_s.len / 2, r_s.len / 2)));
}

/* ---- certificates ---- */

static struct bytes serial_number(struct suite *s, const struct certificate_plan *plan)
{
    struct buf out = { 0 };
    struct bytes drawn;

    if (plan->serial != NULL) {
        for (const char *p = plan->serial; *p != '\0'; p += 2) {
            unsigned byte = 0;

            need(sscanf(p, "%2x", &byte) == 1, "a serial number");
            put_byte(&out, (uint8_t)byte);
        }
        return der_integer(s, keep(s, &out));
    }
    drawn = draw(s, 8, "serial %s %s", plan->subject, plan->issuer);
    put_byte(&out, drawn.ptr[0] & 0x7F);
    put_raw(&out, bytes_at(drawn.ptr + 1, 7));
    return der_integer(s, keep(s, &out));
}

static const struct {
    const char *hash, *rsa, *ecdsa;
} SIGNATURES[] = {
    { "SHA256", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2" },
    { "SHA384", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3" },
    { "SHA1", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1" },
    { "MD5", "1.2.840.113549.1.1.4", NULL },
};

static struct bytes signature_algorithm(struct suite *s, bool rsa, const char *hash)
{
    const char *oid = NULL;

    for (size_t i = 0; i < NITEMS(SIGNATURES); i++)
        if (strcmp(SIGNATURES[i].hash, hash) == 0)
            oid = rsa ? SIGNATURES[i].rsa : SIGNATURES[i].ecdsa;
    need(oid != NULL, "a signature algorithm");
    return rsa ? DER_SEQUENCE_OF(s, der_oid(s, oid), der(s, DER_NULL, (struct bytes){ 0 }))
               : DER_SEQUENCE_OF(s, der_oid(s, oid));
}

struct bytes certificate(struct suite *s, const struct certificate_plan *plan)
{
    const bool rsa = plan->signer->curve == NULL;
    const char *hash = plan->hash == NULL ? "SHA256" : plan->hash;
    const char *from = plan->not_before == NULL ? "260101000000Z" : plan->not_before;
    const char *until = plan->not_after == NULL ? "491231235959Z" : plan->not_after;
    const struct bytes none = { 0 };
    const struct bytes algorithm = signature_algorithm(s, rsa, hash);
    const struct bytes tbs = DER_SEQUENCE_OF(
        s, der(s, 0xA0, der_integer(s, bytes_at("\x02", 1))), serial_number(s, plan), algorithm,
        der_name(s, plan->issuer),
        DER_SEQUENCE_OF(s, der(s, DER_UTC_TIME, bytes_of(from)),
                        der(s, DER_UTC_TIME, bytes_of(until))),
        der_name(s, plan->subject), plan->spki,
        plan->extensions.len == 0 ? none : der(s, 0xA3, der(s, DER_SEQUENCE, plan->extensions)));
    struct bytes signature = key_sign_by(s, plan->signer, hash, tbs);

    return DER_SEQUENCE_OF(s, tbs, algorithm,
                           der_bits(s, rsa ? signature : der_signature(s, signature)));
}
