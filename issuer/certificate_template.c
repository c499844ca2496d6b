#include "issuer/certificate_template.h"
#include "issuer/der.h"
#include "issuer/enrolment.h"
#include "keygen2/base/base64.h"
#include "keygen2/message/evidence.h"

#include <openssl/x509v3.h>
#include <string.h>

enum { TYPE_MAX = 64 };

/* ---- subject ---- */

static bool is_one_of(uint8_t c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static uint8_t take(struct bytes *in)
{
    uint8_t c = in->ptr[0];

    *in = bytes_at(in->ptr + 1, in->len - 1);
    return c;
}

bool certificate_is_pattern(struct bytes text)
{
    return text.len > 0 && memchr(text.ptr, '{', text.len) != NULL;
}

static bool take_type(struct bytes *in, char type[TYPE_MAX])
{
    size_t len = 0;

    while (in->len > 0 && in->ptr[0] == ' ')
        (void)take(in);
    while (in->len > 0 && in->ptr[0] != '=' && len + 1 < TYPE_MAX)
        type[len++] = (char)take(in);
    type[len] = '\0';
    return len > 0 && in->len > 0 && take(in) == '=' && strlen(type) == len;
}

/* RFC 4514, 2.4: a backslash stands before a special character, or before two hex digits. */
static bool take_escape(struct bytes *in, struct buf *value)
{
    if (in->len >= 1 && is_one_of(in->ptr[0], " \"#+,;<=>\\")) {
        put_byte(value, take(in));
        return true;
    }
    if (in->len < 2 || hex_decode(bytes_at(in->ptr, 2), value) != SKS_OK)
        return false;
    *in = bytes_at(in->ptr + 2, in->len - 2);
    return true;
}

/* @param more out: a comma stood behind it, so that another must follow */
static enum sks_status take_value(struct bytes *in, const struct enrolment_values *values,
                                  struct buf *value, bool *more, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    buf_reset(value);
    while (in->len > 0 && in->ptr[0] != ',') {
        uint8_t c = take(in);

        if (c == '{') {
            TRY(enrolment_take(in, values, value, err));
            continue;
        }
        REQUIRE(c == '\\' ? take_escape(in, value) : !is_one_of(c, "\"+;<>"), err, SKS_ERROR_OPTION,
                "is malformed");
        if (c != '\\')
            put_byte(value, c);
    }
    *more = in->len > 0 && take(in) == ',';
    REQUIRE(value->status == SKS_OK && value->len > 0 && value->ptr[0] != '#', err,
            SKS_ERROR_OPTION, "is malformed");
out:
    return rc;
}

static enum sks_status parse_subject(struct bytes in, const struct enrolment_values *values,
                                     X509_NAME *name, struct sks_error *err)
{
    char type[TYPE_MAX] = "";
    struct sks_error why = { 0 };
    struct buf value = { 0 };
    bool more = true;
    enum sks_status rc = SKS_OK;

    while (more) {
        REQUIRE(take_type(&in, type), err, SKS_ERROR_OPTION, "expected TYPE=value");
        REQUIRE(take_value(&in, values, &value, &more, &why) == SKS_OK, err, SKS_ERROR_OPTION,
                "the value of %s: %s", type, why.text);
        /* Each goes in front of the ones before: the text has the last relative name first. */
        REQUIRE(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, value.ptr, (int)value.len, 0,
                                           0) > 0,
                err, SKS_ERROR_OPTION, "%s is unknown, or its value is too long", type);
    }
out:
    buf_free(&value);
    return rc;
}

enum sks_status certificate_subject(struct bytes text, const struct enrolment_values *values,
                                    struct arena *arena, struct bytes *der, struct sks_error *err)
{
    X509_NAME *name = X509_NAME_new();
    uint8_t *encoded = NULL;
    int len = 0;
    enum sks_status rc;

    REQUIRE(name != NULL, err, SKS_ERROR_STORAGE, "no memory");
    TRY(parse_subject(text, values, name, err));
    len = i2d_X509_NAME(name, &encoded);
    if (len > 0)
        *der = arena_copy(arena, bytes_at(encoded, (size_t)len));
    REQUIRE(len > 0 && der->ptr != NULL, err, SKS_ERROR_STORAGE, "no memory");
out:
    OPENSSL_free(encoded);
    X509_NAME_free(name);
    return rc;
}

/* ---- extensions ---- */

bool certificate_is_key_usage(struct bytes name)
{
    static const char *const KNOWN[] = {
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
        "keyAgreement",     "encipherOnly",   "decipherOnly",
    };

    for (size_t i = 0; i < NITEMS(KNOWN); i++)
        if (bytes_equal(bytes_of(KNOWN[i]), name))
            return true;
    return false;
}

/* The one that certificates of evidence keys have: whoever had it could sign evidence. */
static bool is_reserved(const ASN1_OBJECT *object)
{
    ASN1_OBJECT *reserved = OBJ_txt2obj(EVIDENCE_KEY_USAGE, 1);
    bool is = reserved == NULL || OBJ_cmp(object, reserved) == 0;

    ASN1_OBJECT_free(reserved);
    return is;
}

bool certificate_is_extended_key_usage(struct bytes name)
{
    char text[TYPE_MAX];
    ASN1_OBJECT *object;
    bool known;

    if (bytes_to_text(name, text, sizeof text) != SKS_OK || strpbrk(text, ",: ") != NULL)
        return false;
    object = OBJ_txt2obj(text, 0);
    known = object != NULL && (OBJ_obj2nid(object) != NID_undef || strchr(text, '.') != NULL) &&
            !is_reserved(object);
    ASN1_OBJECT_free(object);
    return known;
}

bool certificate_is_policy(struct bytes name)
{
    char text[TYPE_MAX];
    ASN1_OBJECT *object;
    bool known;

    if (bytes_to_text(name, text, sizeof text) != SKS_OK || strspn(text, "0123456789.") != name.len)
        return false;
    object = OBJ_txt2obj(text, 1);
    known = object != NULL;
    ASN1_OBJECT_free(object);
    return known;
}

static void put_names(struct buf *out, const struct bytes_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        put_text(out, i == 0 ? "" : ",");
        put_raw(out, names->item[i]);
    }
    put_byte(out, 0);
}

static enum sks_status put_extension(struct buf *out, int nid, const char *value)
{
    X509V3_CTX ctx = { 0 };
    X509_EXTENSION *extension;
    uint8_t *der = NULL;
    int len;

    X509V3_set_ctx_nodb(&ctx);
    extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    len = extension == NULL ? -1 : i2d_X509_EXTENSION(extension, &der);
    if (len > 0)
        put_raw(out, bytes_at(der, (size_t)len));
    OPENSSL_free(der);
    X509_EXTENSION_free(extension);
    return len > 0 ? out->status : SKS_ERROR_CRYPTO;
}

static enum sks_status put_names_extension(struct buf *out, int nid, const char *start,
                                           const struct bytes_list *names)
{
    struct buf value = { 0 };
    enum sks_status rc;

    put_text(&value, start);
    put_names(&value, names);
    TRY(value.status);
    rc = put_extension(out, nid, (const char *)value.ptr);
out:
    buf_free(&value);
    return rc;
}

/* RFC 5280, 4.2.1.4: a sequence of PolicyInformation, each with nothing but its identifier. */
static enum sks_status put_policies(struct buf *out, const struct bytes_list *policies)
{
    struct buf list = { 0 }, info = { 0 }, value = { 0 };
    char text[TYPE_MAX];
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policies->count; i++) {
        ASN1_OBJECT *object;

        TRY(bytes_to_text(policies->item[i], text, sizeof text));
        object = OBJ_txt2obj(text, 1);
        REQUIRE(object != NULL, NULL, SKS_ERROR_OPTION, "no object identifier");
        buf_reset(&info);
        put_der(&info, V_ASN1_OBJECT, V_ASN1_UNIVERSAL, false,
                bytes_at(OBJ_get0_data(object), OBJ_length(object)));
        ASN1_OBJECT_free(object);
        put_sequence(&list, buf_bytes(&info));
        TRY(info.status);
    }
    put_sequence(&value, buf_bytes(&list));
    TRY(list.status);
    TRY(value.status);
    put_der_extension(out, NID_certificate_policies, buf_bytes(&value));
    rc = out->status;
out:
    buf_free(&list);
    buf_free(&info);
    buf_free(&value);
    return rc;
}

enum sks_status certificate_extensions(const struct bytes_list *key_usage,
                                       const struct bytes_list *extended_key_usage,
                                       const struct bytes_list *policies, struct buf *out)
{
    enum sks_status rc;

    TRY(put_extension(out, NID_basic_constraints, "critical,CA:FALSE"));
    TRY(put_names_extension(out, NID_key_usage, "critical,", key_usage));
    if (extended_key_usage->count > 0)
        TRY(put_names_extension(out, NID_ext_key_usage, "", extended_key_usage));
    if (policies->count > 0)
        TRY(put_policies(out, policies));
out:
    return rc;
}
