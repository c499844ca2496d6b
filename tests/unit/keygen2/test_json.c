#include "keygen2/base/json.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- parsing ---- */

struct text_case {
    const char *text, *error;
};

static void expect_parse(struct bytes text, const char *error)
{
    struct sks_error err = { 0 };
    json_t *root;
    enum sks_status rc = json_parse(text, &root, &err);

    cr_expect(rc == (error == NULL ? SKS_OK : SKS_ERROR_OPTION), "%s", (const char *)text.ptr);
    cr_expect_str_eq(err.text, error == NULL ? "" : error, "%s: %s", (const char *)text.ptr,
                     err.text);
    cr_expect((root != NULL) == (error == NULL));
    json_decref(root);
}

static const struct text_case PARSE[] = {
    { "{}", NULL },
    { " \r\n\t{ } \n", NULL },
    { "{\"a\":1,\"b\":[{\"a\":1},{\"a\":2}]}", NULL },
    { "{\"a\":\"\\u00ef\\/\\ud83d\\ude00\"}", NULL },
    /* duplicates */
    { "{\n  \"a\": 1,\n  \"id\": 2, \"id\": 3\n}", "line 3, column 15: duplicate key \"id\"" },
    { "{\"a\":1,\"\\u0061\":2}", "line 1, column 15: duplicate key \"\\u0061\"" },
    { "{\"\":1,\"\":2}", "line 1, column 8: duplicate key \"\"" },
    { "{\"a\":{\"b\\\\\\\"c\":1,\"b\\\\\\\"c\":2}}",
      "line 1, column 25: duplicate key \"b\\\\\\\"c\"" },
    { "{\"\xc3\xa4\":1,\"\xc3\xa4\":2}", "line 1, column 10: duplicate key \"\xc3\xa4\"" },
    { "{\"aNameThatIsOver20BytesLong\":1,\"aNameThatIsOver20BytesLong\":2}",
      "line 1, column 60: duplicate key \"aNameThatIsOver20BytesLong\"" },
    /* no object */
    { "", "line 1, column 1: expected '{'" },
    { " \n ", "line 2, column 2: expected '{'" },
    { "[]", "line 1, column 1: expected '{'" },
    { "null", "line 1, column 1: expected '{'" },
    { "\n\n  \"a\"", "line 3, column 3: expected '{'" },
    { "\xef\xbb\xbf{}", "line 1, column 1: expected '{'" },
    /* syntax */
    { "{} x", "line 1, column 4: end of file expected near 'x'" },
    { "{}{}", "line 1, column 3: end of file expected near '{'" },
    { "{\"a\":1", "line 1, column 6: '}' expected near end of file" },
    { "{\"a\":1,}", "line 1, column 8: string or '}' expected near '}'" },
    { "{\"a\":01}", "line 1, column 6: invalid token near '0'" },
    { "{\"a\":+1}", "line 1, column 6: invalid token near '+'" },
    { "{\"a\":NaN}", "line 1, column 8: invalid token near 'NaN'" },
    { "{'a':1}", "line 1, column 2: string or '}' expected near '''" },
    { "{\"a\":1 /* */}", "line 1, column 8: '}' expected near '/'" },
    /* characters */
    { "{\"a\":\"\x01\"}", "line 1, column 6: control character 0x1 near '\"'" },
    { "{\"a\":\"\n\"}", "line 1, column 6: unexpected newline near '\"'" },
    { "{\"a\":\x01}", "line 1, column 6: invalid token near '?'" },
    { "{\"a\":\"\xff\"}", "line 1, column 6: unable to decode byte 0xff near '\"'" },
    { "{\"a\":\"\xc0\x80\"}", "line 1, column 6: unable to decode byte 0xc0 near '\"'" },
    { "{\"a\":\"\xed\xa0\x80\"}", "line 1, column 6: unable to decode byte 0xed near '\"'" },
    { "{\"a\":\"\\ud800\"}", "line 1, column 13: invalid Unicode '\\uD800' near '\"\\ud800\"'" },
    { "{\"a\":\"\\u0000\"}",
      "line 1, column 13: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"\\u0000\"'" },
    /* numbers that Jansson cannot hold */
    { "{\"a\" : 99999999999999999999 }", "line 1, column 27: number too big in \"a\"" },
    { "{\"a\":-99999999999999999999}", "line 1, column 26: number too big in \"a\"" },
    { "{\"a\":1e999}", "line 1, column 10: number too big in \"a\"" },
    { "{\"a\":[\"b\",1e999]}", "line 1, column 15: real number overflow near '1e999'" },
};

Test(json_parse, texts)
{
    for (size_t i = 0; i < NITEMS(PARSE); i++)
        expect_parse(bytes_of(PARSE[i].text), PARSE[i].error);
}

Test(json_parse, nul_bytes)
{
    expect_parse(bytes_at("{\"a\":\"\0\"}", 9),
                 "line 1, column 6: control character 0x0 near '\"'");
    expect_parse(bytes_at("{}\0", 3), "line 1, column 3: end of file expected near end of file");
    expect_parse(bytes_at("\0{}", 3), "line 1, column 1: expected '{'");
    expect_parse(bytes_at(NULL, 0), "line 1, column 1: expected '{'");
}

/* `head`, then `part` `count` times. */
static struct buf repeat(const char *head, const char *part, size_t count, const char *tail)
{
    struct buf text = { 0 };

    put_text(&text, head);
    for (size_t i = 0; i < count; i++)
        put_text(&text, part);
    put_text(&text, tail);
    put_byte(&text, '\0');
    text.len--;
    return text;
}

Test(json_parse, depth_and_number_of_objects)
{
    struct buf deep = repeat("{\"a\":", "[", 3000, "");
    struct buf many = repeat("{\"a\":[", "{},", 65534, "0]}");
    struct buf more = repeat("{\"a\":[", "{},", 65535, "0]}");

    expect_parse(buf_bytes(&deep), "line 1, column 2053: maximum parsing depth reached near '['");
    expect_parse(buf_bytes(&many), NULL);
    expect_parse(buf_bytes(&more), "more than 65536 objects and arrays");
    buf_free(&deep);
    buf_free(&many);
    buf_free(&more);
}

Test(json_parse, a_long_name_is_cut_between_characters)
{
    struct buf name = repeat("\"x", "\xc3\xa4", 200, "\":1");
    struct buf text = { 0 };
    struct sks_error err = { 0 };
    json_t *root;

    put_text(&text, "{");
    put_raw(&text, buf_bytes(&name));
    put_text(&text, ",");
    put_raw(&text, buf_bytes(&name));
    put_text(&text, "}");
    cr_expect(json_parse(buf_bytes(&text), &root, &err) == SKS_ERROR_OPTION);
    cr_expect(bytes_is_utf8(bytes_of(err.text)));
    cr_expect(strlen(err.text) < 150);
    buf_free(&name);
    buf_free(&text);
}

Test(json_refuse, without_a_place_or_a_listener)
{
    struct sks_error err = { 0 };
    struct json_reader reader = { .err = &err }, silent = { 0 };

    cr_expect(json_refuse(&reader, NULL, "number %d", 5) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "number 5");
    cr_expect(json_refuse(&silent, NULL, "number %d", 5) == SKS_ERROR_OPTION);
}

Test(json_unique, remembers)
{
    struct sks_error err = { 0 };
    struct json_reader reader = { .err = &err };
    const struct json_place at = { NULL, "id", 0 };
    json_t *seen = json_object();

    cr_expect(json_unique(&reader, &at, seen, bytes_of("a")) == SKS_OK);
    cr_expect(json_unique(&reader, &at, seen, bytes_of("b")) == SKS_OK);
    cr_expect(json_unique(&reader, &at, seen, bytes_of("a")) == SKS_ERROR_OPTION);
    cr_expect_str_eq(err.text, "/id: used twice");
    json_decref(seen);
}
