#include "conform/issuer/change.h"

#include "keygen2/base/base64.h"

#include <stdlib.h>
#include <string.h>

/* Stands for a second property of a name until the text is written; no message has it. */
static const char TWIN[] = "sks-conform-twin";

struct place {
    json_t *parent;
    char name[64];
    json_t *value; /* NULL: there is none */
};

static json_t *child(json_t *parent, const char *name)
{
    return json_is_array(parent) ? json_array_get(parent, strtoul(name, NULL, 10))
                                 : json_object_get(parent, name);
}

static bool find(json_t *root, const char *pointer, struct place *place)
{
    *place = (struct place){ .value = root };
    while (*pointer == '/' && place->value != NULL) {
        size_t len = strcspn(pointer + 1, "/");

        if (len >= sizeof place->name)
            return false;
        memcpy(place->name, pointer + 1, len);
        place->name[len] = '\0';
        place->parent = place->value;
        place->value = child(place->parent, place->name);
        pointer += 1 + len;
    }
    return *pointer == '\0' && place->parent != NULL;
}

static bool put(const struct place *place, json_t *value)
{
    if (value == NULL)
        return false;
    return json_is_array(place->parent)
               ? json_array_set_new(place->parent, strtoul(place->name, NULL, 10), value) == 0
               : json_object_set_new(place->parent, place->name, value) == 0;
}

static bool remove_place(const struct place *place)
{
    return json_is_array(place->parent)
               ? json_array_remove(place->parent, strtoul(place->name, NULL, 10)) == 0
               : json_object_del(place->parent, place->name) == 0;
}

/* ---- values ---- */

static bool change_binary(struct check *check, const struct place *place, enum change_op op)
{
    struct buf data = { 0 };
    bool good = json_is_string(place->value) &&
                base64url_decode(bytes_of(json_string_value(place->value)), &data) == SKS_OK &&
                data.len > 0;

    if (good && op == CHANGE_FLIP)
        data.ptr[check_draw_below(check, (uint32_t)data.len)] ^=
            (uint8_t)(1U << check_draw_below(check, 8));
    else if (good && op == CHANGE_CUT)
        data.len--;
    else if (good)
        put_byte(&data, 0);
    good = good && data.status == SKS_OK && put(place, json_binary(buf_bytes(&data)));
    buf_free(&data);
    return good;
}

static bool change_array(const struct place *place, enum change_op op)
{
    size_t count = json_array_size(place->value);
    json_t *array = json_array();

    if (op == CHANGE_REVERSE && count < 2) {
        json_decref(array);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (op != CHANGE_DROP || i + 1 < count)
            (void)json_array_append(
                array, json_array_get(place->value, op == CHANGE_REVERSE ? count - 1 - i : i));
    if (op == CHANGE_COPY)
        (void)json_array_append(array, json_array_get(place->value, 0));
    return put(place, array);
}

static bool apply(struct check *check, const struct change *change, const struct place *place)
{
    switch (change->op) {
    case CHANGE_NOTHING:
        return true;
    case CHANGE_SET:
        return put(place, json_loads(change->text, JSON_DECODE_ANY, NULL));
    case CHANGE_REMOVE:
        return place->value != NULL && remove_place(place);
    case CHANGE_DOUBLE:
        return place->value != NULL && json_is_object(place->parent) &&
               json_object_set(place->parent, TWIN, place->value) == 0;
    case CHANGE_PAD:
        return json_is_string(place->value) &&
               put(place, json_sprintf("%s=", json_string_value(place->value)));
    case CHANGE_FLIP:
    case CHANGE_CUT:
    case CHANGE_LENGTHEN:
        return change_binary(check, place, change->op);
    case CHANGE_REVERSE:
    case CHANGE_COPY:
    case CHANGE_DROP:
        return json_is_array(place->value) && change_array(place, change->op);
    }
    return false;
}

/* The twin gets its name. */
static void put_twins(struct buf *out, const char *text, const char *name)
{
    const char *twin;

    while ((twin = strstr(text, TWIN)) != NULL) {
        put_raw(out, bytes_at(text, (size_t)(twin - text)));
        put_text(out, name);
        text = twin + strlen(TWIN);
    }
    put_text(out, text);
}

enum sks_status change_message(struct check *check, struct bytes message,
                               const struct change *change, struct bytes *changed)
{
    struct buf out = { 0 };
    struct place place;
    json_t *root = NULL;
    char *text = NULL;
    enum sks_status rc;

    TRY(json_parse(message, &root, &check->err));
    REQUIRE(find(root, change->pointer, &place) && apply(check, change, &place), &check->err,
            SKS_ERROR_INTERNAL, "cannot change %s", change->pointer);
    text = json_dumps(root, JSON_COMPACT);
    REQUIRE(text != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    put_twins(&out, text, place.name);
    TRY(sks_explain(&check->err, out.status));
    *changed = arena_copy(&check->arena, buf_bytes(&out));
    REQUIRE(changed->ptr != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
out:
    free(text);
    buf_free(&out);
    json_decref(root);
    return rc;
}

const char *change_quote(struct check *check, struct bytes text)
{
    const char *quoted =
        arena_printf(&check->arena, "\"%.*s\"", (int)text.len, (const char *)text.ptr);

    return quoted == NULL ? "\"\"" : quoted;
}

enum sks_status change_refused(struct check *check, void *end, enum visit_at at,
                               const struct change *change)
{
    struct bytes changed;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, at));
    TRY(change_message(check, buf_bytes(&v.response), change, &changed));
    TRY(visit_send(&v, changed));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}
