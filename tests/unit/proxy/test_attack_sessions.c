/* Attacks with what crossed before, or in another session. */
#include "tests/unit/support/proxy/attack_rules.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

/* ---- what crossed before ---- */

Test(attack_sessions, earlier_messages_come_again)
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

Test(attack_sessions, a_value_comes_from_another_session)
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

Test(attack_sessions, a_replay_is_of_the_session_that_it_says)
{
    check_replayed(WHOLE("replay\", \"occurrence\": 2"), NAMED(",\"a\":1"));
    check_replayed(WHOLE("replay\", \"occurrence\": 2, \"from\": \"this-session\""),
                   NAMED(",\"a\":1"));
    check_replayed(WHOLE("replay\", \"occurrence\": 2, \"from\": \"another-session\""),
                   NAMED(",\"a\":9"));
    check_replayed(WHOLE("replay\", \"of\": \"N\", \"occurrence\": 2"), NULL);
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

Test(attack_sessions, messages_of_two_sessions_take_each_others_place)
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

Test(attack_sessions, two_sessions_must_be_under_way)
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
Test(attack_sessions, requests_change_their_order)
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
