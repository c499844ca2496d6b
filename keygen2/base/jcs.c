#include "keygen2/base/jcs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

static const json_int_t INTEGER_MAX = 9007199254740991; /* 2^53 - 1: exact as a double */

static enum sks_status write_value(const json_t *value, unsigned depth, struct buf *out);

/* RFC 8785, 3.2.2.2: the short escapes, \u00xx in lower case for the other control characters. */
static void put_escape(struct buf *out, uint8_t c)
{
    static const char SHORT[][2] = { { '\b', 'b' }, { '\t', 't' }, { '\n', 'n' }, { '\f', 'f' },
                                     { '\r', 'r' }, { '"', '"' },  { '\\', '\\' } };
    char text[8];

    for (size_t i = 0; i < NITEMS(SHORT); i++) {
        if ((uint8_t)SHORT[i][0] == c) {
            put_byte(out, '\\');
            put_byte(out, (uint8_t)SHORT[i][1]);
            return;
        }
    }
    (void)snprintf(text, sizeof text, "\\u%04x", c);
    put_text(out, text);
}

static void put_string_value(struct buf *out, const char *text, size_t len)
{
    size_t start = 0;

    put_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put_raw(out, bytes_at(text + start, i - start));
        put_escape(out, c);
        start = i + 1;
    }
    put_raw(out, bytes_at(text + start, len - start));
    put_byte(out, '"');
}

/*
 * RFC 8785, 3.2.3 sorts by UTF-16 code units. UTF-8 sorts by code point, which differs only in
 * that U+E000..U+FFFF (lead bytes EE, EF) stand behind the surrogates of what is above (F0..F4).
 */
static unsigned weight(char c)
{
    uint8_t byte = (uint8_t)c;

    return byte == 0xEE || byte == 0xEF ? byte + 0x10U : byte;
}

static int compare_names(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;

    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    return (int)weight(*x) - (int)weight(*y);
}

static enum sks_status write_members(const json_t *object, const char **name, size_t count,
                                     unsigned depth, struct buf *out)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < count; i++) {
        put_text(out, i == 0 ? "" : ",");
        put_string_value(out, name[i], strlen(name[i]));
        put_byte(out, ':');
        TRY(write_value(json_object_get(object, name[i]), depth, out));
    }
out:
    return rc;
}

static enum sks_status write_object(const json_t *value, unsigned depth, struct buf *out)
{
    json_t *object = (json_t *)(uintptr_t)value; /* Jansson's iterators change nothing */
    size_t count = json_object_size(value), i = 0;
    const char **name = calloc(count + 1, sizeof *name);
    enum sks_status rc;

    if (name == NULL)
        return SKS_ERROR_STORAGE;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
        name[i++] = json_object_iter_key(at);
    qsort(name, count, sizeof *name, compare_names);
    put_byte(out, '{');
    rc = write_members(value, name, count, depth, out);
    put_byte(out, '}');
    free(name);
    return rc;
}

static enum sks_status write_array(const json_t *value, unsigned depth, struct buf *out)
{
    enum sks_status rc = SKS_OK;

    put_byte(out, '[');
    for (size_t i = 0; i < json_array_size(value); i++) {
        put_text(out, i == 0 ? "" : ",");
        TRY(write_value(json_array_get(value, i), depth, out));
    }
    put_byte(out, ']');
out:
    return rc;
}

static enum sks_status write_integer(const json_t *value, struct buf *out)
{
    json_int_t number = json_integer_value(value);
    char text[32];

    if (number > INTEGER_MAX || number < -INTEGER_MAX)
        return SKS_ERROR_OPTION;
    (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, number);
    put_text(out, text);
    return SKS_OK;
}

static enum sks_status write_value(const json_t *value, unsigned depth, struct buf *out)
{
    if (value == NULL || depth == DEPTH_MAX)
        return SKS_ERROR_OPTION;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth + 1, out);
    case JSON_ARRAY:
        return write_array(value, depth + 1, out);
    case JSON_STRING:
        put_string_value(out, json_string_value(value), json_string_length(value));
        return SKS_OK;
    case JSON_INTEGER:
        return write_integer(value, out);
    case JSON_TRUE:
    case JSON_FALSE:
        put_text(out, json_is_true(value) ? "true" : "false");
        return SKS_OK;
    case JSON_NULL:
        put_text(out, "null");
        return SKS_OK;
    case JSON_REAL:
    default:
        return SKS_ERROR_OPTION;
    }
}

enum sks_status jcs_write(const json_t *value, struct buf *out)
{
    enum sks_status rc = write_value(value, 0, out);

    return rc == SKS_OK ? out->status : rc;
}
