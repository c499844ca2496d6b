/* What the rules of an attack do to a message. */
#include "tests/unit/support/proxy/attack_rules.h"

#include <criterion/criterion.h>
#include <string.h>

/* ---- values ---- */

#define DOCUMENT NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"")

static const struct {
    const char *rules;
    const char *result; /* NULL: does not fit */
} CASES[] = {
    { RULE("/a", "delete\""),
      NAMED(",\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/1", "delete\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l", "replace\", \"value\": {\"b\": null}"),
      NAMED(",\"a\":1,\"b\":true,\"l\":{\"b\":null},\"t\":\"AQID\"") },
    /* 01 02 03: bit 9 is 2 of the second byte, which leaves 01 00 03. */
    { RULE("/t", "flip\", \"bit\": 9"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQAD\"") },
    { RULE("/l/0", "flip\", \"bit\": 0"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"y y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/2/~0~1", "flip\", \"bit\": 8"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAE\"}],\"t\":\"AQID\"") },
    { RULE("/t", "truncate\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQI\"") },
    { RULE("/t", "truncate\", \"bytes\": 3"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"\"") },
    { RULE("/t", "extend\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQIDAA\"") },
    { RULE("/l/0", "extend\", \"bytes\": 2"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y  \",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l", "empty\""), NAMED(",\"a\":1,\"b\":true,\"l\":[],\"t\":\"AQID\"") },
    { RULE("/l/0", "duplicate\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/0", "swap\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[2,\"x y\",{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/a", "swap\""),
      NAMED(",\"a\":true,\"b\":1,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/2", "insert\", \"name\": \"n\", \"value\": [1]"),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\",\"n\":[1]}],\"t\":\"AQID\"") },
    { RULE("/t", "type\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":1") },
    { RULE("/l/2", "type\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",2,[{\"~/\":\"AAA\"}]],\"t\":\"AQID\"") },
    { RULE("/l", "type\""), NAMED(",\"a\":1,\"b\":true,\"l\":{},\"t\":\"AQID\"") },
    { RULE("/a", "zero\""),
      NAMED(",\"a\":0,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/1", "increment\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",3,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/l/1", "decrement\""),
      NAMED(",\"a\":1,\"b\":true,\"l\":[\"x y\",1,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/a", "maximum\""),
      NAMED(",\"a\":4294967295,\"b\":true,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/b", "invert\""),
      NAMED(",\"a\":1,\"b\":false,\"l\":[\"x y\",2,{\"~/\":\"AAA\"}],\"t\":\"AQID\"") },
    { RULE("/t", "flip\", \"bit\": 24"), NULL },
    { RULE("/l/0", "flip\", \"bit\": 7"), NULL }, /* is not UTF-8 any more */
    { RULE("/a", "flip\", \"bit\": 0"), NULL },
    { RULE("/c", "delete\""), NULL },
    { RULE("/l/3", "delete\""), NULL },
    { RULE("/l/x", "delete\""), NULL },
    { RULE("/t/0", "delete\""), NULL },
    { RULE("/t", "truncate\", \"bytes\": 4"), NULL },
    { RULE("/a", "extend\""), NULL },
    { RULE("/a", "empty\""), NULL },
    { RULE("/a", "duplicate\""), NULL },
    { RULE("/t", "swap\""), NULL },
    { RULE("/l/2", "swap\""), NULL },
    { RULE("/a", "shift\""), NULL },
    { RULE("/t", "shift\""), NULL },
    { RULE("/l", "insert\", \"name\": \"n\", \"value\": 1"), NULL },
    { RULE("/t", "zero\""), NULL },
    { RULE("/a", "replace\", \"value\": 1"), NULL }, /* it is so already */
    { RULE("/b", "maximum\""), NULL },
    { RULE("/a", "invert\""), NULL },
    { RULE("/t", "splice\""), NULL },
    { RULE("/t", "own-key\""), NULL },
    { RULE("/t", "re-encrypt\""), NULL },
};

Test(attack, operations)
{
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct buf text = { 0 };
        struct attack *attack;
        enum sks_status rc;

        cr_assert_eq(load(CASES[i].rules, &attack), SKS_OK, "%s", err.text);
        rc = cross(attack, 1, DOCUMENT, &text);
        cr_expect_eq(rc, CASES[i].result == NULL ? SKS_ERROR_OPTION : SKS_OK, "%zu: %s", i,
                     err.text);
        if (CASES[i].result != NULL) {
            cr_expect(bytes_equal(buf_bytes(&text), bytes_of(CASES[i].result)), "%zu: %.*s", i,
                      (int)text.len, (const char *)text.ptr);
            cr_expect_neq(outcome.note[0], '\0');
            cr_expect_eq(outcome.fate, ATTACK_ALTERED);
        }
        attack_free(attack);
        buf_free(&text);
    }
}

static void check_altered(const char *rules, const char *message, const char *result)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(rules, &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, message, &text), SKS_OK, "%s", err.text);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of(result)), "%.*s", (int)text.len,
              (const char *)text.ptr);
    attack_free(attack);
    buf_free(&text);
}

/* 01 02 03 | 04 05 becomes 01 02 | 03 04 05. */
Test(attack, a_byte_crosses_a_boundary)
{
    check_altered(RULE("/a", "shift\""), NAMED(",\"a\":\"AQID\",\"b\":\"BAU\""),
                  NAMED(",\"a\":\"AQI\",\"b\":\"AwQF\""));
}

Test(attack, rules_follow_each_other)
{
    check_altered("{\"description\": \"d\", \"rules\": ["
                  "{\"hop\": \"issuer\", \"message\": \"M\", \"path\": \"/a\","
                  " \"operation\": \"increment\"},"
                  "{\"hop\": \"issuer\", \"message\": \"M\", \"path\": \"/a\","
                  " \"operation\": \"increment\"}]}",
                  NAMED(",\"a\":1"), NAMED(",\"a\":3"));
}

Test(attack, own_keys_are_of_the_same_kind)
{
    static const char KEY[] = NAMED(",\"k\":{\"kty\":\"EC\",\"crv\":\"P-256\","
                                    "\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
                                    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}");
    struct buf text = { 0 };
    struct attack *attack;
    json_t *before = json_loads(KEY, 0, NULL), *after, *theirs, *own;

    cr_assert_eq(load(RULE("/k", "own-key\""), &attack), SKS_OK);
    cr_assert_eq(cross(attack, 1, KEY, &text), SKS_OK, "%s", err.text);
    after = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    theirs = json_object_get(before, "k");
    own = json_object_get(after, "k");
    cr_assert(json_equal(json_object_get(theirs, "crv"), json_object_get(own, "crv")));
    cr_assert(!json_equal(json_object_get(theirs, "x"), json_object_get(own, "x")));
    cr_assert_eq(json_string_length(json_object_get(own, "y")), 43);
    json_decref(before);
    json_decref(after);
    attack_free(attack);
    buf_free(&text);
}

/* ---- which message ---- */

static void check_turns(const char *rules, const char *turns)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(rules, &attack), SKS_OK, "%s", err.text);
    for (; *turns != '\0'; turns++) {
        cr_assert_eq(cross(attack, 1, NAMED(",\"a\":1"), &text), SKS_OK);
        cr_assert_eq(outcome.fate == ATTACK_ALTERED, *turns == 'x', "%s", turns);
        cr_assert_eq(cross(attack, 1, "{\"@qualifier\":\"N\",\"a\":1}", &text), SKS_OK);
        cr_assert_eq(outcome.fate, ATTACK_NOTHING);
    }
    attack_free(attack);
    buf_free(&text);
}

Test(attack, occurrences_are_counted)
{
    check_turns(RULE("/a", "zero\""), "xxxx");
    check_turns(RULE("/a", "zero\", \"occurrence\": 2"), "-x--");
    check_turns(RULE("/a", "zero\", \"occurrence\": 2, \"times\": 2"), "-xx-");
    check_turns(RULE("/a", "zero\", \"times\": 3"), "xxx-");
    check_turns(RULE("/a", "zero\", \"direction\": \"answer\""), "----");
    check_turns(RULE("/a", "zero\", \"direction\": \"request\""), "xx");
}

Test(attack, other_messages_and_no_attack_change_nothing)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(RULE("/a", "delete\""), &attack), SKS_OK);
    cr_assert_eq(cross(attack, 1, "not even JSON", &text), SKS_OK);
    cr_assert_eq(outcome.fate, ATTACK_NOTHING);
    cr_assert_eq(cross(NULL, 1, NAMED(""), &text), SKS_OK);
    cr_assert_str_eq(outcome.note, "");
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of(NAMED(""))));
    attack_free(attack);
    buf_free(&text);
}

/* ---- whole messages ---- */

static void check_fate(const char *rules, enum attack_fate fate, unsigned seconds, unsigned status)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(rules, &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, NAMED(",\"a\":1"), &text), SKS_OK, "%s", err.text);
    cr_assert_eq(outcome.fate, fate, "%s", rules);
    cr_assert_eq(outcome.seconds, seconds);
    cr_assert_eq(outcome.status, status);
    attack_free(attack);
    buf_free(&text);
}

Test(attack, fates)
{
    check_fate(WHOLE("drop\""), ATTACK_DROPPED, 0, 0);
    check_fate(WHOLE("delay\", \"seconds\": 7"), ATTACK_ALTERED, 7, 0);
    check_fate(WHOLE("repeat\""), ATTACK_REPEATED, 0, 0);
    check_fate(WHOLE("reflect\""), ATTACK_ANSWERED, 0, 200);
    check_fate(WHOLE("forge\", \"value\": {}"), ATTACK_ANSWERED, 0, 200);
    check_fate(WHOLE("forge\", \"value\": {}, \"status\": 302"), ATTACK_ANSWERED, 0, 302);
}

/* ---- bodies as they are sent ---- */

Test(attack, octets_of_a_body)
{
    check_altered(WHOLE("flip\", \"bit\": 120"), NAMED(",\"a\":1"),
                  "{\"@qualifier\":\"L\",\"a\":1}");
    check_altered(WHOLE("truncate\", \"bytes\": 2"), NAMED(",\"a\":1"),
                  "{\"@qualifier\":\"M\",\"a\":");
    check_altered(WHOLE("empty\""), NAMED(",\"a\":1"), "");
}

Test(attack, octets_at_the_end_of_a_body)
{
    static const char LONGER[] = NAMED("") "\0";
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(WHOLE("extend\""), &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_at(LONGER, sizeof LONGER - 1)));
    attack_free(attack);
    cr_assert_eq(load(WHOLE("truncate\", \"bytes\": 100"), &attack), SKS_OK);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_ERROR_OPTION, "it has not so many");
    attack_free(attack);
    cr_assert_eq(load(WHOLE("flip\", \"bit\": 8000"), &attack), SKS_OK);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_ERROR_OPTION, "it has not so many");
    attack_free(attack);
    buf_free(&text);
}
