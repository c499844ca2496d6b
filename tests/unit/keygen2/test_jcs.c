#include "keygen2/base/jcs.h"

#include <criterion/criterion.h>
#include <string.h>

static struct buf out;

static void assert_canonical(const char *json, const char *canonical)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

    cr_assert(value != NULL, "%s", json);
    buf_reset(&out);
    cr_assert_eq(jcs_write(value, &out), SKS_OK, "%s", json);
    cr_assert(bytes_equal(buf_bytes(&out), bytes_of(canonical)), "%.*s", (int)out.len,
              (const char *)out.ptr);
    json_decref(value);
}

static void assert_refused(const char *json)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

    cr_assert(value != NULL, "%s", json);
    buf_reset(&out);
    cr_assert_eq(jcs_write(value, &out), SKS_ERROR_OPTION, "%s", json);
    json_decref(value);
}

static void tear_down(void)
{
    buf_free(&out);
}

TestSuite(jcs, .fini = tear_down);

Test(jcs, structure)
{
    assert_canonical("{}", "{}");
    assert_canonical("[ ]", "[]");
    assert_canonical(" { \"b\" : [ 1 , true , null ] , \"a\" : { \"z\":\"\", \"y\":false } } ",
                     "{\"a\":{\"y\":false,\"z\":\"\"},\"b\":[1,true,null]}");
}

/* RFC 8785, 3.2.2.2 and its sample with control characters. */
Test(jcs, strings)
{
    assert_canonical("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
                     "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"");
    assert_canonical("\"\\b\\t\\n\\f\\r\\u001f\\u007f\\u2028\"",
                     "\"\\b\\t\\n\\f\\r\\u001f\x7f\xe2\x80\xa8\"");
}

/* RFC 8785, 3.2.3: the example of names that sort by UTF-16 code units. */
Test(jcs, order_of_names)
{
    assert_canonical("{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\","
                     "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\","
                     "\"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\","
                     "\"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
                     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
                     "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
                     "\"\xe2\x82\xac\":\"Euro Sign\","
                     "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
                     "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
    assert_canonical("{\"ab\":1,\"a\":2,\"\":3,\"B\":4}", "{\"\":3,\"B\":4,\"a\":2,\"ab\":1}");
}

Test(jcs, numbers)
{
    assert_canonical("[0,-1,9007199254740991,-9007199254740991]",
                     "[0,-1,9007199254740991,-9007199254740991]");
    assert_refused("9007199254740992");
    assert_refused("1.5");
    assert_refused("[{\"a\":1e3}]");
}

Test(jcs, depth_is_bounded)
{
    char deep[201];

    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = '\0';
    assert_refused(deep);
}
