#include "token/command/certificate.h"
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/public_key.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

static const char UNKNOWN[] = "?";

/* ---- facts of a certificate; NULL if it has nothing of the kind ---- */

struct seen {
    struct bytes der;
    X509 *x509;
    struct arena *arena;
};

static const char *name_text(const struct seen *c, const X509_NAME *name)
{
    const char *text = certificate_name(c->arena, name);

    return text == NULL ? UNKNOWN : clean_text(c->arena, bytes_of(text));
}

static const char *subject(const struct seen *c)
{
    return name_text(c, X509_get_subject_name(c->x509));
}

static const char *issuer(const struct seen *c)
{
    return name_text(c, X509_get_issuer_name(c->x509));
}

static const char *hex_text(struct arena *arena, struct bytes data)
{
    struct buf hex = { 0 };
    const char *text;

    hex_encode(&hex, data);
    text = hex.status == SKS_OK ? clean_text(arena, buf_bytes(&hex)) : UNKNOWN;
    buf_free(&hex);
    return text;
}

static const char *serial(const struct seen *c)
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(c->x509);

    return hex_text(c->arena,
                    bytes_at(ASN1_STRING_get0_data(number), (size_t)ASN1_STRING_length(number)));
}

static const char *moment(const struct seen *c, const ASN1_TIME *when)
{
    struct tm tm;

    return ASN1_TIME_to_tm(when, &tm) ? time_text(c->arena, timegm(&tm)) : UNKNOWN;
}

static const char *not_before(const struct seen *c)
{
    return moment(c, X509_get0_notBefore(c->x509));
}

static const char *not_after(const struct seen *c)
{
    return moment(c, X509_get0_notAfter(c->x509));
}

static bool is_over(const X509 *x509)
{
    return X509_cmp_current_time(X509_get0_notAfter(x509)) < 0;
}

static const char *validity(const struct seen *c)
{
    bool early = X509_cmp_current_time(X509_get0_notBefore(c->x509)) > 0;

    return arena_printf(c->arena, "%s to %s%s", not_before(c), not_after(c),
                        is_over(c->x509) ? " - EXPIRED"
                        : early          ? " - NOT YET"
                                         : "");
}

/* Of a kind that the token itself does not know. */
static const char *foreign_key(const struct seen *c)
{
    ASN1_OBJECT *kind = NULL;
    char text[80] = "?";

    if (X509_PUBKEY_get0_param(&kind, NULL, NULL, NULL, X509_get_X509_PUBKEY(c->x509)))
        (void)OBJ_obj2txt(text, sizeof text, kind, 0);
    return clean_text(c->arena, bytes_of(text));
}

static const char *public_key(const struct seen *c)
{
    struct buf spki = { 0 };
    struct public_key key;
    const char *text = NULL;

    if (put_certificate_key(&spki, c->der) != SKS_OK ||
        public_key_parse(buf_bytes(&spki), &key) != SKS_OK)
        text = foreign_key(c);
    else if (key.kind == KEY_KIND_RSA)
        text = arena_printf(c->arena, "RSA %u", public_key_bits(&key));
    else if (key.kind == KEY_KIND_EC)
        text = arena_printf(c->arena, "EC %s",
                            key.curve->jose != NULL ? key.curve->jose : key.curve->openssl);
    else
        text = "Ed25519";
    buf_free(&spki);
    return text == NULL ? UNKNOWN : text;
}

static const char *extension(const struct seen *c, int nid)
{
    int place = X509_get_ext_by_NID(c->x509, nid, -1);
    BIO *bio = place < 0 ? NULL : BIO_new(BIO_s_mem());
    const char *text = UNKNOWN;
    char *data;
    long len;

    if (place < 0)
        return NULL;
    if (bio != NULL && X509V3_EXT_print(bio, X509_get_ext(c->x509, place), X509V3_EXT_DEFAULT, 0) &&
        (len = BIO_get_mem_data(bio, &data)) > 0)
        text = clean_text(c->arena, bytes_at(data, (size_t)len));
    BIO_free(bio);
    return text;
}

static const char *key_usage(const struct seen *c)
{
    return extension(c, NID_key_usage);
}

static const char *extended_key_usage(const struct seen *c)
{
    return extension(c, NID_ext_key_usage);
}

static const char *alternative_names(const struct seen *c)
{
    return extension(c, NID_subject_alt_name);
}

static const char *basic_constraints(const struct seen *c)
{
    return extension(c, NID_basic_constraints);
}

static const char *fingerprint(const struct seen *c)
{
    uint8_t hash[32];

    return certificate_fingerprint(c->der, hash) == SKS_OK
               ? hex_text(c->arena, bytes_at(hash, sizeof hash))
               : UNKNOWN;
}

static const struct {
    const char *label; /* NULL: not among the lines */
    const char *name;  /* NULL: not in JSON */
    const char *(*value)(const struct seen *c);
} FACTS[] = {
    { "subject", "subject", subject },
    { "issuer", "issuer", issuer },
    { "serial number", "serialNumber", serial },
    { "valid", NULL, validity },
    { NULL, "notBefore", not_before },
    { NULL, "notAfter", not_after },
    { "public key", "publicKey", public_key },
    { "basic constraints", "basicConstraints", basic_constraints },
    { "key usage", "keyUsage", key_usage },
    { "extended usage", "extendedKeyUsage", extended_key_usage },
    { "other names", "subjectAltName", alternative_names },
    { "SHA-256", "sha256", fingerprint },
};

/* ---- what others see ---- */

static const char *one_fact(struct bytes der, struct arena *arena,
                            const char *(*value)(const struct seen *c))
{
    struct seen c = { der, NULL, arena };
    const char *text = UNKNOWN;

    if (certificate_parse(der, &c.x509) == SKS_OK)
        text = value(&c);
    X509_free(c.x509);
    return text;
}

const char *certificate_key_text(struct bytes der, struct arena *arena)
{
    return one_fact(der, arena, public_key);
}

const char *certificate_subject_text(struct bytes der, struct arena *arena)
{
    return one_fact(der, arena, subject);
}

const char *certificate_expiry_text(struct bytes der, struct arena *arena, bool *expired)
{
    struct seen c = { der, NULL, arena };
    const char *text = UNKNOWN;

    *expired = false;
    if (certificate_parse(der, &c.x509) == SKS_OK) {
        text = not_after(&c);
        *expired = is_over(c.x509);
    }
    X509_free(c.x509);
    return text;
}

void certificate_print(struct bytes der, const char *indent)
{
    struct arena arena = { 0 };
    struct seen c = { der, NULL, &arena };

    if (certificate_parse(der, &c.x509) != SKS_OK)
        (void)printf("%sdoes not decode\n", indent);
    for (size_t i = 0; c.x509 != NULL && i < NITEMS(FACTS); i++) {
        const char *text = FACTS[i].label == NULL ? NULL : FACTS[i].value(&c);

        if (text != NULL)
            (void)printf("%s%-17s  %s\n", indent, FACTS[i].label, text);
    }
    X509_free(c.x509);
    arena_free(&arena);
}

json_t *certificate_json(struct bytes der)
{
    struct arena arena = { 0 };
    struct seen c = { der, NULL, &arena };
    json_t *object = json_object();

    if (certificate_parse(der, &c.x509) == SKS_OK)
        for (size_t i = 0; i < NITEMS(FACTS); i++) {
            const char *text = FACTS[i].name == NULL ? NULL : FACTS[i].value(&c);

            if (text != NULL)
                (void)json_object_set_new(object, FACTS[i].name, json_string(text));
        }
    (void)json_object_set_new(object, "der", json_binary(der));
    X509_free(c.x509);
    arena_free(&arena);
    return object;
}
