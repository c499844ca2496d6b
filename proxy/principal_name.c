#include "proxy/principal_name.h"

#include "keygen2/base/arena.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <string.h>

/* ---- UTF-8 ---- */

static bool is_continuation(struct bytes in, size_t at)
{
    return at < in.len && (in.ptr[at] & 0xC0) == 0x80;
}

/* Bytes that a lead byte announces, itself included; 0 if it is none. */
static size_t announced(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* The second byte of overlong forms, and of what lies beyond U+10FFFF. */
static bool is_bad_second(uint8_t lead, uint8_t second)
{
    return (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90) ||
           (lead == 0xF4 && second > 0x8F);
}

/* Length of the character, or of the broken part of one, that begins here. A surrogate is broken
 * as a whole: there Java differs from the practice of others. */
static size_t java_character(struct bytes in, bool *whole)
{
    size_t want = announced(in.ptr[0]), have = 1;

    while (have < want && is_continuation(in, have) &&
           !(have == 1 && is_bad_second(in.ptr[0], in.ptr[1])))
        have++;
    *whole = want > 0 && have == want && !(in.ptr[0] == 0xED && in.ptr[1] > 0x9F);
    return have;
}

void put_java_utf8(struct buf *out, struct bytes raw)
{
    while (raw.len > 0) {
        bool whole;
        size_t len = java_character(raw, &whole);

        if (whole)
            put_raw(out, bytes_at(raw.ptr, len));
        else
            put_text(out, "\xEF\xBF\xBD");
        raw.ptr += len;
        raw.len -= len;
    }
}

/* ---- one value ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\r';
}

/* What must be escaped, and '=' and '#', which Java escapes as well. */
static void put_escaped(struct buf *out, struct bytes text)
{
    size_t lead = 0, trail = text.len;

    while (lead < text.len && is_blank(text.ptr[lead]))
        lead++;
    while (trail > lead && is_blank(text.ptr[trail - 1]))
        trail--;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '\0') {
            put_text(out, "\\00");
            continue;
        }
        if (i < lead || i >= trail || strchr(",=+<>#;\"\\", c) != NULL)
            put_byte(out, '\\');
        put_byte(out, c);
    }
}

/* One BER element: its tag, its contents and all of it; moves *in behind it. */
struct element {
    int tag, tag_class;
    struct bytes contents, whole;
};

static enum sks_status get_element(struct bytes *in, struct element *element)
{
    const uint8_t *p = in->ptr;
    long len = 0;
    int flags;

    if (in->len == 0 || in->len > INT32_MAX)
        return SKS_ERROR_CRYPTO;
    flags = ASN1_get_object(&p, &len, &element->tag, &element->tag_class, (long)in->len);
    if ((flags & 0x80) != 0 || (flags & 1) != 0) /* broken, or of indefinite length */
        return SKS_ERROR_CRYPTO;
    element->contents = bytes_at(p, (size_t)len);
    element->whole = bytes_at(in->ptr, (size_t)(p - in->ptr) + (size_t)len);
    in->ptr += element->whole.len;
    in->len -= element->whole.len;
    return SKS_OK;
}

static enum sks_status get_expected(struct bytes *in, int tag, struct bytes *contents)
{
    struct element element;
    enum sks_status rc;

    TRY(get_element(in, &element));
    if (element.tag != tag || element.tag_class != V_ASN1_UNIVERSAL)
        rc = SKS_ERROR_CRYPTO;
    *contents = element.contents;
out:
    return rc;
}

/* Java takes the bytes of any of these for UTF-8, also those of a BMPString. */
static bool is_text(const struct element *value)
{
    switch (value->tag_class == V_ASN1_UNIVERSAL ? value->tag : -1) {
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_T61STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_GENERALSTRING:
    case V_ASN1_BMPSTRING:
    case V_ASN1_UTF8STRING:
        return true;
    default:
        return false;
    }
}

static void put_value(struct buf *out, const struct element *value, bool by_name)
{
    static const char DIGITS[] = "0123456789abcdef";
    struct buf text = { 0 };

    if (by_name && is_text(value)) {
        put_java_utf8(&text, value->contents);
        put_escaped(out, buf_bytes(&text));
        if (text.status != SKS_OK)
            out->status = text.status;
        buf_free(&text);
        return;
    }
    put_byte(out, '#');
    for (size_t i = 0; i < value->whole.len; i++) {
        put_byte(out, (uint8_t)DIGITS[value->whole.ptr[i] >> 4]);
        put_byte(out, (uint8_t)DIGITS[value->whole.ptr[i] & 15]);
    }
}

/* ---- the name ---- */

static enum sks_status put_type(struct buf *out, struct bytes *in, bool *by_name)
{
    static const struct {
        int nid;
        const char *keyword;
    } KEYWORDS[] = {
        { NID_commonName, "CN" },        { NID_countryName, "C" },
        { NID_localityName, "L" },       { NID_stateOrProvinceName, "ST" },
        { NID_organizationName, "O" },   { NID_organizationalUnitName, "OU" },
        { NID_streetAddress, "STREET" }, { NID_domainComponent, "DC" },
        { NID_userId, "UID" },
    };
    const uint8_t *p = in->ptr;
    ASN1_OBJECT *type = in->len > INT32_MAX ? NULL : d2i_ASN1_OBJECT(NULL, &p, (long)in->len);
    char oid[256];
    int len, nid;

    if (type == NULL)
        return SKS_ERROR_CRYPTO;
    nid = OBJ_obj2nid(type);
    len = OBJ_obj2txt(oid, sizeof oid, type, 1);
    ASN1_OBJECT_free(type);
    in->len -= (size_t)(p - in->ptr);
    in->ptr = p;
    for (size_t i = 0; i < NITEMS(KEYWORDS); i++) {
        if (KEYWORDS[i].nid == nid) {
            put_text(out, KEYWORDS[i].keyword);
            *by_name = true;
            return SKS_OK;
        }
    }
    if (len <= 0 || (size_t)len >= sizeof oid)
        return SKS_ERROR_CRYPTO;
    put_text(out, oid);
    *by_name = false;
    return SKS_OK;
}

static enum sks_status put_rdn(struct buf *out, struct bytes rdn)
{
    enum sks_status rc = SKS_OK;

    for (bool first = true; rdn.len > 0; first = false) {
        struct bytes pair;
        struct element value;
        bool by_name;

        if (!first)
            put_byte(out, '+');
        TRY(get_expected(&rdn, V_ASN1_SEQUENCE, &pair));
        TRY(put_type(out, &pair, &by_name));
        put_byte(out, '=');
        TRY(get_element(&pair, &value));
        put_value(out, &value, by_name);
        if (pair.len > 0)
            return SKS_ERROR_CRYPTO;
    }
out:
    return rc;
}

enum sks_status put_principal_name(struct buf *out, struct bytes der)
{
    struct arena arena = { 0 };
    struct bytes rest, part, *rdn = NULL;
    size_t count = 0;
    enum sks_status rc;

    TRY(get_expected(&der, V_ASN1_SEQUENCE, &part));
    REQUIRE(der.len == 0, NULL, SKS_ERROR_CRYPTO, "bytes behind a name");
    for (rest = part; rest.len > 0; count++) {
        struct bytes skipped;

        TRY(get_expected(&rest, V_ASN1_SET, &skipped));
    }
    rdn = arena_alloc(&arena, count + 1, sizeof *rdn);
    REQUIRE(rdn != NULL, NULL, SKS_ERROR_STORAGE, "no memory for a name");
    for (size_t i = 0; i < count; i++)
        TRY(get_expected(&part, V_ASN1_SET, &rdn[i]));
    for (size_t i = count; i-- > 0;) {
        TRY(put_rdn(out, rdn[i]));
        if (i > 0)
            put_byte(out, ',');
    }
    rc = out->status;
out:
    arena_free(&arena);
    return rc;
}
