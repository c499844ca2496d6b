/*
 * From structs to JSON: one function a kind of property, and the walk along a table.
 */
#include "keygen2/base/base64.h"
#include "keygen2/base/json.h"

json_t *json_text(struct bytes text)
{
    return json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
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

/* ---- one function a kind: NULL without memory, or where the value has no JSON form ---- */

static json_t *encode_const(const struct json_field *f, const void *member)
{
    (void)member;
    return json_string(f->with);
}

static json_t *encode_flag(const struct json_field *f, const void *member)
{
    (void)f;
    return json_boolean(*(const bool *)member);
}

static json_t *encode_ushort(const struct json_field *f, const void *member)
{
    (void)f;
    return json_integer(*(const uint16_t *)member);
}

static json_t *encode_long(const struct json_field *f, const void *member)
{
    (void)f;
    return json_integer(*(const uint32_t *)member);
}

static json_t *encode_text(const struct json_field *f, const void *member)
{
    (void)f;
    return json_text(*(const struct bytes *)member);
}

static json_t *encode_binary(const struct json_field *f, const void *member)
{
    (void)f;
    return json_binary(*(const struct bytes *)member);
}

static json_t *encode_name(const struct json_field *f, const void *member)
{
    const char *name = name_of_value(f->with, *(const uint8_t *)member);

    return name == NULL ? NULL : json_string(name);
}

static json_t *encode_names(const struct json_field *f, const void *member)
{
    uint8_t left = *(const uint8_t *)member;
    json_t *array = json_array();

    for (const struct name *name = f->with; name->text != NULL; name++) {
        if ((left & name->value) == 0)
            continue;
        left &= (uint8_t)~name->value;
        if (json_array_append_new(array, json_string(name->text)) != 0)
            goto fail;
    }
    if (left == 0)
        return array;
fail:
    json_decref(array);
    return NULL;
}

static json_t *encode_list(const struct json_field *f, const void *member)
{
    const struct bytes_list *list = member;
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        struct bytes item = list->item[i];

        if (json_array_append_new(array, f->kind == JSON_BINARIES ? json_binary(item)
                                                                  : json_text(item)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *encode_record(const struct json_field *f, const void *member)
{
    const void *record = *(void *const *)member;

    return record == NULL ? NULL : json_encode(f->with, record);
}

static json_t *encode_records(const struct json_field *f, const void *member)
{
    const struct json_type *type = f->with;
    const struct json_array *records = member;
    json_t *array = json_array();

    for (size_t i = 0; i < records->count; i++) {
        const uint8_t *record = (const uint8_t *)records->item + i * type->size;

        if (json_array_append_new(array, json_encode(type, record)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
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
    json_t *(*encode)(const struct json_field *f, const void *member);
} ENCODE[] = {
    [JSON_CONST] = { never_absent, encode_const },
    [JSON_FLAG] = { absent_flag, encode_flag },
    [JSON_USHORT] = { absent_ushort, encode_ushort },
    [JSON_LONG] = { absent_long, encode_long },
    [JSON_TEXT] = { absent_slice, encode_text },
    [JSON_ID] = { absent_slice, encode_text },
    [JSON_URI] = { absent_slice, encode_text },
    [JSON_BINARY] = { absent_slice, encode_binary },
    [JSON_NAME] = { absent_name, encode_name },
    [JSON_NAMES] = { absent_name, encode_names },
    [JSON_TEXTS] = { absent_list, encode_list },
    [JSON_URIS] = { absent_list, encode_list },
    [JSON_BINARIES] = { absent_list, encode_list },
    [JSON_RECORD] = { absent_record, encode_record },
    [JSON_RECORDS] = { absent_records, encode_records },
};
_Static_assert(NITEMS(ENCODE) == JSON_CUSTOM, "every kind but the codecs' is encoded");

/* ---- the walk ---- */

static bool encode_property(const struct json_field *f, const void *member, json_t *object)
{
    const struct json_codec *codec = f->with;
    json_t *value = NULL;

    if (f->kind != JSON_CUSTOM) {
        if (f->presence == JSON_OPTIONAL && ENCODE[f->kind].absent(f, member))
            return true;
        value = ENCODE[f->kind].encode(f, member);
    } else if (codec->encode(member, &value) != SKS_OK) {
        return false;
    } else if (value == NULL && f->presence == JSON_OPTIONAL) {
        return true;
    }
    return json_object_set_new_nocheck(object, f->name, value) == 0; /* refuses NULL */
}

json_t *json_encode(const struct json_type *type, const void *in)
{
    json_t *object = json_object();

    for (size_t i = 0; i < type->count; i++) {
        const struct json_field *f = &type->field[i];

        if (!encode_property(f, (const uint8_t *)in + f->offset, object)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
