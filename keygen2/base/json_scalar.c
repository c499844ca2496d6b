/* From JSON to members of structs: one function a kind of plain value. */
#include "keygen2/base/base64.h"
#include "keygen2/base/json_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    ID_MAX = 32,    /* characters */
    URI_MAX = 1000, /* bytes */
};

enum sks_status json_no_memory(struct json_reader *r)
{
    return sks_fail(r->err, SKS_ERROR_STORAGE, "no memory for the message");
}

enum sks_status json_check_range(struct json_reader *r, const struct json_place *at, size_t value,
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

static struct bytes string_of(const json_t *value)
{
    return bytes_at(json_string_value(value), json_string_length(value));
}

static enum sks_status keep(struct json_reader *r, struct bytes text, struct bytes *out)
{
    *out = arena_copy(r->arena, text);
    return out->ptr == NULL ? json_no_memory(r) : SKS_OK;
}

enum sks_status json_take_text(struct json_reader *r, const struct json_place *at,
                               const struct json_field *f, const json_t *value, void *member)
{
    enum sks_status rc;

    if (!json_is_string(value))
        return json_refuse(r, at, "expected a string");
    TRY(json_check_range(r, at, bytes_code_points(string_of(value)), f->min, f->max,
                         " characters"));
    rc = keep(r, string_of(value), member);
out:
    return rc;
}

enum sks_status json_decode_text(struct json_reader *r, const struct json_place *at,
                                 const json_t *value, struct bytes *out)
{
    static const struct json_field any = { .kind = JSON_TEXT };

    return json_take_text(r, at, &any, value, out);
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

enum sks_status json_take_uri(struct json_reader *r, const struct json_place *at,
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
        return json_no_memory(r);
    if (base64url_decode(text, &data) != SKS_OK)
        return json_refuse(r, at, "not base64url");
    *out = buf_bytes(&data);
    return json_check_range(r, at, out->len, min, max, " bytes");
}

enum sks_status json_take_const(struct json_reader *r, const struct json_place *at,
                                const struct json_field *f, const json_t *value, void *member)
{
    (void)member;
    if (r->lenient || (json_is_string(value) && bytes_equal(string_of(value), bytes_of(f->with))))
        return SKS_OK;
    return json_refuse(r, at, "expected \"%s\"", (const char *)f->with);
}

enum sks_status json_take_flag(struct json_reader *r, const struct json_place *at,
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

enum sks_status json_take_ushort(struct json_reader *r, const struct json_place *at,
                                 const struct json_field *f, const json_t *value, void *member)
{
    uint32_t number = 0;
    enum sks_status rc = read_number(r, at, f, value, UINT16_MAX, &number);

    *(uint16_t *)member = (uint16_t)number;
    return rc;
}

enum sks_status json_take_long(struct json_reader *r, const struct json_place *at,
                               const struct json_field *f, const json_t *value, void *member)
{
    return read_number(r, at, f, value, UINT32_MAX, member);
}

/* KeyGen2, 5 "Data Types": id. */
enum sks_status json_take_id(struct json_reader *r, const struct json_place *at,
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

enum sks_status json_take_binary(struct json_reader *r, const struct json_place *at,
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

enum sks_status json_take_name(struct json_reader *r, const struct json_place *at,
                               const struct json_field *f, const json_t *value, void *member)
{
    return json_decode_name(r, at, f->with, value, member);
}
