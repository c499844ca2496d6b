#include "testvectors/generate/der.h"

#include <stdlib.h>
#include <string.h>

struct bytes der(struct suite *s, unsigned tag, struct bytes content)
{
    struct buf out = { 0 };

    put_byte(&out, (uint8_t)tag);
    if (content.len < 0x80) {
        put_byte(&out, (uint8_t)content.len);
    } else if (content.len < 0x100) {
        put_byte(&out, 0x81);
        put_byte(&out, (uint8_t)content.len);
    } else {
        put_byte(&out, 0x82);
        put_ushort(&out, (uint16_t)content.len);
    }
    put_raw(&out, content);
    return keep(s, &out);
}

static void put_base128(struct buf *out, unsigned long number)
{
    unsigned shift = 0;

    while (shift < 28 && number >> (shift + 7) != 0)
        shift += 7;
    for (; shift > 0; shift -= 7)
        put_byte(out, (uint8_t)(0x80 | (number >> shift & 0x7F)));
    put_byte(out, (uint8_t)(number & 0x7F));
}

struct bytes der_oid(struct suite *s, const char *text)
{
    struct buf out = { 0 };
    char *end;
    unsigned long first = strtoul(text, &end, 10);

    put_base128(&out, 40 * first + strtoul(end + 1, &end, 10));
    while (*end == '.')
        put_base128(&out, strtoul(end + 1, &end, 10));
    return der(s, DER_OID, keep(s, &out));
}

struct bytes der_integer(struct suite *s, struct bytes number)
{
    struct buf out = { 0 };

    while (number.len > 1 && number.ptr[0] == 0) {
        number.ptr++;
        number.len--;
    }
    if (number.len == 0 || number.ptr[0] >= 0x80)
        put_byte(&out, 0);
    put_raw(&out, number);
    return der(s, DER_INTEGER, keep(s, &out));
}

struct bytes der_bits(struct suite *s, struct bytes bits)
{
    return der(s, DER_BIT_STRING, JOIN(s, bytes_at("", 1), bits));
}

static const struct {
    const char *name, *oid;
    enum der_tag string;
} NAME_TYPES[] = {
    { "CN", "2.5.4.3", DER_UTF8 },
    { "C", "2.5.4.6", DER_UTF8 },
    { "L", "2.5.4.7", DER_UTF8 },
    { "ST", "2.5.4.8", DER_UTF8 },
    { "O", "2.5.4.10", DER_UTF8 },
    { "OU", "2.5.4.11", DER_UTF8 },
    { "E", "1.2.840.113549.1.9.1", DER_IA5 },
    { "DC", "0.9.2342.19200300.100.1.25", DER_IA5 },
};

static struct bytes rdn(struct suite *s, const char *name, const char *value)
{
    for (size_t i = 0; i < NITEMS(NAME_TYPES); i++)
        if (strcmp(name, NAME_TYPES[i].name) == 0)
            return der(s, DER_SET,
                       DER_SEQUENCE_OF(s, der_oid(s, NAME_TYPES[i].oid),
                                       der(s, NAME_TYPES[i].string, bytes_of(value))));
    return der(s, DER_SET, DER_SEQUENCE_OF(s, der_oid(s, name), der(s, DER_UTF8, bytes_of(value))));
}

struct bytes der_name(struct suite *s, const char *text)
{
    char *copy = arena_text(&s->arena, bytes_of(text)), *rest = NULL;
    struct buf out = { 0 };

    need(copy != NULL, "memory");
    for (char *part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        char *value = strchr(part, '=');

        need(value != NULL, "a name");
        *value++ = '\0';
        put_raw(&out, rdn(s, part, value));
    }
    return der(s, DER_SEQUENCE, keep(s, &out));
}

struct bytes der_extension(struct suite *s, const char *oid, bool critical, struct bytes value)
{
    const struct bytes flag =
        critical ? der(s, DER_BOOLEAN, bytes_at("\xFF", 1)) : (struct bytes){ 0 };

    return DER_SEQUENCE_OF(s, der_oid(s, oid), flag, der(s, DER_OCTET_STRING, value));
}
