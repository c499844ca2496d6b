#include "testvectors/generate/fields.h"

#include <stdio.h>
#include <string.h>

static const char *const FORM_NAMES[] = {
    "byte", "bool", "ushort", "uint", "array", "blob", "raw"
};
static const size_t NUMBER_SIZE[] = { 1, 1, 2, 4 };

static bool is_number(const struct field *field)
{
    return field->form <= FORM_UINT;
}

static bool has_length(const struct field *field)
{
    return field->form == FORM_ARRAY || field->form == FORM_BLOB;
}

void field_bytes(struct fields *f, const char *name, enum form form, struct bytes value)
{
    need(f->count < FIELDS_MAX, "room for a field");
    f->item[f->count++] = (struct field){ name, form, value };
}

void field_number(struct suite *s, struct fields *f, const char *name, enum form form,
                  uint32_t value)
{
    struct buf octets = { 0 };

    for (size_t i = NUMBER_SIZE[form]; i > 0; i--)
        put_byte(&octets, (uint8_t)(value >> 8 * (i - 1)));
    field_bytes(f, name, form, keep(s, &octets));
}

struct field *field_of(struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->item[i].name, name) == 0)
            return &f->item[i];
    need(false, name);
    return NULL;
}

static void put_length(struct buf *out, size_t bytes, size_t len)
{
    for (size_t i = bytes; i > 0; i--)
        put_byte(out, (uint8_t)(len >> 8 * (i - 1)));
}

static size_t length_size(const struct field *field)
{
    return field->form == FORM_BLOB ? 4 : field->form == FORM_ARRAY ? 2 : 0;
}

static void put_one(struct buf *out, const struct field *field)
{
    put_length(out, length_size(field), field->value.len);
    put_raw(out, field->value);
}

struct bytes fields_data(struct suite *s, const struct fields *f)
{
    struct buf out = { 0 };

    for (size_t i = 0; i < f->count; i++)
        put_one(&out, &f->item[i]);
    return keep(s, &out);
}

json_t *fields_json(const struct fields *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->count; i++)
        need(json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", f->item[i].name,
                                                   "form", FORM_NAMES[f->item[i].form], "value",
                                                   hex(f->item[i].value))) == 0,
             "memory");
    return list;
}

/* ---- mistakes ---- */

void mistakes_explain(struct suite *s, const char *section)
{
    suite_note(s, "ModifiedField", "MISSING_AUTHENTICATION",
               "The value was made with one field changed.",
               "A middleman could change what the field says.", section);
    suite_note(s, "MissingField", "MISSING_AUTHENTICATION",
               "The value was made without one of the fields.",
               "A middleman could change what the field says.", section);
    suite_note(s, "WithoutLength", "LENGTH_FIELD",
               "The value was made with an array that has no length in front of it.",
               "Bytes could be moved from one field to the next.", section);
    suite_note(s, "WrongLengthSize", "LENGTH_FIELD",
               "The value was made with a length of 4 bytes where there are 2, or the reverse.",
               "No other implementation would agree.", section);
    suite_note(s, "LittleEndian", "BYTE_ORDER",
               "The value was made with a number or length in the wrong byte order.",
               "No other implementation would agree.", section);
    suite_note(s, "SwappedFields", "FIELD_ORDER",
               "The value was made with two neighbouring fields in the wrong order.",
               "No other implementation would agree.", section);
    suite_note(s, "MovedByte", "LENGTH_FIELD",
               "The value was made with one byte of a field moved over the boundary to its "
               "neighbour: the bytes without lengths are the same.",
               "Who leaves the lengths out of account takes one set of arguments for another.",
               section);
}

/* Writes all of them, field i in another way. */
typedef bool way(struct buf *out, const struct fields *f, size_t i);

static bool way_modified(struct buf *out, const struct fields *f, size_t i)
{
    const struct field *field = &f->item[i];

    if (field->value.len == 0) {
        put_length(out, length_size(field), 1);
        put_byte(out, 'x');
    } else {
        put_length(out, length_size(field), field->value.len);
        put_raw(out, field->value);
        out->ptr[out->len - 1] ^= 1;
    }
    return true;
}

static bool way_missing(struct buf *out, const struct fields *f, size_t i)
{
    (void)out;
    return f->item[i].value.len + length_size(&f->item[i]) > 0;
}

static bool way_without_length(struct buf *out, const struct fields *f, size_t i)
{
    put_raw(out, f->item[i].value);
    return has_length(&f->item[i]);
}

static bool way_length_size(struct buf *out, const struct fields *f, size_t i)
{
    put_length(out, f->item[i].form == FORM_BLOB ? 2 : 4, f->item[i].value.len);
    put_raw(out, f->item[i].value);
    return has_length(&f->item[i]);
}

static bool way_little_endian(struct buf *out, const struct fields *f, size_t i)
{
    const struct field *field = &f->item[i];
    struct bytes v = field->value;

    if (is_number(field)) {
        for (size_t k = v.len; k > 0; k--)
            put_byte(out, v.ptr[k - 1]);
    } else {
        for (size_t k = 0; k < length_size(field); k++)
            put_byte(out, (uint8_t)(v.len >> 8 * k));
        put_raw(out, v);
    }
    return v.len > 0 && (has_length(field) || v.len > 1);
}

static bool way_swapped(struct buf *out, const struct fields *f, size_t i)
{
    if (i + 1 == f->count)
        return false;
    put_one(out, &f->item[i + 1]);
    put_one(out, &f->item[i]);
    return true;
}

static bool way_moved(struct buf *out, const struct fields *f, size_t i)
{
    struct field first = f->item[i], second = f->item[i + 1 == f->count ? i : i + 1];
    uint8_t moved;

    if (i + 1 == f->count || !has_length(&first) || !has_length(&second) || first.value.len == 0)
        return false;
    moved = first.value.ptr[--first.value.len];
    put_one(out, &first);
    put_length(out, length_size(&second), second.value.len + 1);
    put_byte(out, moved);
    put_raw(out, second.value);
    return true;
}

static const struct {
    const char *flag, *before, *behind; /* of the comment, around the name of the field */
    way *make;
    size_t fields; /* that it stands for */
} WAYS[] = {
    { "ModifiedField", "made with another ", "", way_modified, 1 },
    { "MissingField", "made without ", "", way_missing, 1 },
    { "WithoutLength", "made with no length in front of ", "", way_without_length, 1 },
    { "WrongLengthSize", "made with a length of the other size in front of ", "", way_length_size,
      1 },
    { "LittleEndian", "made with the bytes of ", ", or of its length, in reverse",
      way_little_endian, 1 },
    { "SwappedFields", "made with ", " behind the next field", way_swapped, 2 },
    { "MovedByte", "made with the last byte of ", " moved to the next field", way_moved, 2 },
};

/* One way on one field. False if it does not fit there, or makes no difference. */
static bool try_mistake(struct suite *s, const struct fields *f, size_t w, size_t i,
                        struct mistake *out)
{
    struct bytes right = fields_data(s, f);
    struct buf data = { 0 };
    bool fits = true;

    for (size_t k = 0; k < f->count; k++) {
        if (k == i)
            fits = WAYS[w].make(&data, f, i);
        else if (k < i || k >= i + WAYS[w].fields)
            put_one(&data, &f->item[k]);
    }
    out->flag = WAYS[w].flag;
    (void)snprintf(out->comment, sizeof out->comment, "%s%s%s", WAYS[w].before, f->item[i].name,
                   WAYS[w].behind);
    out->data = keep(s, &data);
    return fits && !bytes_equal(out->data, right);
}

size_t mistakes(struct suite *s, const struct fields *f, size_t turn, size_t max,
                struct mistake *out)
{
    size_t made = 0;

    for (size_t round = 0; round < f->count && made < max; round++)
        for (size_t w = 0; w < NITEMS(WAYS) && made < max; w++)
            made += try_mistake(s, f, w, (round + turn + w) % f->count, &out[made]);
    return made;
}
