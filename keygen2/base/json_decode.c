/* From JSON to structs: lists, records, and the walk along a table. */
#include "keygen2/base/json_internal.h"

#include <stdlib.h>
#include <string.h>

/* A lenient reader goes on without what it cannot read. */
static enum sks_status pardon(const struct json_reader *r, enum sks_status rc)
{
    return r->lenient && rc == SKS_ERROR_OPTION ? SKS_OK : rc;
}

static enum sks_status check_array(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value)
{
    if (!json_is_array(value))
        return json_refuse(r, at, "expected an array");
    return json_check_range(r, at, json_array_size(value), f->min, f->max, " elements");
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
        return json_take_uri(r, at, &not_empty, value, out);
    if (f->kind == JSON_BINARIES)
        return json_take_binary(r, at, &not_empty, value, out);
    return json_take_text(r, at, &not_empty, value, out);
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
        return json_no_memory(r);
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
        return json_no_memory(r);
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
        return json_no_memory(r);
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

static json_taker *const DECODE[] = {
    [JSON_CONST] = json_take_const,   [JSON_FLAG] = json_take_flag,
    [JSON_USHORT] = json_take_ushort, [JSON_LONG] = json_take_long,
    [JSON_TEXT] = json_take_text,     [JSON_ID] = json_take_id,
    [JSON_URI] = json_take_uri,       [JSON_BINARY] = json_take_binary,
    [JSON_NAME] = json_take_name,     [JSON_NAMES] = decode_names,
    [JSON_TEXTS] = decode_list,       [JSON_URIS] = decode_list,
    [JSON_BINARIES] = decode_list,    [JSON_RECORD] = decode_record,
    [JSON_RECORDS] = decode_records,  [JSON_CUSTOM] = decode_custom,
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
        return json_no_memory(r);
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
