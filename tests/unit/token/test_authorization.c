/*
 * PIN tries under crashes, against the real code and a real database: every schedule of right and
 * wrong tries, restarts without warning and clean stops, up to a length, for small retry limits. A
 * restart without warning is what kill -9 does: memory is gone, what was committed is there.
 */
#include "tests/unit/support/token/store_fixture.h"
#include "token/authorization.h"

#include <criterion/criterion.h>

static struct store_fixture fixture;

static void open_fixture(void)
{
    store_fixture_open(&fixture);
}

static void close_fixture(void)
{
    store_fixture_close(&fixture);
}

TestSuite(authorization, .init = open_fixture, .fini = close_fixture, .timeout = 120);

/* The token's part that tries PINs; forgetting it without authorization_free() is the crash. */
struct running {
    struct authorization *authorization;
};

static struct running start_with(size_t max)
{
    struct running r = { authorization_new(fixture.store, fixture.vault, max) };

    cr_assert_not_null(r.authorization);
    return r;
}

static struct running start(void)
{
    return start_with(0);
}

static void stop(struct running *r, bool crash)
{
    if (crash)
        authorization_abandon(r->authorization);
    else
        authorization_free(r->authorization);
}

static void put_pin(uint32_t handle)
{
    struct changes changes = { 0 };
    const struct secret pin = {
        .kind = STORE_PIN, .handle = handle, .owner = 1, .closed = true, .value = bytes_of("right")
    };

    secret_put(&changes, fixture.store, &pin);
    cr_assert(store_apply(fixture.store, &changes, NULL) == SKS_OK);
    changes_free(&changes);
}

static enum sks_status try(struct running *r, uint32_t handle, uint16_t limit, const char *value)
{
    return authorization_try(r->authorization, STORE_PIN, (struct reference){ handle, 0 }, limit,
                             bytes_of(value), NULL);
}

enum step { RIGHT, WRONG, CRASH, STOP, STEPS };

/* What an honest counter would say: wrong tries in a row that were answered. */
struct expected {
    uint16_t wrong;
    bool crashed; /* since the last right PIN: one try may be charged ahead */
};

static void take_step(struct running *r, enum step step, uint32_t handle, uint16_t limit,
                      struct expected *e)
{
    uint16_t count;

    if (step == CRASH || step == STOP) {
        stop(r, step == CRASH);
        *r = start();
        e->crashed = e->crashed || step == CRASH;
        return;
    }
    cr_assert(authorization_count(r->authorization, STORE_PIN, (struct reference){ handle, 0 },
                                  &count, NULL) == SKS_OK);
    cr_assert_geq(count, e->wrong, "the counter went back");
    cr_assert_leq(count, e->wrong + (e->crashed && limit > 1), "a crash cost more than one try");
    if (try(r, handle, limit, step == RIGHT ? "right" : "wrong") == SKS_OK) {
        cr_assert_eq(step, RIGHT);
        cr_assert_lt(e->wrong, limit, "a blocked PIN was taken");
        *e = (struct expected){ 0 };
    } else if (step == WRONG) {
        e->wrong = (uint16_t)(e->wrong < limit ? e->wrong + 1 : limit);
    } else {
        cr_assert_geq(count, limit, "the right PIN was refused before the limit");
        cr_assert_gt(e->wrong, 0, "locked out without a wrong PIN");
    }
}

static void run_schedule(unsigned schedule, unsigned length, uint32_t handle, uint16_t limit)
{
    struct expected e = { 0 };
    struct running r = start();

    put_pin(handle);
    for (unsigned i = 0; i < length; i++, schedule /= STEPS)
        take_step(&r, (enum step)(schedule % STEPS), handle, limit, &e);
    stop(&r, false);
}

static void run_all(unsigned length, uint16_t limit)
{
    unsigned schedules = 1;

    for (unsigned i = 0; i < length; i++)
        schedules *= STEPS;
    for (unsigned s = 0; s < schedules; s++)
        run_schedule(s, length, s + 1, limit);
}

Test(authorization, every_schedule_of_five_with_limit_1)
{
    run_all(5, 1);
}

Test(authorization, every_schedule_of_five_with_limit_2)
{
    run_all(5, 2);
}

Test(authorization, every_schedule_of_five_with_limit_3)
{
    run_all(5, 3);
}

Test(authorization, right_pins_in_steady_state_write_nothing)
{
    struct running r = start();
    struct arena arena = { 0 };
    struct store_row before, after;

    put_pin(1);
    cr_assert(try(&r, 1, 3, "right") == SKS_OK);
    cr_assert(store_get(fixture.store, STORE_PIN, 1, &arena, &before, NULL) == SKS_OK);
    for (int i = 0; i < 100; i++)
        cr_assert(try(&r, 1, 3, "right") == SKS_OK);
    cr_assert(store_get(fixture.store, STORE_PIN, 1, &arena, &after, NULL) == SKS_OK);
    cr_assert(bytes_equal(before.body, after.body));
    stop(&r, false);
    arena_free(&arena);
}

Test(authorization, a_clean_stop_leaves_no_charge)
{
    struct running r = start();
    uint16_t count;

    put_pin(1);
    cr_assert(try(&r, 1, 3, "wrong") == SKS_ERROR_AUTHORIZATION);
    cr_assert(try(&r, 1, 3, "right") == SKS_OK);
    stop(&r, false);
    r = start();
    cr_assert(authorization_count(r.authorization, STORE_PIN, (struct reference){ 1, 0 }, &count,
                                  NULL) == SKS_OK);
    cr_assert_eq(count, 0);
    stop(&r, false);
}

/* Wrong tries as they lie on disk. */
static struct tries tries_on_disk(uint32_t handle)
{
    struct arena arena = { 0 };
    struct secret secret;
    bool found = false;

    cr_assert(secret_load(fixture.store, STORE_PIN, (struct reference){ handle, 0 }, &arena,
                          &secret, &found, NULL) == SKS_OK &&
              found);
    arena_free(&arena);
    return secret.tries;
}

Test(authorization, a_counter_that_makes_room_leaves_no_charge)
{
    enum { MORE_THAN_ARE_KEPT = 8192 + 3, LIMIT = 3 };
    struct running r = start();
    uint16_t count;

    for (uint32_t handle = 1; handle <= MORE_THAN_ARE_KEPT; handle++)
        put_pin(handle);
    cr_assert(try(&r, 1, LIMIT, "right") == SKS_OK);
    cr_assert(try(&r, 2, LIMIT, "wrong") == SKS_ERROR_AUTHORIZATION);
    cr_assert_eq(tries_on_disk(1).charged, 1, "a charge lies ahead");
    for (uint32_t handle = 3; handle <= MORE_THAN_ARE_KEPT; handle++)
        cr_assert(authorization_count(r.authorization, STORE_PIN, (struct reference){ handle, 0 },
                                      &count, NULL) == SKS_OK);
    cr_assert_eq(tries_on_disk(1).charged, 0, "it was taken back");
    cr_assert(try(&r, 2, LIMIT, "wrong") == SKS_ERROR_AUTHORIZATION);
    cr_assert(authorization_count(r.authorization, STORE_PIN, (struct reference){ 2, 0 }, &count,
                                  NULL) == SKS_OK);
    cr_assert_eq(count, 2, "wrong tries count on");
    stop(&r, false);
}

Test(authorization, no_more_counters_are_kept_than_the_caller_wants)
{
    struct running r = start_with(1);

    put_pin(1);
    put_pin(2);
    cr_assert(try(&r, 1, 3, "right") == SKS_OK);
    cr_assert_eq(tries_on_disk(1).charged, 1, "a charge lies ahead");
    cr_assert(try(&r, 2, 3, "right") == SKS_OK);
    cr_assert_eq(tries_on_disk(1).charged, 0, "the first one made room");
    stop(&r, false);
}

Test(authorization, values_of_any_length_are_compared)
{
    struct running r = start();

    put_pin(1);
    cr_assert(try(&r, 1, 100, "") == SKS_ERROR_AUTHORIZATION);
    cr_assert(try(&r, 1, 100, "righ") == SKS_ERROR_AUTHORIZATION);
    cr_assert(try(&r, 1, 100, "right ") == SKS_ERROR_AUTHORIZATION);
    cr_assert(try(&r, 1, 100, "right") == SKS_OK);
    stop(&r, false);
}
