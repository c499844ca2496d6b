#include "tests/plain/parts/pin_states.h"

#include <stdio.h>

enum { STATES_MAX = 4096 };

static struct pin_state states[STATES_MAX];
static unsigned count;

static bool looks_same(const struct pin_state *a, const struct pin_state *b, unsigned counter)
{
    const struct seen *s = &a->seen[counter], *t = &b->seen[counter];

    return s->charged == t->charged && s->count == t->count &&
           s->has_candidate == t->has_candidate &&
           a->account[counter].held == b->account[counter].held;
}

static unsigned allowed(const struct account *account)
{
    return account->started + (unsigned)account->extra;
}

static bool covers(const struct pin_state *known, const struct pin_state *other)
{
    for (unsigned c = 0; c < WORLD_COUNTERS; c++) {
        const struct account *k = &known->account[c], *o = &other->account[c];

        if (!looks_same(known, other, c) || k->wrong < o->wrong || k->started > o->started ||
            allowed(k) > allowed(o))
            return false;
    }
    return true;
}

void pin_states_add(const struct pin_state *state)
{
    for (unsigned i = 0; i < count; i++)
        if (covers(&states[i], state))
            return;
    must(count < STATES_MAX && state->length <= PATH_LENGTH_MAX, "more states than expected");
    states[count] = *state;
    states[count].disk = disk_copy(state->disk);
    count++;
}

const struct pin_state *pin_states_get(unsigned number)
{
    return number < count ? &states[number] : NULL;
}

void pin_states_clear(void)
{
    while (count > 0)
        disk_image_free(states[--count].disk);
}

void pin_state_print(const struct pin_state *state)
{
    for (unsigned i = 0; i < state->length; i++)
        (void)fprintf(stderr, "  %s with the %s value, key %u\n", deed_name(state->path[i].deed),
                      state->path[i].right ? "right" : "wrong", state->path[i].key);
    for (unsigned c = 0; c < WORLD_COUNTERS; c++) {
        const struct seen *seen = &state->seen[c];
        const struct account *account = &state->account[c];

        (void)fprintf(stderr, "  counter %u: charged %u%s, count %u; wrong %u, may be %u%s\n", c,
                      seen->charged, seen->has_candidate ? " with a candidate" : "", seen->count,
                      account->wrong, account->started, account->extra ? " + 1" : "");
    }
}
