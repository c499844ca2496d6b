/* The short way through JSON: what it reads is what Jansson reads, and it reads all that messages
 * are made of. */
#include "keygen2/base/json_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char MESSAGE[] =
    "{\"@context\": \"https://webpki.github.io/keygen2\",\n\t\"list\": [{\"a\":\"\"}, {}, [], 0,"
    " 18, true ,false,null, [ 123456789012345678 ] ],\r\n \"\":{\"a\":{\"list\":[\"b-_!~ \"]}} } ";

static json_t *by_jansson(struct bytes text)
{
    return json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

/* Equal, the order of members included. */
static bool is_same(const json_t *a, const json_t *b)
{
    struct buf text[2] = { { 0 }, { 0 } };
    bool same = json_write(a, &text[0]) == SKS_OK && json_write(b, &text[1]) == SKS_OK &&
                bytes_equal(buf_bytes(&text[0]), buf_bytes(&text[1]));

    buf_free(&text[0]);
    buf_free(&text[1]);
    return same;
}

/* If the short way reads it at all, Jansson does, and reads the same. */
static bool agrees(struct bytes text, bool *read)
{
    json_t *plain = json_parse_plain(text), *other = by_jansson(text);
    bool good =
        plain == NULL || (other != NULL && json_equal(plain, other) && is_same(plain, other));

    *read = plain != NULL;
    json_decref(plain);
    json_decref(other);
    return good;
}

Test(json_plain, reads_what_messages_are_made_of)
{
    bool read;

    cr_expect(agrees(bytes_of(MESSAGE), &read) && read);
    cr_expect(agrees(bytes_of("{}"), &read) && read);
}

Test(json_plain, leaves_the_rest_to_jansson)
{
    static const char *const TEXTS[] = {
        "",
        " ",
        "[]",
        "\"a\"",
        "{",
        "}",
        "{\"a\":1",
        "{\"a\":[1}",
        "{\"a\":[1]]",
        "{\"a\":[[1]}",
        "{\"a\":{\"b\":1}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1} x",
        "{\"a\":1}{}",
        "{\"a\":01}",
        "{\"a\":-1}",
        "{\"a\":1.0}",
        "{\"a\":1e1}",
        "{\"a\":1234567890123456789}",
        "{\"a\":tru}",
        "{\"a\":truee}",
        "{\"a\":True}",
        "{\"a\":\"b}",
        "{\"a\":\"\\n\"}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x7f\"}",
        "{\"a\":\"\xc3\xa9\"}",
        "{\"a\":\"\xff\"}",
        "{\"\xc3\xa9\":1}",
        "{\"a\":1,\"a\":1}",
        "{\"b\":{\"a\":1,\"c\":2,\"a\":3}}",
    };

    for (size_t i = 0; i < NITEMS(TEXTS); i++)
        cr_expect_null(json_parse_plain(bytes_of(TEXTS[i])), "%s", TEXTS[i]);
    cr_expect_null(json_parse_plain(bytes_at("{}\0", 3)), "an octet 0 behind it");
    cr_expect_null(json_parse_plain((struct bytes){ 0 }));
}

static void put_nested(struct buf *text, size_t depth)
{
    put_text(text, "{\"a\":");
    for (size_t i = 0; i < depth; i++)
        put_byte(text, '[');
    for (size_t i = 0; i < depth; i++)
        put_byte(text, ']');
    put_byte(text, '}');
}

Test(json_plain, depth_and_number_of_containers)
{
    struct buf text = { 0 };
    bool read;

    put_nested(&text, 15);
    cr_expect(agrees(buf_bytes(&text), &read) && read);
    buf_reset(&text);
    put_nested(&text, 16);
    cr_expect(agrees(buf_bytes(&text), &read) && !read);
    buf_reset(&text);
    put_text(&text, "{\"a\":[");
    for (int i = 0; i < 1022; i++)
        put_text(&text, "{},");
    put_text(&text, "1]}");
    cr_expect(agrees(buf_bytes(&text), &read) && read);
    text.len -= 3;
    put_text(&text, "{}]}");
    cr_expect(agrees(buf_bytes(&text), &read) && !read);
    buf_free(&text);
}

/* Each octet of a message replaced by each other, left out and doubled; each beginning of it. */
Test(json_plain, agrees_with_jansson)
{
    static const size_t LENGTH = sizeof MESSAGE - 1;
    char text[sizeof MESSAGE + 1];
    unsigned reads = 0;
    bool read;

    for (size_t i = 0; i < LENGTH; i++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            memcpy(text, MESSAGE, LENGTH);
            text[i] = (char)octet;
            cr_assert(agrees(bytes_at(text, LENGTH), &read), "%zu: %02x", i, octet);
            reads += read;
        }
        memcpy(text, MESSAGE, LENGTH);
        memmove(text + i, text + i + 1, LENGTH - i - 1);
        cr_assert(agrees(bytes_at(text, LENGTH - 1), &read), "without %zu", i);
        memcpy(text, MESSAGE, LENGTH);
        memmove(text + i + 1, text + i, LENGTH - i);
        cr_assert(agrees(bytes_at(text, LENGTH + 1), &read), "twice %zu", i);
        cr_assert(agrees(bytes_at(MESSAGE, i), &read), "%zu octets", i);
    }
    cr_expect_gt(reads, 1000);
}
