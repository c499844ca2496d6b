/* The stored state of a session, in its present form and in the one before. */
#include "issuer/session.h"

#include <criterion/criterion.h>
#include <string.h>

/* What form 4 has behind the fixed part of form 3: an array; and 3 behind that of 2: a uint and
 * three arrays; here empty. */
enum { ADDED_4 = 2, ADDED = 4 + 3 * 2 + ADDED_4 };

static struct session_state state_of(uint32_t life_time)
{
    return (struct session_state){
        .terms = { .session_key_algorithm = bytes_of(SKS_SESSION_2010),
                   .session_life_time = (uint16_t)life_time },
        .server_time = bytes_of("2026-11-22T02:43:18Z"),
        .counter = 7,
        .life_time = life_time,
    };
}

static void decode(const struct buf *stored, struct arena *arena, struct session_state *state)
{
    cr_assert_eq(get_session_state(buf_bytes(stored), arena, state), SKS_OK);
}

Test(session_state, both_ways)
{
    struct session_state from = state_of(UINT32_MAX), to;
    struct credential credential = { .id = bytes_of("Key.1"), .attestation_counter = 3 };
    uint8_t key[4000];
    struct arena arena = { 0 };
    struct buf stored = { 0 };

    memset(key, 'k', sizeof key);
    from.ephemeral_key = bytes_at(key, sizeof key);
    from.server_public_key = bytes_of("server key");
    from.encrypted_session_key = bytes_of("encrypted");
    from.session_key_proof = bytes_of("proof");
    from.lookups = bytes_of("lookups");
    from.credential = &credential;
    from.credentials = 1;
    put_session_state(&stored, &from);
    cr_assert_eq(stored.status, SKS_OK);
    decode(&stored, &arena, &to);
    cr_expect(bytes_equal(to.ephemeral_key, from.ephemeral_key), "of RSA with 4096 bits too");
    cr_expect(bytes_equal(to.server_public_key, from.server_public_key));
    cr_expect(bytes_equal(to.encrypted_session_key, from.encrypted_session_key));
    cr_expect(bytes_equal(to.session_key_proof, from.session_key_proof));
    cr_expect(bytes_equal(to.lookups, from.lookups));
    cr_expect_eq(to.life_time, UINT32_MAX);
    cr_expect_eq(to.counter, 7);
    cr_assert_eq(to.credentials, 1);
    cr_expect(bytes_equal(to.credential[0].id, credential.id));
    buf_free(&stored);
    arena_free(&arena);
}

Test(session_state, form_3)
{
    const struct session_state from = state_of(600);
    struct session_state to;
    struct arena arena = { 0 };
    struct buf stored = { 0 };

    put_session_state(&stored, &from);
    stored.ptr[0] = 3;
    cr_expect_eq(get_session_state(buf_bytes(&stored), &arena, &to), SKS_ERROR_OPTION);
    stored.len -= ADDED_4;
    decode(&stored, &arena, &to);
    cr_expect_eq(to.life_time, 600);
    cr_expect_eq(to.lookups.len, 0, "it did not say what the device was asked about");
    buf_free(&stored);
    arena_free(&arena);
}

Test(session_state, form_2)
{
    const struct session_state from = state_of(600);
    struct session_state to;
    struct arena arena = { 0 };
    struct buf stored = { 0 };

    put_session_state(&stored, &from);
    cr_assert_eq(stored.ptr[0], 4);
    stored.ptr[0] = 2;
    cr_expect_eq(get_session_state(buf_bytes(&stored), &arena, &to), SKS_ERROR_OPTION);
    stored.len -= ADDED;
    decode(&stored, &arena, &to);
    cr_expect_eq(to.life_time, 600, "that of its terms");
    cr_expect_eq(to.counter, 7);
    cr_expect_eq(to.server_public_key.len, 0);
    stored.ptr[0] = 5;
    cr_expect_eq(get_session_state(buf_bytes(&stored), &arena, &to), SKS_ERROR_OPTION);
    buf_free(&stored);
    arena_free(&arena);
}
