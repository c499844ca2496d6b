/* KeyGen2 messages: each property missing, doubled, null, of another type, out of its range; and
 * neighbours that nobody knows. */
#include "testvectors/generate/message_rows.h"
#include "testvectors/generate/message_text.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <string.h>

static const char SECTION[] = "KeyGen2 5 Data Types, 6 Protocol Objects; docs/http.md";

enum { TEXT_MAX = 300 };

/* Values that each kind has not; NULL ends a list. */
static const struct {
    const char *wrong_type;
    const char *out_of_range[7];
} KINDS_OF_VALUES[PROPERTY_KINDS] = {
    [PROPERTY_CONST] = { "1", { "\"\"", "\"Something\"" } },
    [PROPERTY_ID] = { "17",
                      { "\"\"", "\"0123456789abcdef0123456789abcdefX\"", "\"with space\"",
                        "\"n\xC3\xA4mlich\"", "\"tab\\t\"", "\"del\\u007f\"" } },
    [PROPERTY_TEXT] = { "[]", { NULL } },
    [PROPERTY_URI] = { "{}", { "\"\"", "\"relative\"", "\"https://example.com/with space\"" } },
    [PROPERTY_FLAG] = { "\"true\"", { "1", "0", "\"\"" } },
    [PROPERTY_NUMBER] = { "\"200\"", { "-1", "4294967296", "2.5", "2e2", "02" } },
    [PROPERTY_BINARY] = { "5", { "\"A\"", "\"AA==\"", "\"+/+/\"", "\"AAAA\\n\"", "\"AB\"" } },
    [PROPERTY_NAME] = { "0", { "\"\"", "\"something\"", "\"Numeric\"" } },
    [PROPERTY_SERVER_TIME] = { "1793534400",
                               { "\"2026-11-01T12:00:00+00:00\"", "\"2026-11-01T12:00:00.5Z\"",
                                 "\"2026-13-01T12:00:00Z\"", "\"2026-02-29T12:00:00Z\"",
                                 "\"2026-11-01\"", "\"2026-11-01T24:00:00Z\"",
                                 "\"2026-11-01t12:00:00Z\"" } },
    [PROPERTY_CLIENT_TIME] = { "1793534400",
                               { "\"2026-11-01T12:00:00\"", "\"2026-11-01T12:00:00+0000\"",
                                 "\"2026-11-01T12:00:00.5+00:00\"", "\"2026-11-31T12:00:00Z\"",
                                 "\"2106-02-07T06:28:16Z\"", "\"1969-12-31T23:59:59Z\"" } },
    [PROPERTY_KEY] = { "\"key\"",
                       { "{}", "{\"kty\":\"EC\",\"crv\":\"P-257\",\"x\":\"AA\",\"y\":\"AA\"}",
                         "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
                         "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
                         "{\"kty\":\"oct\",\"k\":\"AAAA\"}" } },
    [PROPERTY_OBJECT] = { "[]", { "{}" } },
    [PROPERTY_LIST] = { "{}", { "[1]", "[{}]", "[[]]" } },
    [PROPERTY_TEXTS] = { "\"text\"", { "[1]", "[{}]", "[null]" } },
    [PROPERTY_PATH] = { "\"AAAA\"", { "[]", "[\"\"]", "[\"AAAA\"]", "[17]" } },
};

struct base {
    struct suite *s;
    const struct message_base *m;
    json_t *tree;
    size_t turn;         /* so that not all properties get the same values */
    const char *profile; /* reading that the next tests follow; NULL: all agree */
};

static void add_text(struct base *b, bool valid, const char *flag, struct bytes text,
                     const char *place, const char *comment)
{
    struct expect good = EXPECT_VALID, issuer = EXPECT_ISSUER("message"),
                  client = {
                      .status = -1, .end = "client", .counter = -1, .limit = -1, .step = -1
                  };
    bool request = strstr(b->m->type, "Request") != NULL;
    json_t *input = with(json_object(), "type", json_string(b->m->type));

    if (text.len > 0 && bytes_is_utf8(text) && memchr(text.ptr, 0, text.len) == NULL)
        (void)with(input, "message", json_stringn((const char *)text.ptr, text.len));
    else
        (void)with(input, "messageBytes", hex(text));
    suite_test(b->s,
               valid     ? &good
               : request ? &client
                         : &issuer,
               flag, SECTION, b->profile, input, "%s%s%s: %s", b->m->type,
               place[0] == '\0' ? "" : " ", place, comment);
}

static void add(struct base *b, bool valid, const char *flag, const struct edit *edit,
                const char *comment)
{
    add_text(b, valid, flag, message_text(b->s, b->tree, edit),
             edit->pointer == NULL ? "" : edit->pointer, comment);
}

/* ---- ranges ---- */

static void number_edges(struct base *b, const struct property_row *row)
{
    char low[24], high[24], below[24], above[24];

    (void)snprintf(low, sizeof low, "%u", row->min);
    (void)snprintf(high, sizeof high, "%u", row->max);
    (void)snprintf(below, sizeof below, "%lld", (long long)row->min - 1);
    (void)snprintf(above, sizeof above, "%lld", (long long)row->max + 1);
    add(b, true, "Edge", &(struct edit){ EDIT_REPLACE, row->pointer, low }, "least number");
    add(b, true, "Edge", &(struct edit){ EDIT_REPLACE, row->pointer, high }, "greatest number");
    b->profile = row->max >= 65535 ? "rig" : NULL; /* the reference cuts it to 16 bits */
    add(b, false, "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, below },
        "below the least number");
    add(b, false, "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, above },
        "above the greatest number");
    b->profile = NULL;
}

static void binary_of(struct base *b, const struct property_row *row, size_t len, bool valid,
                      const char *comment)
{
    char text[TEXT_MAX + 100];
    struct bytes value = base64url(b->s, draw(b->s, len, "edge"));

    if (value.len > TEXT_MAX)
        return;
    (void)snprintf(text, sizeof text, "\"%.*s\"", (int)value.len,
                   value.len == 0 ? "" : (const char *)value.ptr);
    add(b, valid, valid ? "Edge" : "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, text },
        comment);
}

static void binary_edges(struct base *b, const struct property_row *row)
{
    if (row->min > 0)
        binary_of(b, row, row->min - 1, false, "one byte too short");
    if (row->max > 0)
        binary_of(b, row, row->max + 1, false, "one byte too long");
    if (row->min != row->max) {
        binary_of(b, row, row->min, true, "as short as it may be");
        if (row->max > 0)
            binary_of(b, row, row->max, true, "as long as it may be");
    }
}

static void text_of(struct base *b, const struct property_row *row, size_t len, bool valid,
                    const char *comment)
{
    char text[TEXT_MAX];

    if (len + 3 > sizeof text)
        return;
    memset(text, 'x', sizeof text);
    text[0] = text[len + 1] = '"';
    text[len + 2] = '\0';
    add(b, valid, valid ? "Edge" : "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, text },
        comment);
}

static void text_edges(struct base *b, const struct property_row *row)
{
    if (row->min > 0)
        text_of(b, row, 0, false, "empty");
    else
        text_of(b, row, 0, true, "empty");
    text_of(b, row, row->max, true, "as long as it may be");
    text_of(b, row, row->max + 1, false, "one character too long");
}

static void id_edges(struct base *b, const struct property_row *row)
{
    if (b->turn % 5 == 0)
        add(b, true, "Edge", &(struct edit){ EDIT_REPLACE, row->pointer, "\"!\"" },
            "one character");
    if (b->turn % 5 == 1)
        add(b, true, "Edge",
            &(struct edit){ EDIT_REPLACE, row->pointer, "\"~}|{zyxwvutsrqponmlkjihgfedcba`_\"" },
            "32 characters");
}

static void edges(struct base *b, const struct property_row *row)
{
    const char *const *value = KINDS_OF_VALUES[row->kind].out_of_range;
    size_t count = 0;

    while (count < NITEMS(KINDS_OF_VALUES[0].out_of_range) && value[count] != NULL)
        count++;
    for (size_t i = 0; i < (count < 2 ? count : 2); i++) {
        const char *other = value[(b->turn + i) % count];

        /* The reference takes a leading zero, and any text for the type of an extension. */
        b->profile = strcmp(other, "02") == 0 || strstr(row->pointer, "/extensions/0/type") != NULL
                         ? "rig"
                         : NULL;
        add(b, false, "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, other },
            "a value that it cannot have");
    }
    b->profile = NULL;
    if (row->min > 0 && (row->kind == PROPERTY_LIST || row->kind == PROPERTY_TEXTS))
        add(b, false, "OutOfRange", &(struct edit){ EDIT_REPLACE, row->pointer, "[]" },
            "no elements");
    if (row->kind == PROPERTY_NUMBER)
        number_edges(b, row);
    else if (row->kind == PROPERTY_BINARY)
        binary_edges(b, row);
    else if (row->kind == PROPERTY_TEXT)
        text_edges(b, row);
    else if (row->kind == PROPERTY_ID)
        id_edges(b, row);
}

/* ---- one property, one message ---- */

static bool is_element(const char *pointer)
{
    const char *last = strrchr(pointer, '/');

    return last[1] >= '0' && last[1] <= '9';
}

static void change(struct base *b, const struct property_row *row)
{
    if (row->presence != DEPENDS)
        add(b, row->presence == MAY, row->presence == MAY ? "Optional" : "Missing",
            &(struct edit){ EDIT_REMOVE, row->pointer, NULL }, "missing");
    if (!is_element(row->pointer))
        add(b, false, "Doubled", &(struct edit){ EDIT_DOUBLE, row->pointer, NULL }, "there twice");
    add(b, false, "Null", &(struct edit){ EDIT_REPLACE, row->pointer, "null" }, "null");
    add(b, false, "WrongType",
        &(struct edit){ EDIT_REPLACE, row->pointer, KINDS_OF_VALUES[row->kind].wrong_type },
        "of another type");
    edges(b, row);
    b->turn++;
}

/* The whole text, not one property. */
static void change_text(struct base *b)
{
    const struct edit none = { .kind = EDIT_NONE };
    const struct bytes text = message_text(b->s, b->tree, &none), line = bytes_of("\n");

    add_text(b, true, "Form", JOIN(b->s, bytes_of(" \t\r\n"), text, line), "",
             "white space around it");
    add_text(b, false, "Form", JOIN(b->s, text, text), "", "twice");
    add_text(b, false, "Form", JOIN(b->s, text, bytes_of("x")), "", "text behind it");
    add_text(b, false, "Form", bytes_at(text.ptr, text.len - 1), "", "last character missing");
    add_text(b, false, "Form", JOIN(b->s, bytes_of("\xEF\xBB\xBF"), text), "", "a byte order mark");
    add_text(b, false, "Form", JOIN(b->s, bytes_of("["), text, bytes_of("]")), "", "in an array");
    add_text(b, false, "Form", JOIN(b->s, text, bytes_at("", 1)), "", "a NUL behind it");
    add_text(b, false, "Form", (struct bytes){ 0 }, "", "empty");
    add_text(b, false, "Form",
             JOIN(b->s, bytes_at(text.ptr, text.len - 1), bytes_of(",\"x\":\"\xC3\x28\"}")), "",
             "no UTF-8");
    add_text(b, false, "Form", JOIN(b->s, bytes_at(text.ptr, text.len - 1), bytes_of(",}")), "",
             "a comma too many");
}

static void one_message(struct suite *s, const struct message_base *m, size_t number)
{
    struct base b = { .s = s, .m = m, .turn = number };

    b.tree = message_base_tree(s, m);
    add(&b, true, "Normal", &(struct edit){ .kind = EDIT_NONE }, "as it must be");
    for (size_t i = 0; i < m->rows; i++)
        change(&b, &m->row[i]);
    for (size_t i = 0; i < NITEMS(m->objects) && m->objects[i] != NULL; i++)
        add(&b, false, "Unknown", &(struct edit){ EDIT_ADD, m->objects[i], "\"unknown\":true" },
            "a property that nobody knows");
    if (number % 4 == 0)
        change_text(&b);
    json_decref(b.tree);
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A message as it must be.", "Nothing works without it.",
               SECTION);
    suite_note(s, "Missing", "PRESENCE", "A mandatory property is missing.",
               "What it says would be made up.", SECTION);
    suite_note(s, "Optional", "PRESENCE", "An optional property is missing: its default holds.",
               "Messages of others would be refused.", SECTION);
    suite_note(s, "Doubled", "DUPLICATE_KEY", "A property is there twice.",
               "Two readers see two messages.", SECTION);
    suite_note(s, "Null", "TYPE_CONFUSION", "A property is null, which is never allowed.",
               "It would pass for missing, or for empty.", SECTION);
    suite_note(s, "WrongType", "TYPE_CONFUSION", "A property is of another JSON type.",
               "Two readers see two messages.", SECTION);
    suite_note(s, "OutOfRange", "RANGE_CHECK",
               "A value that the property cannot have: out of range, too long or too short, not in "
               "the one form of its data type.",
               "It would be cut, or read in two ways.", SECTION);
    suite_note(s, "Edge", "RANGE_CHECK", "A value at the edge of what the property may have.",
               "Messages of others would be refused.", SECTION);
    suite_note(s, "Unknown", "UNKNOWN_PROPERTY", "A property that the message has not.",
               "What the sender wanted would be passed over.", SECTION);
    suite_note(s, "Form", "ENCODING", "The text as a whole: JSON, one object, UTF-8.",
               "Two readers see two messages.", SECTION);
}

void generate_message(struct suite *s)
{
    notes(s);
    suite_group(s, "message", "", json_object());
    for (size_t i = 0; i < MESSAGE_BASES_COUNT; i++)
        one_message(s, &MESSAGE_BASES[i], i);
}
