#include "tests/unit/support/kat.h"
#include "keygen2/base/base64.h"

#include <criterion/criterion.h>

void kat_each_of(const char *file, const char *kind, size_t least, void (*check)(struct kat *kat))
{
    json_error_t error;
    json_t *root = json_load_file(file, 0, &error);
    const json_t *list = json_object_get(root, kind), *entry;
    size_t i;

    cr_assert_not_null(root, "%s: %s", file, error.text);
    cr_assert_geq(json_array_size(list), least, "%s: too few of %s", file, kind);
    json_array_foreach(list, i, entry)
    {
        struct kat kat = { .entry = entry };

        check(&kat);
        arena_free(&kat.arena);
    }
    json_decref(root);
}

void kat_each(const char *kind, size_t least, void (*check)(struct kat *kat))
{
    kat_each_of("tests/kat/constructs.json", kind, least, check);
}

static struct bytes text_of(const json_t *value, const char *name)
{
    cr_assert(json_is_string(value), "%s is no string", name);
    return bytes_at(json_string_value(value), json_string_length(value));
}

static struct bytes hex_of(struct kat *kat, const json_t *value, const char *name)
{
    struct buf out = { 0 };
    struct bytes kept;

    cr_assert(hex_decode(text_of(value, name), &out) == SKS_OK, "%s is not hexadecimal", name);
    kept = arena_copy(&kat->arena, buf_bytes(&out));
    buf_free(&out);
    return kept;
}

struct bytes kat_hex(struct kat *kat, const json_t *object, const char *name)
{
    return hex_of(kat, json_object_get(object, name), name);
}

struct bytes kat_text(struct kat *kat, const json_t *object, const char *name)
{
    return arena_copy(&kat->arena, text_of(json_object_get(object, name), name));
}

static struct bytes_list new_list(struct kat *kat, const json_t *array, const char *name)
{
    size_t count = json_array_size(array);

    cr_assert(json_is_array(array), "%s is no array", name);
    return (struct bytes_list){ arena_alloc(&kat->arena, count + 1, sizeof(struct bytes)), count };
}

struct bytes_list kat_hex_list(struct kat *kat, const json_t *object, const char *name)
{
    const json_t *array = json_object_get(object, name);
    struct bytes_list list = new_list(kat, array, name);

    for (size_t i = 0; i < list.count; i++)
        list.item[i] = hex_of(kat, json_array_get(array, i), name);
    return list;
}

struct bytes_list kat_text_list(struct kat *kat, const json_t *object, const char *name)
{
    const json_t *array = json_object_get(object, name);
    struct bytes_list list = new_list(kat, array, name);

    for (size_t i = 0; i < list.count; i++)
        list.item[i] = arena_copy(&kat->arena, text_of(json_array_get(array, i), name));
    return list;
}

uint32_t kat_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    cr_assert(json_is_integer(value), "%s is no number", name);
    return (uint32_t)json_integer_value(value);
}

bool kat_flag(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    cr_assert(json_is_boolean(value), "%s is no boolean", name);
    return json_is_true(value);
}

const char *kat_comment(const struct kat *kat)
{
    return json_string_value(json_object_get(kat->entry, "comment"));
}

void kat_same(const struct kat *kat, const char *what, struct bytes got, struct bytes expected)
{
    cr_assert(bytes_equal(got, expected), "%s: %s differs", kat_comment(kat), what);
}
