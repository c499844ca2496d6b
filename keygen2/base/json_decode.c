/*
 * From JSON to structs: one function a kind of property, and the walk along a table.
 */
#include "keygen2/base/base64.h"
#include "keygen2/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_MAX = 32,    /* characters */
    URI_MAX = 1000, /* bytes */
};

static enum sks_status no_memory(struct json_reader *r)
{
    return sks_fail(r->err, SKS_ERROR_STORAGE, "no memory for the message");
}

static enum sks_status check_range(struct json_reader *r, const struct json_place *at, size_t value,
                                   uint32_t min, uint32_t max, const char *unit)
{
    if (r->lenient || (value >= min && (max == 0 || value <= max)))
        return SKS_OK;
    if (max == 0 && min == 1)
        return json_refuse(r, at, "must not be empty");
    if (max == 0)
        return json_refuse(r, at, "must be at least %u%s", min, unit);
    if (min == max)
        return json_refuse(r, at, "must be %u%s", min, unit);
    return json_refuse(r, at, "must be %u-%u%s", min, max, unit);
}

/* A lenient reader goes on without what it cannot read. */
static enum sks_status pardon(const struct json_reader *r, enum sks_status rc)
{
    return r->lenient && rc == SKS_ERROR_OPTION ? SKS_OK : rc;
}

static struct bytes string_of(const json_t *value)
{
    return bytes_at(json_string_value(value), json_string_length(value));
}

static enum sks_status keep(struct json_reader *r, struct bytes text, struct bytes *out)
{
    *out = arena_copy(r->arena, text);
    return out->ptr == NULL ? no_memory(r) : SKS_OK;
}

static enum sks_status decode_text(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member)
{
    enum sks_status rc;

    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    TRY(check_range(r, at, bytes_code_points(string_of(value)), f->min, f->max, " characters"));
    rc = keep(r, string_of(value), member);
out:
    return rc;
}

enum sks_status json_decode_text(struct json_reader *r, const struct json_place *at,
                                 const json_t *value, struct bytes *out)
{
    static const struct json_field any = { .kind = JSON_TEXT };

    return decode_text(r, at, &any, value, out);
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex_digit(uint8_t c)
{
    return is_alphanumeric(c) && (c | 0x20) <= 'f';
}

/* RFC 3986, 3.1 "Scheme": a letter first, then letters, digits, "+-.", and a colon. */
static size_t scheme_length(struct bytes uri)
{
    size_t len = 0;

    while (len < uri.len &&
           (is_alphanumeric(uri.ptr[len]) || (len > 0 && is_one_of(uri.ptr[len], "+-."))))
        len++;
    return len > 0 && uri.ptr[0] > '9' && len < uri.len && uri.ptr[len] == ':' ? len : 0;
}

/* RFC 3986, 2 "Characters": which may stand in a URI, and "%" with its two digits. */
static bool is_absolute_uri(struct bytes uri)
{
    size_t i = scheme_length(uri), fragments = 0;

    if (i == 0 || uri.len > URI_MAX || i + 1 == uri.len)
        return false;
    for (; i < uri.len; i++) {
        if (uri.ptr[i] == '%' &&
            (i + 2 >= uri.len || !is_hex_digit(uri.ptr[i + 1]) || !is_hex_digit(uri.ptr[i + 2])))
            return false;
        if (!is_alphanumeric(uri.ptr[i]) && !is_one_of(uri.ptr[i], "-._~:/?#[]@!$&'()*+,;=%"))
            return false;
        fragments += uri.ptr[i] == '#';
    }
    return fragments <= 1;
}

static enum sks_status decode_uri(struct json_reader *r, const struct json_place *at,
                                  const struct json_field *f, const json_t *value, void *member)
{
    (void)f;
    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    if (!r->lenient && !is_absolute_uri(string_of(value)))
        return json_refuse(r, at, "not an absolute URI of at most %d bytes", URI_MAX);
    return keep(r, string_of(value), member);
}

enum sks_status json_decode_binary(struct json_reader *r, const struct json_place *at,
                                   const json_t *value, uint32_t min, uint32_t max,
                                   struct bytes *out)
{
    struct bytes text = string_of(value);
    struct buf data = { 0 };

    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    /* The room is all that decoding asks for: the buffer never moves out of the arena. */
    data.cap = text.len / 4 * 3 + 3;
    data.ptr = arena_alloc(r->arena, data.cap, 1);
    if (data.ptr == NULL)
        return no_memory(r);
    if (base64url_decode(text, &data) != SKS_OK)
        return json_refuse(r, at, "not base64url");
    *out = buf_bytes(&data);
    return check_range(r, at, out->len, min, max, " bytes");
}

static enum sks_status decode_const(struct json_reader *r, const struct json_place *at,
                                    const struct json_field *f, const json_t *value, void *member)
{
    (void)member;
    if (r->lenient || (json_is_string(value) && bytes_equal(string_of(value), bytes_of(f->with))))
        return SKS_OK;
    return json_refuse(r, at, "expected \"%s\"", (const char *)f->with);
}

static enum sks_status decode_flag(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member)
{
    (void)f;
    if (!json_is_boolean(value))
        return json_refuse(r, at, "expected true or false");
    *(bool *)member = json_is_true(value);
    return SKS_OK;
}

static enum sks_status read_number(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, uint32_t limit,
                                   uint32_t *number)
{
    uint32_t min = r->lenient ? 0 : f->min, max = r->lenient || f->max == 0 ? limit : f->max;
    json_int_t given = json_integer_value(value);

    if (!json_is_integer(value))
        return json_refuse(r, at, "expected an integer");
    if (given < (json_int_t)min || given > (json_int_t)max)
        return json_refuse(r, at, "must be %u-%u", min, max);
    *number = (uint32_t)given;
    return SKS_OK;
}

static enum sks_status decode_ushort(struct json_reader *r, const struct json_place *at,
                                     const struct json_field *f, const json_t *value, void *member)
{
    uint32_t number = 0;
    enum sks_status rc = read_number(r, at, f, value, UINT16_MAX, &number);

    *(uint16_t *)member = (uint16_t)number;
    return rc;
}

static enum sks_status decode_long(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member)
{
    return read_number(r, at, f, value, UINT32_MAX, member);
}

/* KeyGen2, 5 "Data Types": id. */
static enum sks_status decode_id(struct json_reader *r, const struct json_place *at,
                                 const struct json_field *f, const json_t *value, void *member)
{
    struct bytes id = string_of(value);
    bool good = id.len >= 1 && id.len <= ID_MAX;

    (void)f;
    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    for (size_t i = 0; good && i < id.len; i++)
        good = id.ptr[i] >= 0x21 && id.ptr[i] <= 0x7E;
    if (!good && !r->lenient)
        return json_refuse(r, at, "must be 1-%d characters from '!' to '~'", ID_MAX);
    return keep(r, id, member);
}

static enum sks_status decode_binary(struct json_reader *r, const struct json_place *at,
                                     const struct json_field *f, const json_t *value, void *member)
{
    return json_decode_binary(r, at, value, f->min, f->max, member);
}

enum sks_status json_decode_name(struct json_reader *r, const struct json_place *at,
                                 const struct name *table, const json_t *value, uint8_t *number)
{
    char known[160] = "";
    size_t len = 0;

    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    if (name_to_value(table, string_of(value), number))
        return SKS_OK;
    for (; table->text != NULL && len < sizeof known; table++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len == 0 ? "" : ", ",
                                table->text);
    return json_refuse(r, at, "must be one of %s", known);
}

static enum sks_status decode_name(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member)
{
    return json_decode_name(r, at, f->with, value, member);
}

static enum sks_status check_array(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value)
{
    if (!json_is_array(value))
        return json_refuse(r, at, "expected an array");
    return check_range(r, at, json_array_size(value), f->min, f->max, " elements");
}

static enum sks_status decode_names(struct json_reader *r, const struct json_place *at,
                                    const struct json_field *f, const json_t *value, void *member)
{
    uint8_t *set = member, bit = 0;
    enum sks_status rc;

    TRY(check_array(r, at, f, value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        const struct json_place place = { at, NULL, i };

        bit = 0;
        TRY(pardon(r, json_decode_name(r, &place, f->with, json_array_get(value, i), &bit)));
        if ((*set & bit) != 0 && !r->lenient)
            return json_refuse(r, &place, "used twice");
        *set |= bit;
    }
out:
    return rc;
}

static enum sks_status decode_element(struct json_reader *r, const struct json_place *at,
                                      const struct json_field *f, const json_t *value,
                                      struct bytes *out)
{
    static const struct json_field not_empty = { .min = 1 };

    if (f->kind == JSON_URIS)
        return decode_uri(r, at, &not_empty, value, out);
    if (f->kind == JSON_BINARIES)
        return decode_binary(r, at, &not_empty, value, out);
    return decode_text(r, at, &not_empty, value, out);
}

static enum sks_status decode_list(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member)
{
    struct bytes_list *list = member;
    size_t count = json_array_size(value);
    enum sks_status rc;

    TRY(check_array(r, at, f, value));
    list->item = arena_alloc(r->arena, count, sizeof *list->item);
    if (list->item == NULL)
        return no_memory(r);
    for (size_t i = 0; i < count; i++) {
        const struct json_place place = { at, NULL, i };

        TRY(pardon(r, decode_element(r, &place, f, json_array_get(value, i), &list->item[i])));
    }
    list->count = count;
out:
    return rc;
}

static enum sks_status decode_record(struct json_reader *r, const struct json_place *at,
                                     const struct json_field *f, const json_t *value, void *member)
{
    const struct json_type *type = f->with;
    void *record = arena_alloc(r->arena, 1, type->size);

    if (record == NULL)
        return no_memory(r);
    *(void **)member = record;
    return json_decode_part(r, at, type, value, record);
}

static enum sks_status decode_records(struct json_reader *r, const struct json_place *at,
                                      const struct json_field *f, const json_t *value, void *member)
{
    const struct json_type *type = f->with;
    struct json_array *array = member;
    size_t count = json_array_size(value);
    enum sks_status rc;

    TRY(check_array(r, at, f, value));
    array->item = arena_alloc(r->arena, count, type->size);
    if (array->item == NULL)
        return no_memory(r);
    for (size_t i = 0; i < count; i++) {
        const struct json_place place = { at, NULL, i };

        TRY(json_decode_part(r, &place, type, json_array_get(value, i),
                             (uint8_t *)array->item + i * type->size));
    }
    array->count = count;
out:
    return rc;
}

static enum sks_status decode_custom(struct json_reader *r, const struct json_place *at,
                                     const struct json_field *f, const json_t *value, void *member)
{
    const struct json_codec *codec = f->with;

    return codec->decode(r, at, value, member);
}

typedef enum sks_status decode_kind(struct json_reader *r, const struct json_place *at,
                                    const struct json_field *f, const json_t *value, void *member);

static decode_kind *const DECODE[] = {
    [JSON_CONST] = decode_const,   [JSON_FLAG] = decode_flag,     [JSON_USHORT] = decode_ushort,
    [JSON_LONG] = decode_long,     [JSON_TEXT] = decode_text,     [JSON_ID] = decode_id,
    [JSON_URI] = decode_uri,       [JSON_BINARY] = decode_binary, [JSON_NAME] = decode_name,
    [JSON_NAMES] = decode_names,   [JSON_TEXTS] = decode_list,    [JSON_URIS] = decode_list,
    [JSON_BINARIES] = decode_list, [JSON_RECORD] = decode_record, [JSON_RECORDS] = decode_records,
    [JSON_CUSTOM] = decode_custom,
};
_Static_assert(NITEMS(DECODE) == JSON_CUSTOM + 1, "every kind is decoded");

/* ---- the walk ---- */

/* The struct was zeroed: only numbers have another value when they are absent. */
static void set_fallback(const struct json_field *f, void *member)
{
    if (f->kind == JSON_FLAG)
        *(bool *)member = f->fallback != 0;
    else if (f->kind == JSON_USHORT)
        *(uint16_t *)member = (uint16_t)f->fallback;
    else if (f->kind == JSON_LONG)
        *(uint32_t *)member = f->fallback;
    else if (f->kind == JSON_NAME || f->kind == JSON_NAMES)
        *(uint8_t *)member = (uint8_t)f->fallback;
}

/* One property, which may be absent. A lenient reader makes a record of nothing where one must be.
 */
static enum sks_status decode_property(struct json_reader *r, const struct json_place *at,
                                       const struct json_field *f, const json_t *property,
                                       void *member)
{
    bool wanted = f->presence == JSON_MANDATORY;
    enum sks_status rc;

    if (property == NULL && !(wanted && r->lenient && f->kind == JSON_RECORD)) {
        set_fallback(f, member);
        return wanted && !r->lenient ? json_refuse(r, at, "missing") : SKS_OK;
    }
    rc = DECODE[f->kind](r, at, f, property, member);
    if (pardon(r, rc) != rc)
        set_fallback(f, member);
    return pardon(r, rc);
}

static bool is_in_table(const struct json_type *type, const char *name)
{
    for (size_t i = 0; i < type->count; i++)
        if (strcmp(type->field[i].name, name) == 0)
            return true;
    return false;
}

/* There is an unknown property, and at most as many known ones as the table has rows. */
static enum sks_status refuse_unknown(struct json_reader *r, const struct json_place *at,
                                      const struct json_type *type, const json_t *value)
{
    json_t *object = (json_t *)(uintptr_t)value; /* Jansson's iterators change nothing */
    void *iter = json_object_iter(object);

    while (iter != NULL && is_in_table(type, json_object_iter_key(iter)))
        iter = json_object_iter_next(object, iter);
    return json_refuse(
        r, &(struct json_place){ at, iter == NULL ? "" : json_object_iter_key(iter), 0 },
        "unknown property");
}

enum sks_status json_decode_part(struct json_reader *r, const struct json_place *at,
                                 const struct json_type *type, const json_t *value, void *out)
{
    size_t known = 0;
    enum sks_status rc = SKS_OK;

    memset(out, 0, type->size);
    if (!json_is_object(value) && !r->lenient)
        return json_refuse(r, at, "expected an object");
    for (size_t i = 0; i < type->count; i++) {
        const struct json_field *f = &type->field[i];
        const struct json_place place = { at, f->name, 0 };
        const json_t *property = json_object_get(value, f->name);

        TRY(decode_property(r, &place, f, property, (uint8_t *)out + f->offset));
        known += property != NULL;
    }
    if (known != json_object_size(value) && !r->lenient)
        return refuse_unknown(r, at, type, value);
    if (type->complete != NULL)
        type->complete(out);
    if (type->check != NULL && !r->lenient)
        rc = type->check(r, at, out);
out:
    return rc;
}

enum sks_status json_decode(const struct json_type *type, const json_t *value, void *out,
                            struct arena *arena, struct sks_error *err)
{
    struct json_reader reader = { .arena = arena, .err = err };

    return sks_explain(err, json_decode_part(&reader, NULL, type, value, out));
}

enum sks_status json_decode_leniently(const struct json_type *type, const json_t *value, void *out,
                                      struct arena *arena)
{
    struct json_reader reader = { .arena = arena, .lenient = true };

    return json_decode_part(&reader, NULL, type, value, out);
}

enum sks_status json_unique(struct json_reader *r, const struct json_place *at, json_t *seen,
                            struct bytes text)
{
    if (json_object_getn(seen, (const char *)text.ptr, text.len) != NULL)
        return json_refuse(r, at, "used twice");
    if (json_object_setn_new(seen, (const char *)text.ptr, text.len, json_true()) != 0)
        return no_memory(r);
    return SKS_OK;
}

/* ---- any value ---- */

static enum sks_status decode_any(struct json_reader *r, const struct json_place *at,
                                  const json_t *value, void *member)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    struct bytes *kept = member;

    (void)at;
    *kept = text == NULL ? (struct bytes){ 0 } : arena_copy(r->arena, bytes_of(text));
    free(text);
    return kept->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

static void encode_any(struct buf *out, const void *member)
{
    put_raw(out, *(const struct bytes *)member);
}

const struct json_codec JSON_ANY_VALUE = { decode_any, encode_any };
