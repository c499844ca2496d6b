#include "matrix/sweep.h"

#include "matrix/combine.h"
#include "matrix/stage.h"
#include "matrix/unprotected.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MAX = 64 };

/* What the threads share. */
struct sweeper {
    const struct sweep_config *config;
    const struct scenario *scenario;
    struct sweep_result *result;
    struct made_keys *keys;
    struct plan *plan; /* of the first one's clean session */
    const struct plan_case *item;
    size_t *chosen, count; /* places of the cases to try, or to combine */
    size_t tries;          /* sessions to run */
    pthread_mutex_t lock;
    size_t next, done;
    enum sks_status rc; /* first failure */
    struct sks_error *err;
};

/* A thread, with both ends of its own. */
struct worker {
    struct sweeper *sweeper;
    pthread_t thread;
    struct stage stage;
    struct arena arena; /* of combinations */
};

/* ---- which cases ---- */

/* What no change of the plan shows of the list. */
static void add_unprotected(const struct sweeper *s)
{
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];

        if (row->rules != NULL && strcmp(row->shown_in, s->scenario->profile) == 0)
            plan_add(s->plan, &(struct plan_case){ .hop = row->hop,
                                                   .answer = true,
                                                   .operation = OPERATION_FLIP,
                                                   .occurrence = 1,
                                                   .message = row->message,
                                                   .path = row->path,
                                                   .rules = row->rules });
    }
}

static bool is_wanted(const struct sweeper *s, size_t i)
{
    const struct plan_case *item = &s->item[i];

    if (item->operation == OPERATION_DELAY && rig_is_elsewhere(&s->config->ends))
        return false; /* the clock there is not ours */
    return (s->config->only == NULL || strcmp(s->config->only, item->message) == 0) &&
           (s->config->only_at == NULL || plan_fits(s->config->only_at, plan_hit(item), true));
}

/* A case that may be chosen, and the lot that it draws. */
struct draw {
    uint64_t lot;
    size_t place;
};

static uint64_t mix(uint64_t state, const char *text)
{
    for (; *text != '\0'; text++)
        state = (state ^ (uint8_t)*text) * 0x100000001B3U;
    return state;
}

/* It goes by the case and not by its place, so that a plan with more cases draws the same ones;
 * and not by its rules, which may hold what is drawn anew. */
static uint64_t draw_lot(const struct plan_case *item, uint64_t seed)
{
    char numbers[80];
    uint64_t state;

    (void)snprintf(numbers, sizeof numbers, "%u %u %u %u %u %u", (unsigned)item->hop,
                   (unsigned)item->answer, (unsigned)item->operation, (unsigned)item->source,
                   (unsigned)item->occurrence, (unsigned)item->nth);
    state = mix(mix(mix(seed * 2 + 1, numbers), item->message), item->path);
    state |= state == 0;
    (void)combine_draw(&state);
    return combine_draw(&state);
}

static int compare_lots(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;

    if (x->lot != y->lot)
        return x->lot < y->lot ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_places(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* As many as may be, each as likely as another, in their order. */
static enum sks_status choose(struct sweeper *s, size_t all, struct sks_error *err)
{
    struct draw *draw = calloc(all + 1, sizeof *draw);
    size_t count = 0;
    enum sks_status rc = SKS_OK;

    s->chosen = calloc(all + 1, sizeof *s->chosen);
    REQUIRE(draw != NULL && s->chosen != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    for (size_t i = 0; i < all; i++)
        if (is_wanted(s, i))
            draw[count++] = (struct draw){ draw_lot(&s->item[i], s->config->seed), i };
    qsort(draw, count, sizeof *draw, compare_lots);
    s->count = s->config->max == 0 || s->config->max > count ? count : s->config->max;
    for (size_t i = 0; i < s->count; i++)
        s->chosen[i] = draw[i].place;
    qsort(s->chosen, s->count, sizeof *s->chosen, compare_places);
out:
    free(draw);
    return rc;
}

/* ---- one case ---- */

/* The smallest part of a combination that nobody notices. */
static enum sks_status minimise(struct worker *w, const struct plan_case *item, struct run *run,
                                struct case_result *result, struct sks_error *err)
{
    const struct plan_case *part[COMBINE_MAX], *fewer;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < item->parts && item->parts > 1;) {
        struct case_result tried;
        struct run its_run;
        size_t count = 0;

        for (size_t j = 0; j < item->parts; j++)
            if (j != i)
                part[count++] = item->part[j];
        fewer = combine(part, count, &w->arena);
        REQUIRE(fewer != NULL, err, SKS_ERROR_STORAGE, "no memory for a combination");
        TRY(stage_try(&w->stage, fewer, &its_run, &tried, err));
        if (tried.verdict != MATRIX_UNDETECTED && !tried.leftover) {
            i++;
            continue;
        }
        item = fewer;
        *run = its_run;
        *result = tried;
        result->run = run;
        i = 0;
    }
out:
    return rc;
}

/* False if there is none left. @param number of the case */
static bool next_case(struct sweeper *s, size_t *number)
{
    bool found;

    (void)pthread_mutex_lock(&s->lock);
    if (*s->config->stop != 0 && s->rc == SKS_OK)
        s->rc = sks_fail(s->err, SKS_ERROR_USER_ABORT, "interrupted");
    found = s->rc == SKS_OK && s->next < s->tries;
    *number = s->next;
    s->next += found;
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

/* A case, or a combination; NULL without memory. */
static const struct plan_case *item_of(struct worker *w, size_t number)
{
    const struct sweeper *s = w->sweeper;
    uint64_t state = (s->config->seed * 2 + 1) * 0x9E3779B97F4A7C15U + number;

    if (s->config->random == 0)
        return &s->item[s->chosen[number]];
    arena_free(&w->arena);
    return combine_random(s->item, s->chosen, s->count, &state, &w->arena);
}

/* True if an earlier sweep has tried it. */
static bool recall(const struct sweeper *s, const struct journal_case *known, struct run *run,
                   struct case_result *result)
{
    *result = (struct case_result){ s->scenario, known->item, MATRIX_UNFIT, false, run };
    return s->config->journal != NULL &&
           journal_find(s->config->journal, known, run, &result->verdict, &result->leftover);
}

static enum sks_status try_number(struct worker *w, const struct plan_case *item, struct run *run,
                                  struct case_result *result, struct sks_error *err)
{
    enum sks_status rc;

    TRY(stage_try(&w->stage, item, run, result, err));
    if (item->parts > 0 && (result->verdict == MATRIX_UNDETECTED || result->leftover))
        TRY(minimise(w, item, run, result, err));
out:
    return rc;
}

/* A session that ended before the message came shows nothing: the first cause is kept. */
static void note_unreached(struct sweep_result *result, const struct run *run)
{
    if (run->altered || run->misfit || run->end == RUN_SUCCEEDED)
        return;
    if (result->unreached++ == 0)
        (void)snprintf(result->unreached_cause, sizeof result->unreached_cause, "%.190s",
                       run->cause);
}

/* @param known  of one that was tried now; NULL: it is in the journal */
static void tell(struct sweeper *s, const struct case_result *result,
                 const struct journal_case *known, enum sks_status rc, struct sks_error *err)
{
    (void)pthread_mutex_lock(&s->lock);
    if (rc == SKS_OK && known != NULL && s->config->journal != NULL)
        rc = journal_add(s->config->journal, known, result->run, result->verdict, result->leftover,
                         err);
    if (rc != SKS_OK && s->rc == SKS_OK) {
        s->rc = rc;
        *s->err = *err;
    }
    if (rc == SKS_OK) {
        s->result->cases[result->verdict]++;
        s->result->leftovers += result->leftover;
        note_unreached(s->result, result->run);
        s->config->told(s->config->ctx, result);
        if (s->config->progress != NULL)
            s->config->progress(s->config->ctx, s->scenario, ++s->done, s->tries);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct sweeper *s = w->sweeper;
    size_t number;

    while (next_case(s, &number)) {
        struct journal_case known = { .profile = s->scenario->profile };
        struct case_result result = { 0 };
        struct sks_error err = { 0 };
        struct run run;
        bool again;
        enum sks_status rc = SKS_OK;

        known.item = item_of(w, number);
        known.combination = s->config->random == 0 ? 0 : number + 1;
        if (known.item == NULL)
            rc = sks_fail(&err, SKS_ERROR_STORAGE, "no memory for a combination");
        again = rc == SKS_OK && recall(s, &known, &run, &result);
        if (rc == SKS_OK && !again)
            rc = try_number(w, known.item, &run, &result, &err);
        tell(s, &result, again ? NULL : &known, rc, &err);
    }
    return NULL;
}

/* ---- all of them ---- */

static enum sks_status run_workers(struct sweeper *s, struct worker *worker, struct sks_error *err)
{
    unsigned started = 0;
    enum sks_status rc = SKS_OK;

    for (; rc == SKS_OK && started < s->config->jobs; started++)
        if (pthread_create(&worker[started].thread, NULL, work, &worker[started]) != 0) {
            rc = sks_fail(err, SKS_ERROR_EXTERNAL, "cannot start a thread");
            break;
        }
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(worker[i].thread, NULL);
    return rc == SKS_OK ? s->rc : rc;
}

enum sks_status sweep(const struct sweep_config *config, const struct scenario *scenario,
                      struct sweep_result *result, struct sks_error *err)
{
    struct sweeper s = { .config = config, .scenario = scenario, .result = result, .err = err };
    struct worker worker[JOBS_MAX] = { 0 };
    size_t all;
    enum sks_status rc;

    (void)pthread_mutex_init(&s.lock, NULL);
    REQUIRE(config->jobs <= JOBS_MAX, err, SKS_ERROR_OPTION, "too many threads");
    s.keys = config->ends.keys;
    if (s.keys == NULL)
        TRY(made_keys_new(&s.keys, err));
    for (unsigned i = 0; i < config->jobs; i++) {
        worker[i].sweeper = &s;
        worker[i].stage = (struct stage){ .config = config, .scenario = scenario };
        TRY(stage_prepare(&worker[i].stage, i, s.keys, i == 0 ? &s.plan : NULL, err));
    }
    add_unprotected(&s);
    s.item = plan_cases(s.plan, &all);
    if (config->own != NULL) {
        s.item = config->own;
        all = config->owns;
    }
    REQUIRE(s.item != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    TRY(choose(&s, all, err));
    REQUIRE(s.count > 0, err, SKS_ERROR_OPTION, "%s: no cases", scenario->profile);
    s.tries = config->random > 0 ? config->random : s.count;
    result->planned += all;
    TRY(run_workers(&s, worker, err));
    for (unsigned i = 0; i < config->jobs; i++)
        TRY(stage_check_again(&worker[i].stage, err));
out:
    for (unsigned i = 0; i < config->jobs && i < JOBS_MAX; i++)
        if (result->limits != NULL && worker[i].stage.rig != NULL)
            rig_limits(worker[i].stage.rig, result->limits);
    for (unsigned i = 0; i < config->jobs && i < JOBS_MAX; i++) {
        stage_free(&worker[i].stage);
        arena_free(&worker[i].arena);
    }
    if (s.keys != config->ends.keys)
        made_keys_free(s.keys);
    plan_free(s.plan);
    free(s.chosen);
    (void)pthread_mutex_destroy(&s.lock);
    return rc;
}
