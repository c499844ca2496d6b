#include "issuer/open_sessions.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROOM = 3 };

static struct open_sessions *sessions;
static struct arena arena;
static uint8_t hash[ROOM + 1][32];

static void set_up(void)
{
    sessions = open_sessions_new(ROOM);
    for (unsigned i = 0; i < ROOM + 1; i++)
        memset(hash[i], (int)i, sizeof hash[i]);
}

static void tear_down(void)
{
    open_sessions_free(sessions);
    arena_free(&arena);
}

TestSuite(open_sessions, .init = set_up, .fini = tear_down);

static struct bytes cookie(unsigned number)
{
    return bytes_at(hash[number], sizeof hash[number]);
}

static void keep(unsigned number, int64_t version, const char *id)
{
    struct session session = { .number = number,
                               .version = version,
                               .id = id,
                               .cookie_hash = cookie(number),
                               .profile = "plain",
                               .issuer_uri = "http://localhost/kg2/plain",
                               .tls = true,
                               .started = 1000,
                               .expires = 2000,
                               .phase = PHASE_KEY_CREATION,
                               .last_message = bytes_of("last") };
    struct buf state = { 0 };

    session.state.counter = 7;
    put_session_state(&state, &session.state);
    cr_assert_eq(state.status, SKS_OK);
    open_sessions_keep(sessions, &session, buf_bytes(&state));
    buf_free(&state);
}

static bool is_there(unsigned number, int64_t version)
{
    struct session session;

    return open_sessions_find(sessions, cookie(number), &arena, &session) &&
           session.number == number && session.version == version;
}

Test(open_sessions, what_is_found_is_what_was_kept)
{
    struct session session;

    keep(1, 3, "abc");
    cr_assert(open_sessions_find(sessions, cookie(1), &arena, &session));
    open_sessions_drop(sessions, cookie(1)); /* a copy was found */
    cr_expect(session.number == 1 && session.version == 3 && session.tls);
    cr_expect_str_eq(session.id, "abc");
    cr_expect_str_eq(session.profile, "plain");
    cr_expect_str_eq(session.issuer_uri, "http://localhost/kg2/plain");
    cr_expect_str_eq(session.cause, "");
    cr_expect(session.started == 1000 && session.expires == 2000 && session.ended == 0);
    cr_expect(session.phase == PHASE_KEY_CREATION && session.verdict == VERDICT_OPEN);
    cr_expect(bytes_equal(session.last_message, bytes_of("last")));
    cr_expect(bytes_equal(session.cookie_hash, cookie(1)));
    cr_expect_eq(session.state.counter, 7);
    cr_expect(bytes_equal(session.state.terms.server_session_id, bytes_of("abc")));
}

Test(open_sessions, only_under_its_cookie_and_until_it_is_dropped)
{
    struct session session;

    keep(1, 1, "a");
    cr_expect(!is_there(2, 1));
    cr_expect(!open_sessions_find(sessions, bytes_of("short"), &arena, &session));
    open_sessions_drop(sessions, cookie(2));
    cr_expect(is_there(1, 1));
    open_sessions_drop(sessions, cookie(1));
    cr_expect(!is_there(1, 1));
}

Test(open_sessions, the_later_version_stays)
{
    keep(1, 2, "a");
    keep(1, 1, "a");
    cr_expect(is_there(1, 2));
    keep(1, 3, "a");
    cr_expect(is_there(1, 3));
}

Test(open_sessions, the_one_changed_longest_ago_goes_first)
{
    for (unsigned i = 0; i < ROOM; i++)
        keep(i, 1, "a");
    keep(0, 2, "a");
    keep(ROOM, 1, "a");
    cr_expect(is_there(0, 2) && is_there(2, 1) && is_there(ROOM, 1));
    cr_expect(!is_there(1, 1));
}
