/*
 * A short way to Jansson's values for the JSON that messages are made of: ASCII without escapes,
 * whole numbers, little depth. It says nothing about anything else, be it right or wrong: Jansson
 * reads that, octet by octet, at some ten times the cost.
 */
#include "keygen2/base/json_internal.h"

enum { DEPTH_MAX = 16, CONTAINERS_MAX = 1024, DIGITS_MAX = 18 };

struct scan {
    const uint8_t *at, *end;
    unsigned containers;
};

/* What is there behind white space; 0: nothing. */
static uint8_t next(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
    return s->at < s->end ? *s->at : 0;
}

/* A string, from its opening quote on. */
static bool scan_text(struct scan *s, struct bytes *text)
{
    const uint8_t *start = ++s->at;

    while (s->at < s->end && *s->at >= ' ' && *s->at < 0x7F && *s->at != '"' && *s->at != '\\')
        s->at++;
    *text = bytes_at(start, (size_t)(s->at - start));
    return s->at < s->end && *s->at++ == '"';
}

static json_t *scan_string(struct scan *s)
{
    struct bytes text;

    return scan_text(s, &text) ? json_stringn_nocheck((const char *)text.ptr, text.len) : NULL;
}

/* What follows must be a comma or an end: a fraction, an exponent or a letter is neither. */
static json_t *scan_number(struct scan *s)
{
    const uint8_t *start = s->at;
    json_int_t value = 0;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - start < DIGITS_MAX)
        value = 10 * value + (*s->at++ - '0');
    return s->at == start || (*start == '0' && s->at > start + 1) ? NULL : json_integer(value);
}

static bool scan_word(struct scan *s, const char *word, size_t len)
{
    bool found =
        (size_t)(s->end - s->at) >= len && bytes_equal(bytes_at(s->at, len), bytes_at(word, len));

    s->at += found ? len : 0;
    return found;
}

static json_t *scan_value(struct scan *s, unsigned depth);

/* One member of an object; a name that is there already is Jansson's to refuse. */
static bool scan_member(struct scan *s, json_t *object, unsigned depth)
{
    size_t before = json_object_size(object);
    struct bytes name;
    json_t *value;

    if (next(s) != '"' || !scan_text(s, &name) || next(s) != ':')
        return false;
    s->at++;
    value = scan_value(s, depth);
    return json_object_setn_new_nocheck(object, (const char *)name.ptr, name.len, value) == 0 &&
           json_object_size(object) == before + 1;
}

static bool scan_element(struct scan *s, json_t *array, unsigned depth)
{
    return json_array_append_new(array, scan_value(s, depth)) == 0;
}

/* An object or an array, from its bracket on. Jansson's setters fail for a value that is NULL, and
 * free the one that they do not take. */
static json_t *scan_container(struct scan *s, unsigned depth)
{
    bool is_object = *s->at++ == '{';
    bool (*const scan_one)(struct scan * s, json_t * into, unsigned depth) =
        is_object ? scan_member : scan_element;
    uint8_t end = is_object ? '}' : ']';
    json_t *made = is_object ? json_object() : json_array();
    bool good = depth < DEPTH_MAX && ++s->containers <= CONTAINERS_MAX;

    if (good && next(s) != end)
        while ((good = scan_one(s, made, depth + 1)) && next(s) == ',')
            s->at++;
    if (good && next(s) == end) {
        s->at++;
        return made;
    }
    json_decref(made);
    return NULL;
}

static json_t *scan_value(struct scan *s, unsigned depth)
{
    switch (next(s)) {
    case '{':
    case '[':
        return scan_container(s, depth);
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true", 4) ? json_true() : NULL;
    case 'f':
        return scan_word(s, "false", 5) ? json_false() : NULL;
    case 'n':
        return scan_word(s, "null", 4) ? json_null() : NULL;
    default:
        return scan_number(s);
    }
}

json_t *json_parse_plain(struct bytes text)
{
    struct scan s = { .at = text.ptr };
    json_t *root;

    if (text.len == 0) /* there may be no text at all, to which nothing can be added */
        return NULL;
    s.end = text.ptr + text.len;
    root = next(&s) == '{' ? scan_container(&s, 0) : NULL;
    if (root == NULL || (next(&s) == 0 && s.at == s.end))
        return root;
    json_decref(root);
    return NULL;
}
