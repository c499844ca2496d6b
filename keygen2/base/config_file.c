#include "keygen2/base/config_file.h"

#include <string.h>

enum { SHOWN_MAX = 64 /* bytes of a line in an error text */ };

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && is_space(text.ptr[0]))
        text = bytes_at(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static struct bytes take_line(struct bytes *text)
{
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    struct bytes line = bytes_at(text->ptr, end == NULL ? text->len : (size_t)(end - text->ptr));
    size_t used = line.len + (end != NULL);

    *text = bytes_at(text->ptr + used, text->len - used);
    return trim(line);
}

static bool is_name(struct bytes name)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '\0' || strchr(LETTERS, name.ptr[i]) == NULL)
            return false;
    return name.len > 0;
}

/* A NUL would cut the value; other control characters are a file of another kind. */
static bool is_text(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.ptr[i] < ' ' && value.ptr[i] != '\t') || value.ptr[i] == 0x7f)
            return false;
    return bytes_is_utf8(value);
}

static enum sks_status unquote(struct config_line *line, struct sks_error *err)
{
    struct bytes *value = &line->value;
    enum sks_status rc = SKS_OK;

    if (value->len == 0 || value->ptr[0] != '"')
        return SKS_OK;
    REQUIRE(value->len > 1 && value->ptr[value->len - 1] == '"', err, SKS_ERROR_OPTION,
            "line %u: the quotation mark at the end is missing", line->number);
    *value = bytes_at(value->ptr + 1, value->len - 2);
out:
    return rc;
}

static enum sks_status split(struct bytes text, struct config_line *line, struct sks_error *err)
{
    const uint8_t *sign = memchr(text.ptr, '=', text.len);
    size_t before;
    enum sks_status rc;

    REQUIRE(is_text(text), err, SKS_ERROR_OPTION,
            "line %u: a control character, or no UTF-8: is it a text file?", line->number);
    REQUIRE(sign != NULL, err, SKS_ERROR_OPTION, "line %u: '%.*s' is not of the form NAME = VALUE",
            line->number, (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX),
            (const char *)text.ptr);
    before = (size_t)(sign - text.ptr);
    line->name = trim(bytes_at(text.ptr, before));
    line->value = trim(bytes_at(sign + 1, text.len - before - 1));
    REQUIRE(is_name(line->name), err, SKS_ERROR_OPTION,
            "line %u: '%.*s' is no name: small letters, digits and '-'", line->number,
            (int)(line->name.len < SHOWN_MAX ? line->name.len : SHOWN_MAX),
            (const char *)line->name.ptr);
    TRY(unquote(line, err));
out:
    return rc;
}

enum sks_status config_next(struct bytes *text, struct config_line *line, bool *found,
                            struct sks_error *err)
{
    struct bytes content = { 0 };

    *found = false;
    while (text->len > 0 && !*found) {
        content = take_line(text);
        line->number++;
        *found = content.len > 0 && content.ptr[0] != '#';
    }
    return *found ? split(content, line, err) : SKS_OK;
}
