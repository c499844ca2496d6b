/*
 * PIN and PUK tries under kills and power cuts, on the real token: from each state that can be
 * reached, every action is taken, and cut off after every write, sync and comparison in it: by a
 * kill, by a power cut, by one that leaves some of what was not synced. What is then on the disk is
 * opened, and is a state to go on from. In each of them:
 *
 *   - a counter is never below the wrong comparisons since the last right one or reset, so nobody
 *     gets more of them than the limit, however the token is cut off;
 *   - it is above the wrong tries by one at most, however often the token is cut off, and a right
 *     value sets it to 0: crashes lock nobody out;
 *   - below the limit the right value is taken, from there on nothing is compared;
 *   - a right PIN in steady state writes nothing.
 *
 * As the states are all that there are, so are the schedules, of any length. PLANS says which
 * tokens it is done with. One caller at a time: pin_threads has more. CONTROLS are defects that it
 * must find.
 */
#include "keygen2/objects.h"
#include "tests/plain/parts/comparisons.h"
#include "tests/plain/parts/pin_cuts.h"
#include "tests/plain/parts/pin_defects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIONS_MAX = 2 * DEEDS * WORLD_KEYS };

static const char FREE_GUESS[] = "a free guess: the counter went back";
static const char LOCKED_OUT[] = "crashes have cost more than one try";
static const char WRITTEN[] = "a right PIN in steady state was written down";

static unsigned states, tried, cut_off;
static const struct world *world;
static bool every_write;  /* as in the plan */
static const char *found; /* what a control has found */

static void fail(const struct pin_state *state, const char *what)
{
    if (found == NULL)
        found = what;
    if (pin_defect_get() != NO_DEFECT)
        return;
    (void)fprintf(stderr, "FAILED: %s: %s, after\n", world->name, what);
    pin_state_print(state);
    abort();
}

/* Holds what is seen against what ought to be. */
static void check_counts(const struct pin_state *state)
{
    for (unsigned c = 0; c < WORLD_COUNTERS; c++) {
        const struct seen *seen = &state->seen[c];
        const struct account *account = &state->account[c];

        if (seen->count < account->wrong)
            fail(state, FREE_GUESS);
        if (seen->count > account->started + account->extra)
            fail(state, LOCKED_OUT);
        if (seen->count > world_limit(world, c))
            fail(state, "a counter above its limit");
    }
}

/* ---- what is left when the token is cut off ---- */

static struct {
    unsigned writes, comparisons;
    struct account account[WORLD_COUNTERS]; /* now */
    const struct action *action;
} recording;

/* A comparison: who looks on knows now. */
static void note_comparison(int detail)
{
    struct account *account = &recording.account[comparison_counter(detail)];
    unsigned pin;

    recording.comparisons++;
    if (!comparison_is_right(detail)) {
        account->wrong++;
        return;
    }
    account->wrong = 0;
    if (recording.action != NULL && action_resets(recording.action)) {
        pin = world_pin(world, recording.action->key); /* from here on it may be reset */
        recording.account[pin].wrong = 0;
    }
}

static void watch(void *ctx, enum disk_event event, int detail)
{
    (void)ctx;
    if (event == DISK_OTHER)
        note_comparison(detail);
    else
        recording.writes++;
    if (every_write || event == DISK_OTHER || event == DISK_SYNCED)
        pin_cuts_take(recording.account);
}

static void begin_recording(const struct pin_state *state, const struct action *action)
{
    memset(&recording, 0, sizeof recording);
    memcpy(recording.account, state->account, sizeof recording.account);
    recording.action = action;
    disk_watch(watch, NULL);
}

/* Opens what a cut left, and goes on from there. */
static void boot(const struct account account[WORLD_COUNTERS], struct disk_image *disk, bool crash)
{
    struct pin_state state = { .disk = disk };
    struct token *token;

    disk_put(disk);
    token = world_open(world);
    world_look(world, token, state.seen);
    token_close(token);
    memcpy(state.account, account, sizeof state.account);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++) {
        state.account[c].held = false;
        if (crash && world_limit(world, c) > 1)
            state.account[c].extra = true;
    }
    check_counts(&state);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++) { /* what left no trace cannot count later */
        struct account *a = &state.account[c];

        a->extra = state.seen[c].count > a->started;
        a->started = (uint16_t)(state.seen[c].count - a->extra);
    }
    pin_states_add(&state);
}

static void boot_after_cut(const struct account account[WORLD_COUNTERS], struct disk_image *disk)
{
    if (found != NULL)
        return;
    boot(account, disk, true);
    cut_off++;
}

/* ---- actions ---- */

static struct token *come_to(const struct pin_state *state, struct seen seen[WORLD_COUNTERS])
{
    struct token *token;

    disk_put(state->disk);
    token = world_open(world);
    world_look(world, token, seen);
    for (unsigned i = 0; i < state->length; i++) {
        (void)world_act(world, token, &state->path[i], seen);
        world_look(world, token, seen);
    }
    return token;
}

/* What the answer settles. */
static void settle(struct pin_state *state, const struct action *action, bool yes)
{
    unsigned counter = action_counter(world, action);
    struct account *tried_one = &state->account[counter];

    tried_one->held = false;
    if (!yes)
        return;
    *tried_one = (struct account){ .held = world_limit(world, counter) > 1 };
    if (action_resets(action))
        state->account[world_pin(world, action->key)] = (struct account){ 0 };
}

static void check_answer(const struct pin_state *state, const struct action *action, bool yes)
{
    unsigned counter = action_counter(world, action);
    bool blocked = state->seen[counter].count >= world_limit(world, counter);

    if (yes != (action->right && !blocked))
        fail(state,
             blocked ? "a blocked value was taken" : "a right value was refused, or a wrong taken");
    if (recording.comparisons != !blocked)
        fail(state, blocked ? "a blocked value was compared" : "not compared just once");
    if (state->account[counter].held && action->deed == SIGN && yes && world->room == 0 &&
        recording.writes > 0)
        fail(state, WRITTEN);
}

static void check_after(const struct pin_state *state, const struct pin_state *next,
                        const struct action *action, bool yes)
{
    unsigned tried_one = action_counter(world, action), pin = world_pin(world, action->key);

    for (unsigned c = 0; c < WORLD_COUNTERS; c++) {
        uint16_t want = state->seen[c].count;

        if (yes && (c == tried_one || (action_resets(action) && c == pin)))
            want = 0;
        else if (!yes && c == tried_one && want < world_limit(world, c))
            want++;
        if (next->seen[c].count != want)
            fail(next, "a counter is not what the answer says");
    }
}

static void take(const struct pin_state *state, const struct action *action)
{
    unsigned counter = action_counter(world, action);
    struct pin_state next = *state;
    struct token *token = come_to(state, next.seen);
    bool yes;

    tried++;
    begin_recording(state, action);
    if (!action->right && next.seen[counter].count < world_limit(world, counter))
        recording.account[counter].started++;
    yes = world_act(world, token, action, next.seen);
    disk_watch(NULL, NULL);
    check_answer(state, action, yes);
    next.path[next.length++ % PATH_LENGTH_MAX] = *action;
    memcpy(next.account, recording.account, sizeof next.account);
    settle(&next, action, yes);
    world_look(world, token, next.seen);
    check_after(state, &next, action, yes);
    check_counts(&next);
    memcpy(recording.account, next.account, sizeof recording.account);
    pin_cuts_take(recording.account);
    token_close(token);
    pin_states_add(&next);
    pin_cuts_each(boot_after_cut);
}

/* A clean stop, cut off as well. */
static void stop(const struct pin_state *state)
{
    struct seen seen[WORLD_COUNTERS];
    struct token *token = come_to(state, seen);
    struct disk_image *left;

    begin_recording(state, NULL);
    token_close(token);
    disk_watch(NULL, NULL);
    left = disk_take(DISK_POWER_CUT, 0);
    boot(state->account, left, false);
    disk_image_free(left);
    pin_cuts_each(boot_after_cut);
}

/* ---- all of them ---- */

static unsigned list_actions(struct action action[ACTIONS_MAX], unsigned deeds)
{
    unsigned length = 0;

    for (unsigned deed = 0; deed < DEEDS; deed++)
        for (unsigned key = 0; (deeds & 1U << deed) != 0 && key < world->keys; key++)
            for (unsigned right = 0; right < 2; right++)
                action[length++] = (struct action){ (enum deed)deed, key, right != 0 };
    return length;
}

struct plan {
    struct world world;
    unsigned deeds; /* set of 1 << enum deed */
    bool coarse;    /* not cut off at every write, but at every sync and comparison */
};

static void explore(struct plan *plan)
{
    struct action action[ACTIONS_MAX];
    struct account none[WORLD_COUNTERS] = { 0 };
    const struct pin_state *state;
    struct disk_image *disk;
    unsigned actions, count;

    world = &plan->world;
    every_write = !plan->coarse;
    world_make(&plan->world);
    actions = list_actions(action, plan->deeds);
    disk = disk_take(DISK_KILL, 0);
    boot(none, disk, false);
    disk_image_free(disk);
    for (count = 0; found == NULL && (state = pin_states_get(count)) != NULL; count++) {
        for (unsigned k = 0; found == NULL && k < actions; k++)
            take(state, &action[k]);
        if (found == NULL)
            stop(state);
    }
    states += count;
    pin_states_clear();
    world_end(&plan->world);
}

enum { S = 1 << SIGN, C = 1 << CHANGE_TO_OTHER, U = 1 << UNLOCK, P = 1 << SET_TO_OTHER };

#define GROUPED(grouping_) .keys = WORLD_KEYS, .grouping = GROUPING_##grouping_

/* Those with more than one counter are coarse: their states are many, and each counter's writes are
 * those of the others. */
static struct plan PLANS[] = {
    { { .name = "limit 1", .pin_limit = 1, .keys = 1 }, S | C, false },
    { { .name = "limit 2", .pin_limit = 2, .keys = 1 }, S | C, false },
    { { .name = "limit 3", .pin_limit = 3, .keys = 1 }, S | C, false },
    { { .name = "limit 10", .pin_limit = 10, .keys = 1 }, S, false },
    { { .name = "PUK 1", .pin_limit = 1, .puk_limit = 1, .keys = 1 }, S | C | U | P, false },
    { { .name = "PUK 3", .pin_limit = 1, .puk_limit = 3, .keys = 1 }, U | P, false },
    { { .name = "PIN 2, PUK 2", .pin_limit = 2, .puk_limit = 2, .keys = 1 }, S | C | U | P, true },
    { { .name = "shared", .pin_limit = 2, .puk_limit = 1, GROUPED(SHARED) }, S | C | U, true },
    { { .name = "signature+standard", .pin_limit = 2, GROUPED(SIGNATURE_STANDARD) }, S, true },
    { { .name = "unique", .pin_limit = 1, GROUPED(UNIQUE) }, S, true },
    { { .name = "room for one", .pin_limit = 2, .keys = 2, .room = 1 }, S, true },
};

static const struct control {
    const char *name;
    enum pin_defect defect;
    uint16_t limit;
    unsigned keys;
    const char *finds;
} CONTROLS[] = {
    { "a charge that is not synced", CHARGE_NOT_SYNCED, 3, 1, FREE_GUESS },
    { "a charge that is not written", CHARGE_MISSING, 3, 1, FREE_GUESS },
    { "a charge lowered without a sync", SETTLED_WITHOUT_SYNC, 3, 1, FREE_GUESS },
    { "no charge ahead of need", NOTHING_AHEAD, 3, 1, FREE_GUESS },
    { "any candidate taken back", CANDIDATE_ALWAYS, 3, 1, FREE_GUESS },
    { "no candidate taken back", CANDIDATE_MISSING, 3, 1, LOCKED_OUT },
    { "the same at limit 1", CANDIDATE_MISSING, 1, 1, LOCKED_OUT },
    { "held counters not kept", ROOM_FOR_ONE, 3, 2, WRITTEN },
};

static void run_controls(void)
{
    for (size_t i = 0; i < NITEMS(CONTROLS); i++) {
        const struct control *control = &CONTROLS[i];
        struct plan plan = { .deeds = S };

        plan.world = (struct world){ .name = control->name,
                                     .pin_limit = control->limit,
                                     .keys = control->keys };
        found = NULL;
        pin_defect_set(control->defect);
        explore(&plan);
        pin_defect_set(NO_DEFECT);
        (void)fprintf(stderr, "control: %s: %s\n", control->name,
                      found == NULL ? "nothing found" : found);
        must(found == control->finds, "a control was not found, or by another check");
    }
}

int main(void)
{
    unsigned total, actions, cuts;

    disk_install();
    for (size_t i = 0; i < NITEMS(PLANS); i++) {
        total = states;
        explore(&PLANS[i]);
        (void)fprintf(stderr, "%s: %u states\n", PLANS[i].world.name, states - total);
    }
    total = states, actions = tried, cuts = cut_off;
    run_controls();
    (void)printf("OK: %u states, %u actions, cut off at %u points, %zu of %zu controls red\n",
                 total, actions, cuts, NITEMS(CONTROLS), NITEMS(CONTROLS));
    return 0;
}
