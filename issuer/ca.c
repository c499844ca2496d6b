#include "issuer/ca.h"
#include "issuer/der.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/fetched.h"
#include "keygen2/crypto/pem.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    DAY = 24 * 60 * 60,
    KEY_ID_SIZE = 20,
    SIGNATURE_MAX = 1024,
};

/* ---- DER ---- */

/* Takes what an i2d_ function made, and frees it. */
static void put_encoded(struct buf *out, uint8_t *der, int len)
{
    if (len > 0)
        put_raw(out, bytes_at(der, (size_t)len));
    else if (out->status == SKS_OK)
        out->status = SKS_ERROR_CRYPTO;
    OPENSSL_free(der);
}

static enum sks_status keep(struct arena *arena, struct buf *encoded, struct bytes *out)
{
    enum sks_status rc = encoded->status;

    if (rc == SKS_OK)
        *out = arena_copy(arena, buf_bytes(encoded));
    if (rc == SKS_OK && out->ptr == NULL)
        rc = SKS_ERROR_STORAGE;
    buf_free(encoded);
    return rc;
}

/* ---- loading ---- */

static enum sks_status encode_algorithm(EVP_PKEY *key, struct arena *arena, struct bytes *out)
{
    int nid, kind = EVP_PKEY_get_base_id(key), len = -1;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    struct buf encoded = { 0 };
    uint8_t *der = NULL;

    /* RFC 3279, 2.2: ECDSA has no parameters, RSA has NULL. */
    if (algorithm != NULL && OBJ_find_sigid_by_algs(&nid, NID_sha256, kind) &&
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
                        kind == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL))
        len = i2d_X509_ALGOR(algorithm, &der);
    put_encoded(&encoded, der, len);
    X509_ALGOR_free(algorithm);
    return keep(arena, &encoded, out);
}

static enum sks_status encode_name(const X509 *certificate, struct arena *arena, struct bytes *out)
{
    struct buf encoded = { 0 };
    uint8_t *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(certificate), &der);

    put_encoded(&encoded, der, len);
    return keep(arena, &encoded, out);
}

static enum sks_status encode_authority_key_id(X509 *certificate, struct arena *arena,
                                               struct bytes *out)
{
    struct buf encoded = { 0 };
    X509_EXTENSION *extension;
    uint8_t *der = NULL;
    int len = -1;
    X509V3_CTX ctx = { 0 };

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, certificate, NULL, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    if (extension != NULL)
        len = i2d_X509_EXTENSION(extension, &der);
    put_encoded(&encoded, der, len);
    X509_EXTENSION_free(extension);
    return keep(arena, &encoded, out);
}

static EVP_PKEY_CTX *signing_context(EVP_PKEY *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (ctx == NULL || EVP_PKEY_sign_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

enum sks_status ca_load(struct ca *ca, struct arena *arena, EVP_PKEY *key, X509 *certificate,
                        struct sks_error *err)
{
    enum sks_status rc;

    *ca = (struct ca){ 0 };
    REQUIRE(X509_check_private_key(certificate, key), err, SKS_ERROR_EXTERNAL,
            "the CA's key does not belong to its certificate");
    REQUIRE(X509_check_ca(certificate) == 1, err, SKS_ERROR_EXTERNAL,
            "the CA's certificate is not that of a CA");
    ca->not_after = certificate_seconds(X509_get0_notAfter(certificate));
    ca->certificate = certificate_der(arena, certificate);
    ca->sign = signing_context(key);
    REQUIRE(ca->sign != NULL && ca->certificate.ptr != NULL, err, SKS_ERROR_CRYPTO,
            "the CA's key cannot sign");
    TRY(sks_explain(err, encode_algorithm(key, arena, &ca->algorithm)));
    TRY(sks_explain(err, encode_name(certificate, arena, &ca->name)));
    TRY(sks_explain(err, encode_authority_key_id(certificate, arena, &ca->authority_key_id)));
out:
    if (rc != SKS_OK)
        ca_free(ca);
    return rc;
}

void ca_free(struct ca *ca)
{
    EVP_PKEY_CTX_free(ca->sign);
    *ca = (struct ca){ 0 };
}

/* ---- issuing ---- */

void put_certificate_time(struct buf *out, int64_t seconds)
{
    ASN1_TIME *time = ASN1_TIME_adj(NULL, seconds, 0, 0);
    uint8_t *der = NULL;
    int len = time == NULL ? -1 : i2d_ASN1_TIME(time, &der);

    put_encoded(out, der, len);
    ASN1_TIME_free(time);
}

int64_t ca_expires(const struct ca *ca, const struct certificate_template *template, int64_t now)
{
    int64_t end = now + (int64_t) template->validity_days * DAY;

    return end < ca->not_after ? end : ca->not_after;
}

static void put_validity(struct buf *out, int64_t now, int64_t end)
{
    struct buf times = { 0 };

    put_certificate_time(&times, now - CA_BACKDATE);
    put_certificate_time(&times, end);
    put_sequence(out, buf_bytes(&times));
    if (out->status == SKS_OK)
        out->status = times.status;
    buf_free(&times);
}

/* The bits of subjectPublicKey: what a key identifier is a hash of. */
static enum sks_status public_key_bits_of(struct bytes spki, struct bytes *bits)
{
    const uint8_t *p = spki.ptr;
    long len;
    int tag, tag_class;

    if ((ASN1_get_object(&p, &len, &tag, &tag_class, (long)spki.len) & 0x80) != 0 ||
        (ASN1_get_object(&p, &len, &tag, &tag_class, spki.ptr + spki.len - p) & 0x80) != 0)
        return SKS_ERROR_CRYPTO;
    p += len; /* the AlgorithmIdentifier */
    if ((ASN1_get_object(&p, &len, &tag, &tag_class, spki.ptr + spki.len - p) & 0x80) != 0 ||
        tag != V_ASN1_BIT_STRING || len < 1)
        return SKS_ERROR_CRYPTO;
    *bits = bytes_at(p + 1, (size_t)len - 1); /* behind the count of unused bits */
    return SKS_OK;
}

/* RFC 7093, 2, method 1: the first 160 bits of SHA-256. */
static enum sks_status put_subject_key_id(struct buf *out, struct bytes spki)
{
    static const uint8_t START[] = { 0x30, 0x1d, 0x06, 0x03, 0x55,       0x1d,
                                     0x0e, 0x04, 0x16, 0x04, KEY_ID_SIZE };
    struct bytes bits;
    uint8_t hash[32];
    enum sks_status rc;

    TRY(public_key_bits_of(spki, &bits));
    TRY(sha256(bits, hash));
    put_raw(out, bytes_at(START, sizeof START));
    put_raw(out, bytes_at(hash, KEY_ID_SIZE));
out:
    return rc;
}

static enum sks_status put_extensions(struct buf *out, const struct ca *ca,
                                      const struct certificate_template *template,
                                      struct bytes spki)
{
    struct buf list = { 0 }, sequence = { 0 };
    enum sks_status rc;

    put_raw(&list, template->extensions);
    put_raw(&list, template->own_extensions);
    put_raw(&list, ca->authority_key_id);
    TRY(put_subject_key_id(&list, spki));
    put_sequence(&sequence, buf_bytes(&list));
    TRY(list.status);
    put_der(out, 3, V_ASN1_CONTEXT_SPECIFIC, true, buf_bytes(&sequence));
    rc = sequence.status;
out:
    buf_free(&list);
    buf_free(&sequence);
    return rc;
}

/* RFC 5280, 4.1: TBSCertificate, version 3. */
static enum sks_status put_tbs(struct buf *out, const struct ca *ca,
                               const struct certificate_template *template, struct bytes spki,
                               int64_t now, const uint8_t *serial)
{
    static const uint8_t VERSION_3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
    struct buf tbs = { 0 };
    enum sks_status rc;

    put_raw(&tbs, bytes_at(VERSION_3, sizeof VERSION_3));
    put_der(&tbs, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, false, bytes_at(serial, CA_SERIAL_SIZE));
    put_raw(&tbs, ca->algorithm);
    put_raw(&tbs, ca->name);
    put_validity(&tbs, now, ca_expires(ca, template, now));
    put_raw(&tbs, template->subject);
    put_raw(&tbs, spki);
    TRY(put_extensions(&tbs, ca, template, spki));
    put_sequence(out, buf_bytes(&tbs));
    rc = tbs.status;
out:
    buf_free(&tbs);
    return rc;
}

static enum sks_status put_signature(struct buf *out, const struct ca *ca, struct bytes data)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(ca->sign);
    uint8_t hash[32], signature[1 + SIGNATURE_MAX] = { 0 }; /* first: no unused bits */
    size_t len = SIGNATURE_MAX;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (ctx != NULL && sha256(data, hash) == SKS_OK &&
        EVP_PKEY_sign(ctx, signature + 1, &len, hash, sizeof hash) > 0) {
        put_der(out, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL, false, bytes_at(signature, 1 + len));
        rc = out->status;
    }
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

enum sks_status ca_sign(const struct ca *ca, struct bytes tbs, struct buf *der)
{
    struct buf parts = { 0 };
    enum sks_status rc;

    put_raw(&parts, tbs);
    put_raw(&parts, ca->algorithm);
    TRY(put_signature(&parts, ca, tbs));
    put_sequence(der, buf_bytes(&parts));
    rc = der->status;
out:
    buf_free(&parts);
    return rc;
}

enum sks_status ca_issue(const struct ca *ca, const struct certificate_template *template,
                         struct bytes spki, int64_t now, uint8_t serial[CA_SERIAL_SIZE],
                         struct buf *der)
{
    struct buf tbs = { 0 };
    enum sks_status rc;

    if (now >= ca->not_after)
        return SKS_ERROR_NOT_AVAILABLE;
    TRY(random_bytes(serial, CA_SERIAL_SIZE));
    serial[0] = (serial[0] & 0x7F) | 0x40; /* positive, and always of this length */
    TRY(put_tbs(&tbs, ca, template, spki, now, serial));
    TRY(tbs.status);
    TRY(ca_sign(ca, buf_bytes(&tbs), der));
out:
    buf_free(&tbs);
    return rc;
}
