#include "keygen2/base/json.h"

#include <criterion/criterion.h>
#include <string.h>

struct text_case {
    const char *text, *error;
};

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

/* ---- a type with every kind ---- */

struct inner {
    struct bytes id;
    bool flag;
};

struct sample {
    bool flag, yes;
    uint16_t small;
    uint32_t big;
    struct bytes text, id, uri, binary;
    uint8_t name, names;
    struct bytes_list texts, uris, binaries;
    struct inner *record;
    struct json_array records;
    uint32_t custom;
};

/* A number as the text of its digits. */
static enum sks_status decode_digits(struct json_reader *r, const struct json_place *at,
                                     const json_t *value, void *member)
{
    if (!json_is_string(value))
        return json_refuse(r, at, "expected %s", "digits");
    *(uint32_t *)member = (uint32_t)strtoul(json_string_value(value), NULL, 10);
    return SKS_OK;
}

static void encode_digits(struct buf *out, const void *member)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u", *(const uint32_t *)member);
    if (strcmp(text, "0") != 0)
        json_put_text(out, bytes_of(text));
}

static const struct json_codec DIGITS = { decode_digits, encode_digits };

static const struct json_field INNER_FIELDS[] = {
    { "id", JSON_ID, JSON_MANDATORY, .offset = offsetof(struct inner, id) },
    { "flag", JSON_FLAG, JSON_OPTIONAL, .offset = offsetof(struct inner, flag) },
};

/* Nothing may be called "root" and carry the flag. */
static enum sks_status check_inner(struct json_reader *r, const struct json_place *at, void *out)
{
    const struct inner *inner = out;

    if (inner->flag && bytes_equal(inner->id, bytes_of("root")))
        return json_refuse(r, at, "refused by the check");
    return SKS_OK;
}

static const struct json_type INNER = JSON_TYPE("inner", struct inner, INNER_FIELDS, check_inner);

#define AT(member) .offset = offsetof(struct sample, member)

static const struct json_field FIELDS[] = {
    { "kind", JSON_CONST, .with = "sample" },
    { "flag", JSON_FLAG, JSON_OPTIONAL, AT(flag) },
    { "yes", JSON_FLAG, JSON_OPTIONAL, AT(yes), .fallback = true },
    { "small", JSON_USHORT, JSON_OPTIONAL, AT(small), .min = 1, .fallback = 7 },
    { "big", JSON_LONG, JSON_OPTIONAL, AT(big), .max = 4000000000, .fallback = 8 },
    { "text", JSON_TEXT, JSON_OPTIONAL, AT(text), .max = 4 },
    { "id", JSON_ID, JSON_OPTIONAL, AT(id) },
    { "uri", JSON_URI, JSON_OPTIONAL, AT(uri) },
    { "binary", JSON_BINARY, JSON_OPTIONAL, AT(binary), .min = 1, .max = 3 },
    { "name", JSON_NAME, JSON_OPTIONAL, AT(name), .with = NAMES_EXPORT,
      .fallback = PROTECTION_NOT_ALLOWED },
    { "names", JSON_NAMES, JSON_OPTIONAL, AT(names), .with = NAMES_PATTERN, .min = 1 },
    { "texts", JSON_TEXTS, JSON_OPTIONAL, AT(texts) },
    { "uris", JSON_URIS, JSON_OPTIONAL, AT(uris), .min = 1, .max = 2 },
    { "binaries", JSON_BINARIES, JSON_OPTIONAL, AT(binaries), .min = 1 },
    { "record", JSON_RECORD, JSON_OPTIONAL, AT(record), .with = &INNER },
    { "records", JSON_RECORDS, JSON_OPTIONAL, AT(records), .min = 1, .with = &INNER },
    { "custom", JSON_CUSTOM, JSON_OPTIONAL, AT(custom), .with = &DIGITS },
};
static const struct json_type SAMPLE = JSON_TYPE("sample", struct sample, FIELDS, NULL);

/* The document is gone when this returns: what the struct holds must not lie in it. */
static enum sks_status decode(const char *text, struct sample *out, struct arena *arena,
                              struct sks_error *err)
{
    json_t *root = NULL;
    enum sks_status rc;

    cr_assert(json_parse(bytes_of(text), &root, err) == SKS_OK, "%s: %s", text, err->text);
    rc = json_decode(&SAMPLE, root, out, arena, err);
    json_decref(root);
    return rc;
}

/* Each is put into {"kind":"sample", ...}. */
static const struct text_case DECODE[] = {
    { "\"foo\":1", "/foo: unknown property" },
    { "\"Flag\":true", "/Flag: unknown property" },
    { "\"\":1", "/: unknown property" },
    { "\"a/b~c\":1", "/a~1b~0c: unknown property" },
    { "\"a\\nb\\u007f\":1", "/a\\u000ab\\u007f: unknown property" },
    { "\"flag\":null", "/flag: expected true or false" },
    { "\"flag\":1", "/flag: expected true or false" },
    { "\"flag\":\"true\"", "/flag: expected true or false" },
    { "\"small\":null", "/small: expected an integer" },
    { "\"small\":\"1\"", "/small: expected an integer" },
    { "\"small\":1.0", "/small: expected an integer" },
    { "\"small\":1e2", "/small: expected an integer" },
    { "\"small\":0", "/small: must be 1-65535" },
    { "\"small\":-1", "/small: must be 1-65535" },
    { "\"small\":65536", "/small: must be 1-65535" },
    { "\"big\":4000000001", "/big: must be 0-4000000000" },
    { "\"big\":9223372036854775807", "/big: must be 0-4000000000" },
    { "\"text\":null", "/text: expected a string" },
    { "\"text\":5", "/text: expected a string" },
    { "\"text\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4x\"", "/text: must be 0-4 characters" },
    { "\"id\":null", "/id: expected a string" },
    { "\"id\":\"\"", "/id: must be 1-32 characters from '!' to '~'" },
    { "\"id\":\"a b\"", "/id: must be 1-32 characters from '!' to '~'" },
    { "\"id\":\"\\u007f\"", "/id: must be 1-32 characters from '!' to '~'" },
    { "\"id\":\"\xc3\xa4\"", "/id: must be 1-32 characters from '!' to '~'" },
    { "\"id\":\"123456789012345678901234567890123\"",
      "/id: must be 1-32 characters from '!' to '~'" },
    { "\"uri\":7", "/uri: expected a string" },
    { "\"binary\":null", "/binary: expected a string" },
    { "\"binary\":\"\"", "/binary: must be 1-3 bytes" },
    { "\"binary\":\"AAAAAA\"", "/binary: must be 1-3 bytes" },
    { "\"binary\":\"AA==\"", "/binary: not base64url" },
    { "\"binary\":\"A\"", "/binary: not base64url" },
    { "\"binary\":\"AB\"", "/binary: not base64url" }, /* unused bits */
    { "\"binary\":\"A+/A\"", "/binary: not base64url" },
    { "\"binary\":\"AA\\nA\"", "/binary: not base64url" },
    { "\"name\":null", "/name: expected a string" },
    { "\"name\":\"non-deletable\"", "/name: must be one of none, pin, puk, non-exportable" },
    { "\"name\":\"PIN\"", "/name: must be one of none, pin, puk, non-exportable" },
    { "\"names\":\"sequence\"", "/names: expected an array" },
    { "\"names\":[]", "/names: must not be empty" },
    { "\"names\":[null]", "/names/0: expected a string" },
    { "\"names\":[\"sequence\",\"sequence\"]", "/names/1: used twice" },
    { "\"names\":[\"sequence\",\"x\"]", "/names/1: must be one of two-in-a-row, three-in-a-row, "
                                        "sequence, repeated, missing-group" },
    { "\"texts\":{}", "/texts: expected an array" },
    { "\"texts\":[\"a\",\"\"]", "/texts/1: must not be empty" },
    { "\"uris\":[]", "/uris: must be 1-2 elements" },
    { "\"uris\":[\"a:b\",\"a:b\",\"a:b\"]", "/uris: must be 1-2 elements" },
    { "\"uris\":[\"a:b\",\"b\"]", "/uris/1: not an absolute URI of at most 1000 bytes" },
    { "\"binaries\":[\"AA\",\"\"]", "/binaries/1: must not be empty" },
    { "\"binaries\":[\"AA\",7]", "/binaries/1: expected a string" },
    { "\"record\":null", "/record: expected an object" },
    { "\"record\":[]", "/record: expected an object" },
    { "\"record\":{}", "/record/id: missing" },
    { "\"record\":{\"id\":\"a\",\"x/y\":1}", "/record/x~1y: unknown property" },
    { "\"record\":{\"id\":\"root\",\"flag\":true}", "/record: refused by the check" },
    { "\"records\":{\"id\":\"a\"}", "/records: expected an array" },
    { "\"records\":[]", "/records: must not be empty" },
    { "\"records\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":1}]",
      "/records/2/id: expected a string" },
    { "\"records\":[{\"id\":\"a\"},null]", "/records/1: expected an object" },
    { "\"custom\":1", "/custom: expected digits" },
};

Test(json_decode, refusals)
{
    for (size_t i = 0; i < NITEMS(DECODE); i++) {
        struct sample sample;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };
        char text[400];

        (void)snprintf(text, sizeof text, "{\"kind\":\"sample\",%s}", DECODE[i].text);
        cr_expect(decode(text, &sample, &arena, &err) == SKS_ERROR_OPTION, "%s", text);
        cr_expect_str_eq(err.text, DECODE[i].error, "%s: %s", text, err.text);
        arena_free(&arena);
    }
}

Test(json_decode, the_fixed_text)
{
    static const struct text_case cases[] = {
        { "{}", "/kind: missing" },
        { "{\"kind\":\"samples\"}", "/kind: expected \"sample\"" },
        { "{\"kind\":null}", "/kind: expected \"sample\"" },
        { "{\"kind\":[\"sample\"]}", "/kind: expected \"sample\"" },
    };

    for (size_t i = 0; i < NITEMS(cases); i++) {
        struct sample sample;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };

        cr_expect(decode(cases[i].text, &sample, &arena, &err) == SKS_ERROR_OPTION);
        cr_expect_str_eq(err.text, cases[i].error, "%s", err.text);
        arena_free(&arena);
    }
}

Test(json_decode, an_unknown_name_is_cut)
{
    struct buf text = repeat("{\"kind\":\"sample\",\"", "\xe2\x82\xac", 100000, "\":1}");
    struct sample sample;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    cr_expect(decode((const char *)text.ptr, &sample, &arena, &err) == SKS_ERROR_OPTION);
    cr_expect(bytes_is_utf8(bytes_of(err.text)));
    cr_expect(strlen(err.text) < 150 && strstr(err.text, ": unknown property") != NULL);
    arena_free(&arena);
    buf_free(&text);
}

static enum sks_status decode_leniently(const char *text, struct sample *out, struct arena *arena)
{
    struct sks_error err = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    cr_assert(json_parse(bytes_of(text), &root, &err) == SKS_OK, "%s: %s", text, err.text);
    rc = json_decode_leniently(&SAMPLE, root, out, arena);
    json_decref(root);
    return rc;
}

/* Nothing that a strict reader refuses stops a lenient one. */
Test(json_decode, leniently)
{
    for (size_t i = 0; i < NITEMS(DECODE); i++) {
        struct sample sample;
        struct arena arena = { 0 };
        char text[400];

        (void)snprintf(text, sizeof text, "{\"kind\":\"sample\",%s}", DECODE[i].text);
        cr_expect(decode_leniently(text, &sample, &arena) == SKS_OK, "%s", text);
        arena_free(&arena);
    }
}

/* What can be read is passed on as it is, and the rest is as if it were absent. */
Test(json_decode, leniently_what_there_is)
{
    struct sample sample;
    struct arena arena = { 0 };

    cr_assert(decode_leniently("{\"foo\":1,\"small\":0,\"big\":4294967295,\"id\":\"a b\","
                               "\"uri\":\"no uri\",\"binary\":\"AAAAAAAA\",\"name\":\"?\","
                               "\"texts\":[\"\",\"x\"],\"flag\":3}",
                               &sample, &arena) == SKS_OK);
    cr_expect(sample.small == 0 && sample.big == UINT32_MAX);
    cr_expect(bytes_equal(sample.id, bytes_of("a b")));
    cr_expect(bytes_equal(sample.uri, bytes_of("no uri")));
    cr_expect_eq(sample.binary.len, (size_t)6);
    cr_expect_eq(sample.name, PROTECTION_NOT_ALLOWED);
    cr_expect(sample.texts.count == 2 && sample.texts.item[0].len == 0);
    cr_expect_not(sample.flag);
    arena_free(&arena);
}

Test(json_decode, absolute_uris)
{
    static const char *const good[] = {
        "a:b",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "https://webpki.github.io/sks/algorithm#session.1",
        "urn:ietf:rfc:4226",
        "urn:sks:2010:session.rsa",
        "https://[::1]:8080/a%20b?c=d&e='f'(g)*h+i,j;k!l$m@n~o_p",
        "a+b-c.d1:x",
    };
    static const char *const bad[] = {
        "",           "a",     "a:",    ":a",    "1a:b",  "+a:b", "/a:b",  "a b:c",
        "a:b c",      "a:b\"", "a:<b>", "a:\\b", "a:%",   "a:%1", "a:%1g", "a:b#c#d",
        "a:\xc3\xa4", "a:b\n", "//a/b", "#a",    "a:b|c", "a:`",
    };
    struct sample sample;
    struct sks_error err = { 0 };

    for (size_t i = 0; i < NITEMS(good) + NITEMS(bad); i++) {
        const char *uri = i < NITEMS(good) ? good[i] : bad[i - NITEMS(good)];
        json_t *root = json_pack("{ssss}", "kind", "sample", "uri", uri);
        struct arena arena = { 0 };
        enum sks_status rc = json_decode(&SAMPLE, root, &sample, &arena, &err);

        cr_expect((rc == SKS_OK) == (i < NITEMS(good)), "%s", uri);
        json_decref(root);
        arena_free(&arena);
    }
}

Test(json_decode, length_of_uris_and_ids)
{
    struct buf uri[] = {
        repeat("{\"kind\":\"sample\",\"uri\":\"u:", "x", 998, "\"}"),
        repeat("{\"kind\":\"sample\",\"uri\":\"u:", "x", 999, "\"}"),
        repeat("{\"kind\":\"sample\",\"id\":\"", "~", 32, "\"}"),
        repeat("{\"kind\":\"sample\",\"id\":\"", "!", 33, "\"}"),
    };

    for (size_t i = 0; i < NITEMS(uri); i++) {
        struct sample sample;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };

        cr_expect((decode((const char *)uri[i].ptr, &sample, &arena, &err) == SKS_OK) == !(i & 1));
        arena_free(&arena);
        buf_free(&uri[i]);
    }
}

Test(json_decode, absent_values)
{
    struct sample sample;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    memset(&sample, 0xAA, sizeof sample);
    cr_assert(decode("{\"kind\":\"sample\"}", &sample, &arena, &err) == SKS_OK);
    cr_expect(!sample.flag && sample.yes && sample.small == 7 && sample.big == 8);
    cr_expect(sample.name == PROTECTION_NOT_ALLOWED && sample.names == 0 && sample.custom == 0);
    cr_expect(sample.text.ptr == NULL && sample.text.len == 0 && sample.binary.ptr == NULL);
    cr_expect(sample.texts.count == 0 && sample.records.count == 0 && sample.record == NULL);
    arena_free(&arena);
}

/* ---- both directions ---- */

static const char FULL[] =
    "{\"kind\":\"sample\",\"flag\":true,\"yes\":false,\"small\":65535,\"big\":4000000000,"
    "\"text\":\"\xe2\x82\xac\\\"\\n\",\"id\":\"!~\",\"uri\":\"urn:x\",\"binary\":\"-_8\","
    "\"name\":\"none\",\"names\":[\"three-in-a-row\",\"missing-group\"],\"texts\":[\"a\",\"bc\"],"
    "\"uris\":[\"a:1\",\"a:2\"],\"binaries\":[\"AA\",\"AQI\"],\"record\":{\"id\":\"r\","
    "\"flag\":true},\"records\":[{\"id\":\"1\"},{\"id\":\"2\",\"flag\":true}],\"custom\":\"99\"}";

static void expect_encoding(const struct sample *sample, const char *expected)
{
    struct buf text = { 0 };
    json_t *root = json_encode(&SAMPLE, sample);

    json_put(&text, &SAMPLE, sample);
    cr_assert(text.status == SKS_OK && root != NULL);
    cr_expect(bytes_equal(buf_bytes(&text), bytes_of(expected)), "%.*s", (int)text.len,
              (const char *)text.ptr);
    buf_reset(&text);
    cr_assert(json_write(root, &text) == SKS_OK);
    cr_expect(bytes_equal(buf_bytes(&text), bytes_of(expected)), "the tree says the same");
    json_decref(root);
    buf_free(&text);
}

Test(json_both_ways, every_kind)
{
    struct sample sample;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    const struct inner *records;

    cr_assert(decode(FULL, &sample, &arena, &err) == SKS_OK, "%s", err.text);
    cr_expect(sample.flag && !sample.yes && sample.small == 65535 && sample.big == 4000000000);
    cr_expect(bytes_equal(sample.text, bytes_of("\xe2\x82\xac\"\n")));
    cr_expect(sample.text.ptr[sample.text.len] == '\0');
    cr_expect(bytes_equal(sample.binary, bytes_at("\xfb\xff", 2)));
    cr_expect(sample.name == PROTECTION_NONE);
    cr_expect(sample.names == (PATTERN_THREE_IN_A_ROW | PATTERN_MISSING_GROUP));
    cr_assert(sample.binaries.count == 2 && sample.records.count == 2 && sample.record != NULL);
    cr_expect(bytes_equal(sample.binaries.item[1], bytes_at("\x01\x02", 2)));
    records = sample.records.item;
    cr_expect(!records[0].flag && records[1].flag && sample.custom == 99);
    expect_encoding(&sample, FULL);
    arena_free(&arena);
}

Test(json_both_ways, what_equals_its_fallback_is_left_out)
{
    static const char given[] =
        "{\"custom\":\"0\",\"texts\":[],\"text\":\"\",\"name\":\"non-exportable\",\"big\":8,"
        "\"small\":7,\"yes\":true,\"flag\":false,\"kind\":\"sample\"}";
    struct sample sample;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };

    cr_assert(decode(given, &sample, &arena, &err) == SKS_OK, "%s", err.text);
    expect_encoding(&sample, "{\"kind\":\"sample\"}");
    arena_free(&arena);
}

Test(json_encode, refuses_what_has_no_form)
{
    struct bytes broken = bytes_of("\xff");
    struct sample sample[] = {
        { .text = broken },
        { .texts = { &broken, 1 } },
        { .name = 77 },
        { .names = 0x80 },
        { .record = &(struct inner){ .id = broken } },
        { .records = { &(struct inner){ .id = broken }, 1 } },
    };

    for (size_t i = 0; i < NITEMS(sample); i++)
        cr_expect_null(json_encode(&SAMPLE, &sample[i]), "number %zu", i);
}

Test(json_put_text, writes_every_character_as_jansson_does)
{
    uint8_t text[130];
    struct bytes all = bytes_at(text, sizeof text);
    struct buf ours = { 0 }, theirs = { 0 };
    json_t *array = json_array();

    for (unsigned i = 0; i < 128; i++)
        text[i] = (uint8_t)i;
    text[128] = 0xC3, text[129] = 0xA4;
    cr_assert(json_array_append_new(array, json_text(all)) == 0);
    cr_assert(json_write(array, &theirs) == SKS_OK);
    put_byte(&ours, '[');
    json_put_text(&ours, all);
    put_byte(&ours, ']');
    cr_expect(bytes_equal(buf_bytes(&ours), buf_bytes(&theirs)), "%.*s", (int)ours.len,
              (const char *)ours.ptr);
    json_decref(array);
    buf_free(&ours);
    buf_free(&theirs);
}

/* Mandatory, and NULL. */
Test(json_encode, refuses_a_missing_record)
{
    static const struct json_field fields[] = {
        { "record", JSON_RECORD, JSON_MANDATORY, AT(record), .with = &INNER },
    };
    static const struct json_field custom[] = {
        { "custom", JSON_CUSTOM, JSON_MANDATORY, AT(custom), .with = &DIGITS },
    };
    static const struct json_type types[] = {
        JSON_TYPE("record", struct sample, fields, NULL),
        JSON_TYPE("custom", struct sample, custom, NULL),
    };
    struct sample sample = { 0 };

    cr_expect_null(json_encode(&types[0], &sample));
    cr_expect_null(json_encode(&types[1], &sample));
}
