/* Requests and answers of every method, well-formed and malformed. */
#include "testvectors/generate/scene.h"
#include "testvectors/generate/wire_methods.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SECTION[] = "docs/wire.md 1, 2, 5";

enum { PARTS_MAX = 24, NAME_SIZE = 32 };

/* How much the values are: usual ones, nothing at all, much. */
enum amount { USUAL, LEAST, MOST, AMOUNTS };
static const char *const AMOUNT_NAMES[] = { "usual values", "nothing and zeros", "large values" };

/* One field, encoded. */
struct part {
    char type[NAME_SIZE], name[NAME_SIZE];
    struct bytes bytes;
    json_t *value;
};

struct body {
    struct suite *s;
    const struct wire_method *method;
    bool answer;
    struct bytes first; /* method id or status */
    struct part part[PARTS_MAX];
    size_t count;
};

/* ---- values ---- */

static json_t *put_number(struct buf *out, size_t size, enum amount amount, const struct part *p)
{
    static const uint32_t LARGEST[] = { 0, 0xFF, 0xFFFF, 0, 0xFFFFFFFF };
    uint32_t value = amount == MOST    ? LARGEST[size]
                     : amount == LEAST ? 0
                                       : (uint32_t)strlen(p->name);

    if (strcmp(p->name, "retryLimit") == 0 && amount == USUAL)
        value = 0x0102; /* so that the order of the bytes shows */
    for (size_t i = size; i > 0; i--)
        put_byte(out, (uint8_t)(value >> 8 * (i - 1)));
    return json_integer(value);
}

static struct bytes text_value(struct suite *s, enum amount amount, const char *type, size_t number)
{
    char text[400];

    if (amount == LEAST)
        return (struct bytes){ 0 };
    if (strcmp(type, "id") == 0)
        return draw_id(s, amount == MOST ? 32 : 8, "id");
    if (strncmp(type, "uri", 3) != 0)
        return bytes_of(amount == MOST
                            ? "Na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x94\x91 \xF4\x8F\xBF\xBF"
                            : "a text");
    (void)snprintf(text, sizeof text, "https://example.com/%zu%s%0*d", number,
                   amount == MOST ? "/" : "", amount == MOST ? 260 : 1, 0);
    return arena_copy(&s->arena, bytes_of(text));
}

static void put_short_array(struct buf *out, struct bytes data)
{
    put_byte(out, (uint8_t)(data.len >> 8));
    put_byte(out, (uint8_t)data.len);
    put_raw(out, data);
}

static json_t *text_json(struct bytes text)
{
    return json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
}

static json_t *put_list_value(struct suite *s, struct buf *out, enum amount amount, bool uris)
{
    size_t count = amount == LEAST ? 0 : amount == MOST ? 3 : 1;
    json_t *list = json_array();

    put_byte(out, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        struct bytes item =
            uris ? text_value(s, amount, "uri", i) : draw(s, 20 + 100 * i, "element %zu", i);

        put_short_array(out, item);
        (void)json_array_append_new(list, uris ? text_json(item) : hex(item));
    }
    return list;
}

static json_t *put_octets(struct suite *s, struct buf *out, enum amount amount, bool blob)
{
    struct bytes data = draw(s, amount == LEAST ? 0 : amount == MOST ? 258 : 32, "octets");

    if (blob)
        put_raw(out, bytes_at("\0\0", 2));
    put_short_array(out, data);
    return hex(data);
}

static void make_part(struct suite *s, struct part *p, enum amount amount, size_t number)
{
    static const struct {
        const char *type;
        size_t size;
    } NUMBERS[] = { { "byte", 1 }, { "ushort", 2 }, { "uint", 4 } };
    struct buf out = { 0 };

    p->value = NULL;
    for (size_t i = 0; i < NITEMS(NUMBERS); i++)
        if (strcmp(p->type, NUMBERS[i].type) == 0)
            p->value = put_number(&out, NUMBERS[i].size, amount, p);
    if (strcmp(p->type, "bool") == 0) {
        put_byte(&out, amount == MOST);
        p->value = json_boolean(amount == MOST);
    } else if (strcmp(p->type, "arrays") == 0 || strcmp(p->type, "uris") == 0) {
        p->value = put_list_value(s, &out, amount, p->type[0] == 'u');
    } else if (strcmp(p->type, "array") == 0 || strcmp(p->type, "blob") == 0) {
        p->value = put_octets(s, &out, amount, p->type[0] == 'b');
    } else if (p->value == NULL) {
        struct bytes text = text_value(s, amount, p->type, number);

        put_short_array(&out, text);
        p->value = text_json(text);
    }
    p->bytes = keep(s, &out);
}

/* Takes "type name, type name" apart and makes a value of each. */
static struct body make_body(struct suite *s, const struct wire_method *method, bool answer,
                             enum amount amount)
{
    const uint8_t id = (uint8_t)(answer ? 0 : method->id);
    struct body b = { .s = s, .method = method, .answer = answer };
    const char *table = answer ? method->out : method->in;
    int used = 0;

    b.first = arena_copy(&s->arena, bytes_at(&id, 1));
    for (; sscanf(table, " %31[a-z] %31[A-Za-z_]%n", b.part[b.count].type, b.part[b.count].name,
                  &used) == 2;
         b.count++) {
        table += used;
        table += *table == ',';
        make_part(s, &b.part[b.count], amount, b.count);
        need(b.count + 1 < PARTS_MAX, "room for a field");
    }
    need(*table == '\0', method->name);
    return b;
}

static void free_body(struct body *b)
{
    for (size_t i = 0; i < b->count; i++)
        json_decref(b->part[i].value);
}

/* All of it, with another encoding of one part. */
static struct bytes body_with(const struct body *b, size_t which, struct bytes other)
{
    struct buf out = { 0 };

    put_raw(&out, b->first);
    for (size_t i = 0; i < b->count; i++)
        put_raw(&out, i == which ? other : b->part[i].bytes);
    return keep(b->s, &out);
}

static struct bytes body_bytes(const struct body *b)
{
    return body_with(b, b->count, (struct bytes){ 0 });
}

/* ---- tests ---- */

static json_t *input_of(const struct body *b, struct bytes bytes, const char *path)
{
    json_t *input = with(json_object(), "path", json_string(path));

    if (b->answer)
        (void)with(input, "method", json_integer((json_int_t)b->method->id));
    return with(input, "body", hex(bytes));
}

static const char *path_of(const struct wire_method *method)
{
    return method->id == 24 ? "/sks/2010" : "/sks";
}

static json_t *values_of(const struct body *b, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        need(json_array_append_new(list,
                                   json_pack("{s:s, s:s, s:O}", "name", b->part[i].name, "type",
                                             b->part[i].type, "value", b->part[i].value)) == 0,
             "memory");
    return list;
}

static void add_good(const struct body *b, struct bytes bytes, size_t count, const char *flag,
                     const char *comment)
{
    const struct expect good = EXPECT_VALID;

    suite_test(b->s, &good, flag, SECTION, NULL,
               with(input_of(b, bytes, path_of(b->method)), "fields", values_of(b, count)),
               "%s [%u]: %s", b->method->name, b->method->id, comment);
}

static void add_bad(const struct body *b, const char *flag, struct bytes bytes, const char *comment,
                    const char *field)
{
    const struct expect request = EXPECT_TOKEN(SKS_ERROR_OPTION, "open"), answer = {
        .status = -1, .end = "client", .counter = -1, .limit = -1, .step = -1
    };

    suite_test(b->s, b->answer ? &answer : &request, flag, SECTION, NULL,
               input_of(b, bytes, path_of(b->method)), "%s [%u]: %s%s", b->method->name,
               b->method->id, comment, field);
}

/* ---- what is malformed ---- */

static bool is_text(const struct part *p)
{
    return strcmp(p->type, "string") == 0 || strcmp(p->type, "id") == 0 ||
           strcmp(p->type, "uri") == 0;
}

static bool has_length(const struct part *p)
{
    return is_text(p) || strcmp(p->type, "array") == 0 || strcmp(p->type, "blob") == 0;
}

static void bad_lengths(const struct body *b)
{
    const struct bytes whole = body_bytes(b);
    struct buf other = { 0 };

    add_bad(b, "LeftOver", JOIN(b->s, whole, bytes_at("", 1)), "a byte left over", "");
    if (b->count == 0)
        return;
    add_bad(b, "Truncated", bytes_at(whole.ptr, whole.len - 1), "last byte missing", "");
    for (size_t i = 0; i < b->count; i++) {
        if (!has_length(&b->part[i]))
            continue;
        put_raw(&other, b->part[i].bytes);
        other.ptr[strcmp(b->part[i].type, "blob") == 0 ? 2 : 0] = 0xFF;
        add_bad(b, "LengthTooLong", body_with(b, i, keep(b->s, &other)),
                "length goes beyond the end: ", b->part[i].name);
        return;
    }
}

static void bad_values(const struct body *b, size_t turn)
{
    static const char *const NOT_UTF8[] = { "\xC3\x28",         "\xED\xA0\x80", "\xC0\x80",
                                            "\xF5\x80\x80\x80", "\xE2\x82",     "\x80" };
    struct buf other = { 0 };

    for (size_t i = 0; i < b->count; i++) {
        const struct part *p = &b->part[i];

        if (strcmp(p->type, "bool") == 0)
            add_bad(b, "BadBool", body_with(b, i, bytes_at(i % 2 == 0 ? "\x02" : "\xFF", 1)),
                    "neither 0 nor 1: ", p->name);
        if (is_text(p)) {
            put_short_array(&other, bytes_of(NOT_UTF8[(turn + i) % NITEMS(NOT_UTF8)]));
            add_bad(b, "BadUtf8", body_with(b, i, keep(b->s, &other)), "no UTF-8: ", p->name);
        }
        if (strcmp(p->type, "arrays") == 0 || strcmp(p->type, "uris") == 0) {
            put_raw(&other, p->bytes);
            other.ptr[0] = 200;
            add_bad(b, "ListCount", body_with(b, i, keep(b->s, &other)),
                    "more elements counted than there are: ", p->name);
        }
    }
}

static void methods(struct suite *s, bool answer)
{
    suite_group(s, answer ? "answer" : "request", "", json_object());
    for (size_t i = 0; i < WIRE_METHODS_COUNT; i++)
        for (int amount = 0; amount < AMOUNTS; amount++) {
            struct body b = make_body(s, &WIRE_METHODS[i], answer, (enum amount)amount);

            /* Answers end at a handle of 0: see below. */
            if ((amount == USUAL || b.count > (answer ? 1 : 2)) &&
                !(answer && amount == LEAST && strncmp(WIRE_METHODS[i].name, "enumerate", 9) == 0))
                add_good(&b, body_bytes(&b), b.count, amount == USUAL ? "Normal" : "Extreme",
                         AMOUNT_NAMES[amount]);
            if (amount == USUAL) {
                bad_lengths(&b);
                bad_values(&b, i);
            }
            free_body(&b);
        }
}

/* ---- what is of no method ---- */

static void bad_methods(struct suite *s)
{
    static const uint8_t UNKNOWN[] = { 0, 6, 16, 23, 26, 49, 54, 69, 75, 79, 85, 91, 99, 105, 255 };
    const struct wire_method none = { 0, "no method", "", "" };
    const struct body b = { .s = s, .method = &none };
    const struct expect e = EXPECT_TOKEN(SKS_ERROR_OPTION, "open");

    suite_group(s, "request", "", json_object());
    add_bad(&b, "UnknownMethod", (struct bytes){ 0 }, "empty request", "");
    for (size_t i = 0; i < NITEMS(UNKNOWN); i++)
        suite_test(s, &e, "UnknownMethod", SECTION, NULL,
                   input_of(&b, bytes_at(&UNKNOWN[i], 1), "/sks"), "method id %u", UNKNOWN[i]);
    for (size_t i = 0; i < WIRE_METHODS_COUNT; i++) {
        const unsigned id = WIRE_METHODS[i].id;

        if (id == 2 || id == 24) {
            struct body other = make_body(s, &WIRE_METHODS[i], false, USUAL);

            suite_test(s, &e, "UnknownMethod", "docs/2010-profile.md", NULL,
                       input_of(&other, body_bytes(&other), id == 2 ? "/sks/2010" : "/sks"),
                       "method id %u of the other dialect", id);
            free_body(&other);
        }
    }
}

/* ---- answers of their own ---- */

static void enumeration_ends(struct suite *s)
{
    for (size_t i = 0; i < WIRE_METHODS_COUNT; i++) {
        struct body b;

        if (strncmp(WIRE_METHODS[i].name, "enumerate", 9) != 0)
            continue;
        b = make_body(s, &WIRE_METHODS[i], true, LEAST);
        add_good(&b, JOIN(s, b.first, b.part[0].bytes), 1, "EnumerationEnd",
                 "handle 0, and nothing behind it");
        add_bad(&b, "EnumerationEnd", body_bytes(&b), "handle 0 and all other outputs behind it",
                "");
        free_body(&b);
    }
}

static void failures(struct suite *s)
{
    static const char TEXT[] = "argument \"id\" na\xC3\xAFvely";
    const struct body b = { .s = s, .method = &WIRE_METHODS[0], .answer = true };
    const struct expect good = EXPECT_VALID;
    struct buf out = { 0 };

    suite_group(s, "failure", "", json_object());
    for (int status = 1; status <= 13; status++) {
        const uint8_t first = (uint8_t)status;
        const struct bytes text = status % 4 == 0 ? (struct bytes){ 0 } : bytes_of(TEXT);
        json_t *fields = json_array();

        put_byte(&out, first);
        put_short_array(&out, text);
        (void)json_array_append_new(fields, json_pack("{s:s, s:s, s:i}", "name", "status", "type",
                                                      "byte", "value", status));
        (void)json_array_append_new(fields, json_pack("{s:s, s:s, s:o}", "name", "errorString",
                                                      "type", "string", "value", text_json(text)));
        suite_test(s, &good, "Failure", SECTION, NULL,
                   with(input_of(&b, keep(s, &out), "/sks"), "fields", fields),
                   "an answer of status %d", status);
    }
    add_bad(&b, "Truncated", (struct bytes){ 0 }, "empty answer", "");
    add_bad(&b, "Truncated", bytes_at("\x09", 1), "status without ErrorString", "");
    add_bad(&b, "LeftOver", bytes_at("\x09\0\x01xy", 5), "a byte behind the ErrorString", "");
    add_bad(&b, "BadUtf8", bytes_at("\x09\0\x01\xFF", 4), "an ErrorString that is no UTF-8", "");
    add_bad(&b, "LengthTooLong", bytes_at("\x09\0\x02x", 4), "an ErrorString beyond the end", "");
    add_bad(&b, "UnknownStatus", bytes_at("\x0E\0\0", 3), "status 14", "");
    add_bad(&b, "UnknownStatus", bytes_at("\xFF\0\0", 3), "status 255", "");
    put_byte(&out, 9);
    put_ushort(&out, 2001);
    for (int i = 0; i < 2001; i++)
        put_byte(&out, 'x');
    add_bad(&b, "LengthTooLong", keep(s, &out), "an ErrorString of 2001 bytes", "");
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A body as it must be.", "Nothing works without it.", SECTION);
    suite_note(s, "Extreme", "LENGTH_FIELD",
               "Fields that are empty or 0, or long and of the greatest numbers: they decode. "
               "Whether the method takes such a value is another question.",
               "Calls of other programs would be refused.", SECTION);
    suite_note(s, "Truncated", "LENGTH_CHECK", "Bytes are missing at the end.",
               "Reads behind the end.", SECTION);
    suite_note(s, "LeftOver", "LENGTH_CHECK", "Bytes are left over behind the last field.",
               "Two readers see two messages.", SECTION);
    suite_note(s, "LengthTooLong", "LENGTH_CHECK", "A length goes beyond the end, or over a limit.",
               "Reads behind the end.", SECTION);
    suite_note(s, "BadBool", "ENCODING", "A bool that is neither 0 nor 1.",
               "Two texts for one value; a MAC covers only one of them.", SECTION);
    suite_note(s, "BadUtf8", "ENCODING", "A string, id or uri that is not UTF-8.",
               "What is shown and what is compared differ.", SECTION);
    suite_note(s, "ListCount", "LENGTH_CHECK", "A list counts more elements than there are.",
               "Reads behind the end.", SECTION);
    suite_note(s, "UnknownMethod", "RANGE_CHECK", "The method id is not known on this path.",
               "Anything might happen.", SECTION);
    suite_note(s, "EnumerationEnd", "ENCODING",
               "After handle 0 an enumeration's answer has no more outputs.",
               "Callers read what is not there.", SECTION);
    suite_note(s, "Failure", "BASIC", "Status and ErrorString of a call that failed.",
               "Errors could not be told.", SECTION);
    suite_note(s, "UnknownStatus", "RANGE_CHECK", "A status that is none.",
               "Callers take a failure for another one.", SECTION);
}

void generate_wire(struct suite *s)
{
    notes(s);
    methods(s, false);
    bad_methods(s);
    methods(s, true);
    enumeration_ends(s);
    failures(s);
}
