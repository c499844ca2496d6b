#include "keygen2/message/keygen2.h"

#include <criterion/criterion.h>

static const char SERVER_TEXT[] = "/serverTime: not a time of the form YYYY-MM-DDThh:mm:ssZ";
static const char CLIENT_TEXT[] = "/clientTime: not a time of the form YYYY-MM-DDThh:mm:ss+hh:mm";

struct good {
    const char *text;
    int64_t seconds;
};

static enum sks_status decode(bool client, const json_t *value, struct keygen2_time *time,
                              struct arena *arena, struct sks_error *err)
{
    const struct json_codec *codec = client ? &KEYGEN2_CLIENT_TIME : &KEYGEN2_SERVER_TIME;
    const struct json_place at = { NULL, client ? "clientTime" : "serverTime", 0 };
    struct json_reader reader = { .arena = arena, .err = err };

    *time = (struct keygen2_time){ 0 };
    return codec->decode(&reader, &at, value, time);
}

static void expect_good(bool client, const struct good *good, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_string(good[i].text);
        struct keygen2_time time;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };

        cr_expect(decode(client, value, &time, &arena, &err) == SKS_OK, "%s: %s", good[i].text,
                  err.text);
        json_decref(value);
        cr_expect(time.seconds == good[i].seconds, "%s: %lld", good[i].text,
                  (long long)time.seconds);
        cr_expect(bytes_equal(time.text, bytes_of(good[i].text)), "%s is not kept", good[i].text);
        arena_free(&arena);
    }
}

static void expect_refused(bool client, const char *const text[], size_t count, const char *why)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_string(text[i]);
        struct keygen2_time time;
        struct arena arena = { 0 };
        struct sks_error err = { 0 };

        cr_expect(decode(client, value, &time, &arena, &err) == SKS_ERROR_OPTION, "%s", text[i]);
        cr_expect_str_eq(err.text, why, "%s: %s", text[i], err.text);
        json_decref(value);
        arena_free(&arena);
    }
}

/* Seconds by `date -u -d TEXT +%s`. */
Test(time, utc)
{
    static const struct good good[] = {
        { "1970-01-01T00:00:00Z", 0 },          { "1970-01-01T00:00:01Z", 1 },
        { "1972-02-29T23:59:59Z", 68255999 },   { "2000-02-29T12:00:00Z", 951825600 },
        { "2026-11-22T02:43:18Z", 1795315398 }, { "2038-01-19T03:14:08Z", 2147483648 },
        { "2106-02-07T06:28:15Z", 4294967295 },
    };
    static const struct good late[] = {
        { "2106-02-07T06:28:16Z", 4294967296 },
        { "9999-12-31T23:59:59Z", 253402300799 },
    };

    expect_good(false, good, NITEMS(good));
    expect_good(false, late, NITEMS(late));
    expect_good(true, good, NITEMS(good));
}

Test(time, offsets_of_client_times)
{
    static const struct good good[] = {
        { "2026-11-22T02:43:19+00:00", 1795315399 }, { "2026-11-22T02:43:19-00:00", 1795315399 },
        { "2026-11-22T03:43:19+01:00", 1795315399 }, { "2026-11-21T21:13:19-05:30", 1795315399 },
        { "2026-11-23T02:42:19+23:59", 1795315399 }, { "1970-01-01T01:00:00+01:00", 0 },
        { "1970-01-01T00:00:00-23:59", 86340 },
    };

    expect_good(true, good, NITEMS(good));
}

/* What is no time at either end. */
static const char *const NO_TIME[] = {
    "",
    "now",
    "2026",
    "2026-11-22",
    "2026-11-22T02:43:18",    /* no zone */
    "2026-11-22T02:43Z",      /* no seconds */
    "2026-11-22 02:43:18Z",   /* a space for the T */
    "2026-11-22t02:43:18z",   /* small letters */
    "2026-11-22T02:43:18.0Z", /* fractions */
    "2026-11-22T02:43:18.123Z",
    "2026-11-22T02:43:18,5Z",
    "2026-11-22T02:43:18Z ", /* something behind */
    "2026-11-22T02:43:18ZZ",
    " 2026-11-22T02:43:18Z",
    "+2026-11-22T02:43:18Z",
    "-026-11-22T02:43:18Z",
    "02026-11-22T02:43:18Z",
    "2026-1-22T02:43:18Z",
    "20261122T024318Z",
    "1969-12-31T23:59:59Z", /* years out of range */
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-00-22T02:43:18Z", /* no such day or time */
    "2026-13-22T02:43:18Z",
    "2026-11-00T02:43:18Z",
    "2026-11-31T02:43:18Z",
    "2026-02-29T02:43:18Z",
    "2100-02-29T02:43:18Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T02:60:18Z",
    "2016-12-31T23:59:60Z",
};

Test(time, refused_at_both_ends)
{
    expect_refused(false, NO_TIME, NITEMS(NO_TIME), SERVER_TEXT);
    expect_refused(true, NO_TIME, NITEMS(NO_TIME), CLIENT_TEXT);
}

Test(time, server_time_takes_no_offset)
{
    static const char *const text[] = { "2026-11-22T02:43:18+00:00", "2026-11-22T03:43:18+01:00" };

    expect_refused(false, text, NITEMS(text), SERVER_TEXT);
}

Test(time, client_time_with_a_bad_offset)
{
    static const char *const text[] = {
        "2026-11-22T02:43:18+0000",   "2026-11-22T02:43:18+00",      "2026-11-22T02:43:18+24:00",
        "2026-11-22T02:43:18+00:60",  "2026-11-22T02:43:18 00:00",   "2026-11-22T02:43:18+00:00Z",
        "2026-11-22T02:43:18Z+00:00", "2026-11-22T02:43:18.5+00:00", "2026-11-22T02:43:18++0:00",
        "2026-11-22T02:43:18+00:0 ",  "1970-01-01T00:59:59+01:00", /* before 1970 in UTC */
    };

    expect_refused(true, text, NITEMS(text), CLIENT_TEXT);
}

Test(time, client_time_fits_into_32_bits)
{
    static const char *const text[] = {
        "2106-02-07T06:28:16Z",
        "2106-02-07T06:28:15-00:01",
        "9999-12-31T23:59:59+00:00",
    };
    static const struct good last = { "2106-02-07T06:28:16+00:01", 4294967236 };

    expect_refused(true, text, NITEMS(text), "/clientTime: a time that SKS cannot count to");
    expect_good(true, &last, 1);
}

Test(time, only_a_string)
{
    static const char *const text[] = { "[1795315398]", "[null]", "[true]", "[{}]", "[[]]" };

    for (size_t i = 0; i < NITEMS(text); i++) {
        json_t *list = json_loads(text[i], 0, NULL);
        struct keygen2_time time;
        struct sks_error err = { 0 };

        cr_expect(decode(false, json_array_get(list, 0), &time, NULL, &err) == SKS_ERROR_OPTION);
        cr_expect_str_eq(err.text, "/serverTime: expected a string");
        json_decref(list);
    }
}

Test(time, formats)
{
    char text[32];

    keygen2_time_format(1795315398, false, text);
    cr_expect_str_eq(text, "2026-11-22T02:43:18Z");
    keygen2_time_format(1795315398, true, text);
    cr_expect_str_eq(text, "2026-11-22T02:43:18+00:00");
    keygen2_time_format(0, false, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00Z");
    keygen2_time_format(253402300799, true, text);
    cr_expect_str_eq(text, "9999-12-31T23:59:59+00:00");
    keygen2_time_format(INT64_MAX, true, text);
    cr_expect_str_eq(text, "");
}

static void expect_encoded(const struct json_codec *codec, struct keygen2_time time,
                           const char *text)
{
    struct buf value = { 0 };
    char expected[80];

    codec->encode(&value, &time);
    put_byte(&value, '\0');
    (void)snprintf(expected, sizeof expected, "\"%s\"", text);
    cr_assert_eq(value.status, SKS_OK);
    cr_expect_str_eq((const char *)value.ptr, expected);
    buf_free(&value);
}

Test(time, the_text_wins_when_encoding)
{
    struct keygen2_time parsed = { bytes_of("2026-11-22T03:43:18+01:00"), 1795315398 };
    struct keygen2_time made = { { 0 }, 1795315398 };

    expect_encoded(&KEYGEN2_CLIENT_TIME, parsed, "2026-11-22T03:43:18+01:00");
    expect_encoded(&KEYGEN2_SERVER_TIME, parsed, "2026-11-22T03:43:18+01:00");
    expect_encoded(&KEYGEN2_CLIENT_TIME, made, "2026-11-22T02:43:18+00:00");
    expect_encoded(&KEYGEN2_SERVER_TIME, made, "2026-11-22T02:43:18Z");
}
