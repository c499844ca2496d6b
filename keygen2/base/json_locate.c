/* A walk along the text, which looks at nothing but its structure. */
#include "keygen2/base/json_locate.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_MAX = 300 };

struct scan {
    struct bytes text;
    size_t at;
};

static uint8_t peek(const struct scan *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : 0;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->text.len && memchr(" \t\r\n", s->text.ptr[s->at], 4) != NULL)
        s->at++;
}

/* From a quote to behind the one that ends the string. */
static void skip_string(struct scan *s)
{
    s->at++;
    while (s->at < s->text.len && peek(s) != '"')
        s->at += peek(s) == '\\' ? 2 : 1;
    s->at++;
}

/* To behind a value, however deep it is. */
static void skip_value(struct scan *s)
{
    size_t depth = 0;

    do {
        uint8_t c = peek(s);

        if (c == '"') {
            skip_string(s);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        s->at++;
        if (depth == 0 && (c == '}' || c == ']'))
            return;
    } while (s->at < s->text.len);
}

/* True if the name between the quotes, as it is written, is the token of the pointer. */
static bool is_name(struct bytes name, struct bytes token)
{
    char plain[TOKEN_MAX];
    size_t len = 0;

    for (size_t i = 0; i < token.len && len < sizeof plain; i++) {
        bool escaped = token.ptr[i] == '~' && i + 1 < token.len;

        i += escaped;
        plain[len++] = !escaped ? (char)token.ptr[i] : token.ptr[i] == '1' ? '/' : '~';
    }
    return bytes_equal(name, bytes_at(plain, len));
}

/* Goes into the object or array to the value of the token. @param found out: where it begins */
static bool enter(struct scan *s, struct bytes token, size_t *found)
{
    bool object = peek(s) == '{';
    char index[24];

    if (!object && peek(s) != '[')
        return false;
    s->at++;
    for (size_t i = 0; s->at < s->text.len; i++) {
        struct bytes name = { 0 };

        skip_space(s);
        if (peek(s) == '}' || peek(s) == ']')
            return false;
        *found = s->at;
        if (object) {
            skip_string(s);
            name = bytes_at(s->text.ptr + *found + 1, s->at - *found - 2);
            skip_space(s);
            s->at++; /* the colon */
            skip_space(s);
        } else {
            (void)snprintf(index, sizeof index, "%zu", i);
            name = bytes_of(index);
        }
        if (is_name(name, token))
            return true;
        skip_value(s);
        skip_space(s);
        s->at += peek(s) == ',';
    }
    return false;
}

static size_t line_of(struct bytes text, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at && i < text.len; i++)
        line += text.ptr[i] == '\n';
    return line;
}

size_t json_locate(struct bytes text, struct bytes pointer)
{
    struct scan scan = { text, 0 };
    size_t found;

    skip_space(&scan);
    if (peek(&scan) != '{')
        return 0;
    found = scan.at;
    while (pointer.len > 0 && pointer.ptr[0] == '/') {
        const uint8_t *start = pointer.ptr + 1;
        const uint8_t *end = memchr(start, '/', pointer.len - 1);
        size_t len = end == NULL ? pointer.len - 1 : (size_t)(end - start), inner;

        if (!enter(&scan, bytes_at(start, len), &inner))
            break;
        found = inner;
        pointer = bytes_at(start + len, pointer.len - 1 - len);
    }
    return line_of(text, found);
}
