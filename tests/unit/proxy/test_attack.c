/* Attacks as data: what a rule file may say, and what the rules do to a message. */
#include "keygen2/base/files.h"
#include "proxy/attack/attack.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sks_error err;
static struct attack_outcome outcome;

static enum sks_status load(const char *rules, struct attack **attack)
{
    char path[] = "/tmp/sks-attack-XXXXXX";
    int fd = mkstemp(path);
    enum sks_status rc;

    (void)close(fd);
    cr_assert_eq(file_write(path, 0600, bytes_of(rules), &err), SKS_OK);
    rc = attack_load(path, attack, &err);
    (void)unlink(path);
    return rc;
}

static enum sks_status cross(struct attack *attack, uint32_t connection, const char *message,
                             struct buf *text)
{
    buf_reset(text);
    put_text(text, message);
    return attack_apply(attack, &(struct crossing){ .connection = connection }, text, &outcome,
                        &err);
}

#define ALL(rest) "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"M\", " rest "}]}"
#define RULE(path, operation) ALL("\"path\": \"" path "\", \"operation\": \"" operation)
#define WHOLE(operation) ALL("\"operation\": \"" operation)
#define NAMED(rest) "{\"@qualifier\":\"M\"" rest "}"

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

Test(attack, earlier_messages_come_again)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(WHOLE("replay\", \"of\": \"N\""), &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_ERROR_OPTION, "nothing crossed yet");
    cr_assert_eq(cross(attack, 1, "{\"@qualifier\":\"N\",\"a\":1}", &text), SKS_OK);
    cr_assert_eq(cross(attack, 1, "{\"@qualifier\":\"N\",\"a\":2}", &text), SKS_OK);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of("{\"@qualifier\":\"N\",\"a\":2}")));
    attack_free(attack);
    buf_free(&text);
}

Test(attack, a_value_comes_from_another_session)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(RULE("/a", "splice\", \"occurrence\": 3"), &attack), SKS_OK);
    cr_assert_eq(cross(attack, 1, NAMED(",\"a\":[1]"), &text), SKS_OK);
    cr_assert_eq(cross(attack, 2, NAMED(",\"a\":[2]"), &text), SKS_OK);
    cr_assert_eq(cross(attack, 2, NAMED(",\"a\":[3]"), &text), SKS_OK, "%s", err.text);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of(NAMED(",\"a\":[1]"))));
    attack_free(attack);
    buf_free(&text);
}

/* What a rule puts in the place of the second message of a connection. */
static void check_replayed(const char *rules, const char *result)
{
    struct buf text = { 0 };
    struct attack *attack;
    enum sks_status rc;

    cr_assert_eq(load(rules, &attack), SKS_OK, "%s", err.text);
    attack_remember(attack, &(struct message){ HOP_ISSUER, "M", NULL, NULL }, false, 9,
                    bytes_of(NAMED(",\"a\":9")));
    cr_assert_eq(cross(attack, 1, NAMED(",\"a\":1"), &text), SKS_OK);
    rc = cross(attack, 1, NAMED(",\"a\":2"), &text);
    cr_assert_eq(rc, result == NULL ? SKS_ERROR_OPTION : SKS_OK, "%s", err.text);
    if (result != NULL)
        cr_assert(bytes_equal(buf_bytes(&text), bytes_of(result)), "%.*s", (int)text.len,
                  (const char *)text.ptr);
    attack_free(attack);
    buf_free(&text);
}

Test(attack, a_replay_is_of_the_session_that_it_says)
{
    check_replayed(WHOLE("replay\", \"occurrence\": 2"), NAMED(",\"a\":1"));
    check_replayed(WHOLE("replay\", \"occurrence\": 2, \"from\": \"this-session\""),
                   NAMED(",\"a\":1"));
    check_replayed(WHOLE("replay\", \"occurrence\": 2, \"from\": \"another-session\""),
                   NAMED(",\"a\":9"));
    check_replayed(WHOLE("replay\", \"of\": \"N\", \"occurrence\": 2"), NULL);
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

/* ---- two sessions ---- */

struct session {
    struct attack *attack;
    uint32_t connection;
    const char *message;
    struct buf got;
    enum sks_status rc;
    enum attack_fate fate;
};

static void *send_message(void *ctx)
{
    struct session *s = ctx;
    struct attack_outcome its = { 0 };
    struct sks_error why;

    put_text(&s->got, s->message);
    s->rc = attack_apply(s->attack, &(struct crossing){ .connection = s->connection }, &s->got,
                         &its, &why);
    s->fate = its.fate;
    return NULL;
}

/* Two threads, as two connections of a relay are. */
static void send_both(struct attack *attack, struct session both[2])
{
    pthread_t thread[2];

    for (uint32_t i = 0; i < 2; i++) {
        both[i].attack = attack;
        both[i].connection = i + 1;
        cr_assert_eq(pthread_create(&thread[i], NULL, send_message, &both[i]), 0);
    }
    for (size_t i = 0; i < 2; i++)
        (void)pthread_join(thread[i], NULL);
}

Test(attack, messages_of_two_sessions_take_each_others_place)
{
    struct session first[2] = { { .message = NAMED(",\"a\":1") },
                                { .message = NAMED(",\"a\":2") } };
    struct session second[2] = { { .message = NAMED(",\"a\":3") },
                                 { .message = NAMED(",\"a\":4") } };
    struct attack *attack;

    cr_assert_eq(load(WHOLE("cross\", \"occurrence\": 2"), &attack), SKS_OK, "%s", err.text);
    send_both(attack, first);
    send_both(attack, second);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(first[i].fate, ATTACK_NOTHING);
        cr_assert(bytes_equal(buf_bytes(&first[i].got), bytes_of(first[i].message)));
        cr_assert_eq(second[i].rc, SKS_OK);
        cr_assert_eq(second[i].fate, ATTACK_ALTERED);
        cr_assert(bytes_equal(buf_bytes(&second[i].got), bytes_of(second[1 - i].message)));
        buf_free(&first[i].got);
        buf_free(&second[i].got);
    }
    attack_free(attack);
}

Test(attack, two_sessions_must_be_under_way)
{
    struct session same[2] = { { .message = NAMED("") }, { .message = NAMED("") } };
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(WHOLE("cross\", \"seconds\": 1"), &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, NAMED(""), &text), SKS_ERROR_OPTION);
    cr_assert_not_null(strstr(err.text, "no other session"), "%s", err.text);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of(NAMED(""))));
    cr_assert_eq(cross(attack, 0, NAMED(""), &text), SKS_ERROR_OPTION);
    cr_assert_not_null(strstr(err.text, "relay"), "%s", err.text);
    send_both(attack, same);
    cr_assert_eq(same[0].rc, SKS_ERROR_OPTION, "nothing was changed");
    attack_free(attack);
    for (size_t i = 0; i < 2; i++)
        buf_free(&same[i].got);
    buf_free(&text);
}

/* It is answered by what the rule says, and goes on when the next request of its session has. */
Test(attack, requests_change_their_order)
{
    struct buf text = { 0 };
    struct attack *attack;

    cr_assert_eq(load(WHOLE("reorder\", \"value\": {\"b\": 1}"), &attack), SKS_OK, "%s", err.text);
    cr_assert_eq(cross(attack, 1, NAMED(",\"a\":1"), &text), SKS_OK);
    cr_assert_eq(outcome.fate, ATTACK_ANSWERED);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of("{\"b\":1}")));
    cr_assert_eq(cross(attack, 2, "{\"@qualifier\":\"N\"}", &text), SKS_OK);
    cr_assert_eq(outcome.behind.len, 0, "of another session");
    cr_assert_eq(cross(attack, 1, "{\"@qualifier\":\"N\"}", &text), SKS_OK);
    cr_assert_eq(outcome.fate, ATTACK_ALTERED);
    cr_assert(bytes_equal(buf_bytes(&outcome.behind), bytes_of(NAMED(",\"a\":1"))));
    buf_free(&outcome.behind);
    cr_assert_eq(cross(attack, 1, "{\"@qualifier\":\"N\"}", &text), SKS_OK);
    cr_assert_eq(outcome.fate, ATTACK_NOTHING, "it goes on once");
    attack_free(attack);
    buf_free(&text);
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

/* ---- files ---- */

static const struct {
    const char *rules, *problem;
} WRONG[] = {
    { "", "line 1" },
    { "{\"rules\": []}", "/rules" },
    { "{\"rules\": [{}]}", "/rules/0" },
    { RULE("/a", "flop\""), "/rules/0/operation" },
    { RULE("/a", "flip\""), "flip wants \"bit\"" },
    { RULE("/a", "delete\", \"bit\": 1"), "/rules/0/bit: does not belong to the operation delete" },
    { RULE("/a", "flip\", \"bit\": -1"), "/rules/0/bit" },
    { RULE("/a", "flip\", \"bit\": 1.0"), "/rules/0/bit" },
    { RULE("/a", "replace\""), "replace wants \"value\"" },
    { RULE("/a", "insert\", \"value\": 1"), "insert wants \"name\"" },
    { RULE("/a", "delete\", \"value\": null"), "/rules/0/value: does not belong" },
    { RULE("a", "delete\""), "/rules/0/path: expected a JSON pointer" },
    { WHOLE("delete\""), "/rules/0/path: expected a JSON pointer" },
    { RULE("/a", "drop\""), "/rules/0/path: the operation is one of whole messages" },
    { RULE("/a", "delete\", \"x\": 1"), "/rules/0/x" },
    { RULE("/a", "delete\", \"occurrence\": 0"), "/rules/0/occurrence" },
    { WHOLE("delay\""), "delay wants \"seconds\"" },
    { WHOLE("reflect\", \"direction\": \"answer\""), "only a request" },
    { WHOLE("reorder\", \"value\": 1, \"direction\": \"answer\""), "only a request" },
    { WHOLE("reorder\""), "reorder wants \"value\"" },
    { WHOLE("drop\", \"from\": \"this-session\""), "/rules/0/from: does not belong" },
    { WHOLE("replay\", \"from\": \"nowhere\""), "/rules/0/from" },
    { WHOLE("zero\""), "/rules/0/path: expected a JSON pointer" },
    { RULE("/a", "cross\""), "/rules/0/path: the operation is one of whole messages" },
    { "{\"rules\": [{\"hop\": \"x\", \"message\": \"M\", \"operation\": \"drop\"}]}",
      "/rules/0/hop" },
};

Test(attack, what_is_wrong_with_a_rule_is_said)
{
    struct attack *attack;

    for (size_t i = 0; i < NITEMS(WRONG); i++) {
        cr_expect_eq(load(WRONG[i].rules, &attack), SKS_ERROR_OPTION, "%zu", i);
        cr_expect_null(attack);
        cr_expect_not_null(strstr(err.text, WRONG[i].problem), "%zu: %s", i, err.text);
    }
    cr_expect_eq(attack_load("/nowhere/x", &attack, &err), SKS_ERROR_EXTERNAL);
    cr_expect_eq(load(RULE("/a", "splice\", \"transcript\": \"/nowhere/x\""), &attack),
                 SKS_ERROR_EXTERNAL);
}

Test(attack, those_that_are_ready_can_be_read)
{
    struct attack *attack;

    for (size_t i = 0; i < NAMED_ATTACKS_COUNT; i++) {
        cr_expect_eq(attack_load(NAMED_ATTACKS[i].name, &attack, &err), SKS_OK, "%s: %s",
                     NAMED_ATTACKS[i].name, err.text);
        cr_expect_gt(strlen(NAMED_ATTACKS[i].text), 60);
        attack_free(attack);
    }
}

Test(attack, the_schema_names_every_operation)
{
    json_t *schema = rules_schema();
    char *text = json_dumps(schema, 0);

    for (const struct name *row = OPERATION_NAMES; row->text != NULL; row++)
        cr_expect_not_null(strstr(text, row->text), "%s", row->text);
    free(text);
    json_decref(schema);
}
