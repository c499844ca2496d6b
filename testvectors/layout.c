#include "testvectors/layout.h"

#include <stdio.h>
#include <string.h>

static void put_value(struct buf *out, const json_t *value, unsigned depth, const char *name);

static void put_text_value(struct buf *out, const char *text, size_t len)
{
    put_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        char escape[8];

        if (c == '"' || c == '\\')
            put_byte(out, '\\');
        if (c < 0x20) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            put_text(out, escape);
        } else {
            put_byte(out, c);
        }
    }
    put_byte(out, '"');
}

/* What has its elements on lines of their own: the file, its notes, its groups, each group, the
 * fixtures and tests of a group, the exchanges of a transcript. */
static bool is_broken(unsigned depth, const char *name)
{
    static const struct {
        unsigned depth;
        const char *name;
    } BROKEN[] = { { 0, "" }, { 1, "notes" },    { 1, "profiles" }, { 1, "testGroups" },
                   { 2, "" }, { 3, "fixtures" }, { 3, "tests" },    { 4, "exchanges" } };

    for (size_t i = 0; i < NITEMS(BROKEN); i++)
        if (BROKEN[i].depth == depth && strcmp(BROKEN[i].name, name) == 0)
            return true;
    return false;
}

/* Between the elements of a container, before its first, and behind its last. */
static void put_break(struct buf *out, bool broken, unsigned depth)
{
    if (!broken)
        return;
    put_byte(out, '\n');
    for (unsigned i = 0; i < depth; i++)
        put_byte(out, ' ');
}

static void put_object(struct buf *out, const json_t *object, unsigned depth, bool broken)
{
    size_t left = json_object_size(object);
    const char *name;
    json_t *value;

    put_byte(out, '{');
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        put_break(out, broken, depth + 1);
        put_text_value(out, name, strlen(name));
        put_text(out, broken ? ": " : ":");
        put_value(out, value, depth + 1, name);
        if (--left > 0)
            put_byte(out, ',');
    }
    put_break(out, broken && json_object_size(object) > 0, depth);
    put_byte(out, '}');
}

static void put_array_value(struct buf *out, const json_t *array, unsigned depth, bool broken)
{
    size_t count = json_array_size(array);

    put_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        put_break(out, broken, depth + 1);
        put_value(out, json_array_get(array, i), depth + 1, "");
        if (i + 1 < count)
            put_byte(out, ',');
    }
    put_break(out, broken && count > 0, depth);
    put_byte(out, ']');
}

static void put_number(struct buf *out, const json_t *value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    put_text(out, text);
}

static void put_value(struct buf *out, const json_t *value, unsigned depth, const char *name)
{
    bool broken = is_broken(depth, name);

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(out, value, depth, broken);
        break;
    case JSON_ARRAY:
        put_array_value(out, value, depth, broken);
        break;
    case JSON_STRING:
        put_text_value(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        put_number(out, value);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        put_text(out, json_is_true(value) ? "true" : "false");
        break;
    default:
        out->status = SKS_ERROR_OPTION;
    }
}

void layout_write(const json_t *root, struct buf *out)
{
    put_value(out, root, 0, "");
    put_byte(out, '\n');
}
