/*
 * From structs to JSON text: one function a kind of property, and the walk along a table.
 */
#include "keygen2/base/base64.h"
#include "keygen2/base/json.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokens ---- */

static void refuse(struct buf *out)
{
    if (out->status == SKS_OK)
        out->status = SKS_ERROR_OPTION;
}

static void put_escaped(struct buf *out, uint8_t c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *found = c == 0 ? NULL : strchr(plain, c);
    char text[8];

    if (found != NULL)
        (void)snprintf(text, sizeof text, "\\%c", letter[found - plain]);
    else
        (void)snprintf(text, sizeof text, "\\u%04X", c);
    put_text(out, text);
}

void json_put_text(struct buf *out, struct bytes text)
{
    size_t done = 0;

    if (!bytes_is_utf8(text)) {
        refuse(out);
        return;
    }
    put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put_raw(out, bytes_at(text.ptr + done, i - done));
        put_escaped(out, c);
        done = i + 1;
    }
    if (done < text.len)
        put_raw(out, bytes_at(text.ptr + done, text.len - done));
    put_byte(out, '"');
}

void json_put_binary(struct buf *out, struct bytes data)
{
    put_byte(out, '"');
    base64url_encode(out, data);
    put_byte(out, '"');
}

static void put_number(struct buf *out, uint32_t number)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u", number);
    put_text(out, text);
}

static void put_separator(struct buf *out, bool first)
{
    if (!first)
        put_byte(out, ',');
}

/* ---- one function a kind; a value that has no JSON form makes the buffer fail ---- */

static void put_const(struct buf *out, const struct json_field *f, const void *member)
{
    (void)member;
    json_put_text(out, bytes_of(f->with));
}

static void put_flag(struct buf *out, const struct json_field *f, const void *member)
{
    (void)f;
    put_text(out, *(const bool *)member ? "true" : "false");
}

static void put_short(struct buf *out, const struct json_field *f, const void *member)
{
    (void)f;
    put_number(out, *(const uint16_t *)member);
}

static void put_long(struct buf *out, const struct json_field *f, const void *member)
{
    (void)f;
    put_number(out, *(const uint32_t *)member);
}

static void put_slice(struct buf *out, const struct json_field *f, const void *member)
{
    (void)f;
    json_put_text(out, *(const struct bytes *)member);
}

static void put_binary(struct buf *out, const struct json_field *f, const void *member)
{
    (void)f;
    json_put_binary(out, *(const struct bytes *)member);
}

static void put_name(struct buf *out, const struct json_field *f, const void *member)
{
    json_put_name(out, f->with, *(const uint8_t *)member);
}

static void put_names(struct buf *out, const struct json_field *f, const void *member)
{
    uint8_t all = *(const uint8_t *)member, left = all;

    put_byte(out, '[');
    for (const struct name *name = f->with; name->text != NULL; name++) {
        if ((left & name->value) == 0)
            continue;
        put_separator(out, left == all);
        json_put_text(out, bytes_of(name->text));
        left &= (uint8_t)~name->value;
    }
    put_byte(out, ']');
    if (left != 0)
        refuse(out);
}

static void put_slices(struct buf *out, const struct json_field *f, const void *member)
{
    const struct bytes_list *list = member;

    put_byte(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        put_separator(out, i == 0);
        if (f->kind == JSON_BINARIES)
            json_put_binary(out, list->item[i]);
        else
            json_put_text(out, list->item[i]);
    }
    put_byte(out, ']');
}

static void put_record(struct buf *out, const struct json_field *f, const void *member)
{
    const void *record = *(void *const *)member;

    if (record == NULL)
        refuse(out);
    else
        json_put(out, f->with, record);
}

static void put_records(struct buf *out, const struct json_field *f, const void *member)
{
    const struct json_type *type = f->with;
    const struct json_array *records = member;

    put_byte(out, '[');
    for (size_t i = 0; i < records->count; i++) {
        put_separator(out, i == 0);
        json_put(out, type, (const uint8_t *)records->item + i * type->size);
    }
    put_byte(out, ']');
}

void json_put_name(struct buf *out, const struct name *table, uint8_t number)
{
    const char *name = name_of_value(table, number);

    if (name == NULL)
        refuse(out);
    else
        json_put_text(out, bytes_of(name));
}

/* ---- what counts as absent, by the type that is stored ---- */

static bool never_absent(const struct json_field *f, const void *member)
{
    (void)f;
    (void)member;
    return false;
}

static bool absent_flag(const struct json_field *f, const void *member)
{
    return *(const bool *)member == (f->fallback != 0);
}

static bool absent_ushort(const struct json_field *f, const void *member)
{
    return *(const uint16_t *)member == f->fallback;
}

static bool absent_long(const struct json_field *f, const void *member)
{
    return *(const uint32_t *)member == f->fallback;
}

static bool absent_name(const struct json_field *f, const void *member)
{
    return *(const uint8_t *)member == f->fallback;
}

static bool absent_slice(const struct json_field *f, const void *member)
{
    (void)f;
    return ((const struct bytes *)member)->len == 0;
}

static bool absent_list(const struct json_field *f, const void *member)
{
    (void)f;
    return ((const struct bytes_list *)member)->count == 0;
}

static bool absent_record(const struct json_field *f, const void *member)
{
    (void)f;
    return *(void *const *)member == NULL;
}

static bool absent_records(const struct json_field *f, const void *member)
{
    (void)f;
    return ((const struct json_array *)member)->count == 0;
}

static const struct {
    bool (*absent)(const struct json_field *f, const void *member);
    void (*put)(struct buf *out, const struct json_field *f, const void *member);
} ENCODE[] = {
    [JSON_CONST] = { never_absent, put_const },       [JSON_FLAG] = { absent_flag, put_flag },
    [JSON_USHORT] = { absent_ushort, put_short },     [JSON_LONG] = { absent_long, put_long },
    [JSON_TEXT] = { absent_slice, put_slice },        [JSON_ID] = { absent_slice, put_slice },
    [JSON_URI] = { absent_slice, put_slice },         [JSON_BINARY] = { absent_slice, put_binary },
    [JSON_NAME] = { absent_name, put_name },          [JSON_NAMES] = { absent_name, put_names },
    [JSON_TEXTS] = { absent_list, put_slices },       [JSON_URIS] = { absent_list, put_slices },
    [JSON_BINARIES] = { absent_list, put_slices },    [JSON_RECORD] = { absent_record, put_record },
    [JSON_RECORDS] = { absent_records, put_records },
};
_Static_assert(NITEMS(ENCODE) == JSON_CUSTOM, "every kind but the codecs' is encoded");

/* ---- the walk ---- */

static void put_property_name(struct buf *out, const char *name, bool first)
{
    put_separator(out, first);
    put_byte(out, '"');
    put_text(out, name);
    put_text(out, "\":");
}

/* A codec appends nothing for a value that is absent: then its name goes too. */
static bool put_custom(struct buf *out, const struct json_field *f, const void *member, bool first)
{
    const struct json_codec *codec = f->with;
    size_t begin = out->len, value;

    put_property_name(out, f->name, first);
    value = out->len;
    codec->encode(out, member);
    if (out->len > value || out->status != SKS_OK)
        return true;
    if (f->presence == JSON_MANDATORY)
        refuse(out);
    out->len = begin;
    return false;
}

/* False if it is left out. */
static bool put_property(struct buf *out, const struct json_field *f, const void *member,
                         bool first)
{
    if (f->kind == JSON_CUSTOM)
        return put_custom(out, f, member, first);
    if (f->presence == JSON_OPTIONAL && ENCODE[f->kind].absent(f, member))
        return false;
    put_property_name(out, f->name, first);
    ENCODE[f->kind].put(out, f, member);
    return true;
}

void json_put(struct buf *out, const struct json_type *type, const void *in)
{
    bool first = true;

    put_byte(out, '{');
    for (size_t i = 0; i < type->count; i++) {
        const struct json_field *f = &type->field[i];

        if (put_property(out, f, (const uint8_t *)in + f->offset, first))
            first = false;
    }
    put_byte(out, '}');
}

/* ---- trees ---- */

json_t *json_encode(const struct json_type *type, const void *in)
{
    struct buf text = { 0 };
    json_t *object = NULL;

    json_put(&text, type, in);
    if (text.status == SKS_OK)
        object = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    buf_free(&text);
    return object;
}

json_t *json_text(struct bytes text)
{
    return json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
}

json_t *json_shown(const char *text)
{
    char *clean = strdup(text);
    json_t *value = NULL;

    if (clean != NULL) {
        log_clean(clean);
        value = json_string(clean);
    }
    free(clean);
    return value;
}

json_t *json_binary(struct bytes data)
{
    struct buf text = { 0 };
    json_t *value = NULL;

    base64url_encode(&text, data);
    if (text.status == SKS_OK)
        value = json_text(buf_bytes(&text));
    buf_free(&text);
    return value;
}

json_t *json_hex(struct bytes data)
{
    struct buf hex = { 0 };
    json_t *text;

    if (data.len == 0)
        return json_null();
    hex_encode(&hex, data);
    text = json_text(buf_bytes(&hex));
    buf_free(&hex);
    return text;
}

json_t *json_list(const struct bytes_list *list, json_t *(*make)(struct bytes item))
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++)
        if (json_array_append_new(array, make(list->item[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}
