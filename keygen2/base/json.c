/*
 * JSON as text: parsing it strictly, writing it, and saying where it is wrong.
 */
#include "keygen2/base/json_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SHOWN_MAX = 100,   /* bytes of a name from outside that an error repeats */
    POINTER_MAX = 300, /* bytes of a JSON pointer in an error */
    /* An empty object costs Jansson 85 times its text. A session key makes at most 65535
     * operations, so no message needs more objects than that. */
    CONTAINERS_MAX = 65536,
};

/* ---- errors ---- */

/* Length of the text, or of what fits into max bytes without cutting a character in two. */
static int shown(struct bytes text, size_t max)
{
    size_t len = text.len < max ? text.len : max;

    while (len > 0 && len < text.len && (text.ptr[len] & 0xC0) == 0x80)
        len--;
    return (int)len;
}

/* RFC 6901, 3; control characters as JSON writes them, so that no error has two lines. */
static void put_pointer_token(struct buf *out, const char *name)
{
    int len = shown(bytes_of(name), SHOWN_MAX);

    for (const char *c = name; c < name + len; c++) {
        char escaped[8];

        if (*c == '~' || *c == '/') {
            put_text(out, *c == '~' ? "~0" : "~1");
        } else if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*c);
            put_text(out, escaped);
        } else {
            put_raw(out, bytes_at(c, 1));
        }
    }
}

static void put_pointer(struct buf *out, const struct json_place *at)
{
    char index[24];

    if (at == NULL)
        return;
    put_pointer(out, at->parent);
    put_byte(out, '/');
    if (at->name != NULL) {
        put_pointer_token(out, at->name);
        return;
    }
    (void)snprintf(index, sizeof index, "%zu", at->index);
    put_text(out, index);
}

enum sks_status json_refuse(struct json_reader *r, const struct json_place *at, const char *format,
                            ...)
{
    struct buf pointer = { 0 };
    char text[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_pointer(&pointer, at);
    (void)sks_fail(r->err, SKS_ERROR_OPTION, "%.*s%s%s", shown(buf_bytes(&pointer), POINTER_MAX),
                   pointer.ptr == NULL ? "" : (const char *)pointer.ptr, at == NULL ? "" : ": ",
                   text);
    buf_free(&pointer);
    return SKS_ERROR_OPTION;
}

/* ---- parsing ---- */

static enum sks_status check_start(struct bytes text, struct sks_error *err)
{
    size_t i = 0, line = 1, column = 1;

    for (; i < text.len && memchr(" \t\r\n", text.ptr[i], 4) != NULL; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    if (i < text.len && text.ptr[i] == '{')
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_OPTION, "line %zu, column %zu: expected '{'", line, column);
}

static enum sks_status check_containers(struct bytes text, struct sks_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '{' || text.ptr[i] == '[';
    if (count <= CONTAINERS_MAX)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_OPTION, "more than %d objects and arrays", CONTAINERS_MAX);
}

static size_t skip_back(struct bytes text, size_t end, const char *set)
{
    while (end > 0 && memchr(set, text.ptr[end - 1], strlen(set)) != NULL)
        end--;
    return end;
}

/* The property name, as it is written, whose closing quote stands before `end`. */
static struct bytes name_before(struct bytes text, size_t end)
{
    size_t close = end == 0 ? 0 : end - 1, open = close;

    if (close == 0 || text.ptr[close] != '"')
        return (struct bytes){ 0 };
    do {
        open--;
    } while (open > 0 && (text.ptr[open] != '"' || (open - skip_back(text, open, "\\")) % 2 != 0));
    return bytes_at(text.ptr + open + 1, close - open - 1);
}

/* Jansson leaves the name out where it is long, and always where a number is too big. */
static struct bytes name_of_error(struct bytes text, const json_error_t *error)
{
    size_t end = (size_t)error->position, colon;

    if (error->position <= 0 || end > text.len)
        return (struct bytes){ 0 };
    if (json_error_code(error) == json_error_duplicate_key)
        return name_before(text, end);
    colon = skip_back(text, skip_back(text, end, "0123456789+-.eE"), " \t\r\n");
    if (colon == 0 || text.ptr[colon - 1] != ':')
        return (struct bytes){ 0 };
    return name_before(text, skip_back(text, colon - 1, " \t\r\n"));
}

static enum sks_status explain(struct bytes text, json_error_t *error, struct sks_error *err)
{
    enum json_error_code code = json_error_code(error);
    struct bytes name = { 0 };

    if (code == json_error_out_of_memory || error->text[0] == '\0')
        return sks_explain(err, SKS_ERROR_STORAGE);
    if (code == json_error_duplicate_key || code == json_error_numeric_overflow)
        name = name_of_error(text, error);
    if (name.ptr != NULL)
        return sks_fail(err, SKS_ERROR_OPTION, "line %d, column %d: %s \"%.*s\"", error->line,
                        error->column,
                        code == json_error_duplicate_key ? "duplicate key" : "number too big in",
                        shown(name, SHOWN_MAX), (const char *)name.ptr);
    for (char *c = error->text; *c != '\0'; c++) /* it repeats the place from the text */
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    return sks_fail(err, SKS_ERROR_OPTION, "line %d, column %d: %s", error->line, error->column,
                    error->text);
}

enum sks_status json_parse(struct bytes text, json_t **root, struct sks_error *err)
{
    json_error_t error = { 0 };
    enum sks_status rc = SKS_OK;

    *root = json_parse_plain(text);
    if (*root != NULL)
        goto out;
    TRY(check_start(text, err));
    TRY(check_containers(text, err));
    *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*root == NULL)
        rc = explain(text, &error, err);
out:
    return rc;
}

/* ---- writing ---- */

static int write_chunk(const char *chunk, size_t len, void *out)
{
    struct buf *text = out;

    put_raw(text, bytes_at(chunk, len));
    return text->status == SKS_OK ? 0 : -1;
}

enum sks_status json_write(const json_t *value, struct buf *out)
{
    if (json_dump_callback(value, write_chunk, out, JSON_COMPACT) != 0 && out->status == SKS_OK)
        out->status = SKS_ERROR_STORAGE;
    return out->status;
}
