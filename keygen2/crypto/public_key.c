#include "keygen2/crypto/public_key.h"

#include <openssl/asn1.h>
#include <string.h>

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
