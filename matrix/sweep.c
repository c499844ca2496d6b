#include "matrix/sweep.h"

#include "keygen2/base/files.h"
#include "matrix/combine.h"
#include "matrix/issuer_end.h"
#include "matrix/recording.h"
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
    struct rig *rig;
    struct recording *other[PLAN_SOURCES]; /* other sessions of the scenario */
    struct expectation expected;
    struct arena arena; /* of combinations */
};

/* ---- the state that each session begins with ---- */

static enum sks_status run_clean(struct worker *w, enum rig_device device, const char *profile,
                                 run_watcher *watch, void *ctx, struct run *run,
                                 struct sks_error *err)
{
    const char *name = w->sweeper->scenario->profile;
    enum sks_status rc;

    TRY(rig_run(w->rig, device, profile, NULL, watch, ctx, run, err));
    REQUIRE(run->end != RUN_ERROR, err, SKS_ERROR_EXTERNAL, "%s: a clean session of %s breaks: %s",
            name, profile, run->cause);
    REQUIRE(run->end == RUN_SUCCEEDED, err, SKS_ERROR_NOT_ALLOWED,
            "%s: a clean session of %s fails: %s", name, profile,
            run->cause[0] == '\0' ? "it waits for the issuer" : run->cause);
out:
    return rc;
}

/* What comes before on each device. A roll-over is the issuer's: it comes once for both. */
static enum sks_status run_preparations(struct worker *w, struct sks_error *err)
{
    const struct scenario *scenario = w->sweeper->scenario;
    enum rig_device last = rig_has_other(w->rig) ? RIG_OTHER_DEVICE : RIG_DEVICE;
    struct run run;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; scenario->before[i] != NULL; i++)
        if (strcmp(scenario->before[i], ROLL_OVER) == 0)
            TRY(rig_roll_over(w->rig, err));
        else
            for (enum rig_device device = RIG_DEVICE; device <= last; device++)
                TRY(run_clean(w, device, scenario->before[i], NULL, NULL, &run, err));
    for (enum rig_device device = RIG_DEVICE; device <= last; device++)
        TRY(rig_try_wrong_pins(w->rig, device, err));
out:
    return rc;
}

/* A session of the scenario whose messages others are attacked with. */
static enum sks_status record(struct worker *w, enum rig_device device, enum plan_source source,
                              struct sks_error *err)
{
    struct run run;
    enum sks_status rc;

    w->other[source] = recording_new();
    REQUIRE(w->other[source] != NULL, err, SKS_ERROR_STORAGE, "no memory for a recording");
    TRY(run_clean(w, device, w->sweeper->scenario->profile, recording_watch, w->other[source], &run,
                  err));
    REQUIRE(recording_is_whole(w->other[source]), err, SKS_ERROR_STORAGE,
            "no memory for a recording");
out:
    return rc;
}

static enum sks_status keep(struct worker *w, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (rig_resets(w->rig))
        TRY(rig_keep(w->rig, err));
    json_decref(w->expected.before);
    json_decref(w->expected.unchanged);
    w->expected.before = NULL;
    w->expected.unchanged = NULL;
    TRY(rig_view(w->rig, RIG_DEVICE, true, &w->expected.before, err));
    if (!rig_resets(w->rig))
        return SKS_OK;
    TRY(rig_view(w->rig, RIG_DEVICE, false, &w->expected.unchanged, err));
    rc = rig_restore(w->rig, err); /* whoever looks uses the keys */
out:
    return rc;
}

/* What a clean session does to the other device. */
static enum sks_status expect_of_other(struct worker *w, struct sks_error *err)
{
    struct run run;
    enum sks_status rc;

    TRY(rig_view(w->rig, RIG_OTHER_DEVICE, true, &w->expected.other_before, err));
    TRY(run_clean(w, RIG_OTHER_DEVICE, w->sweeper->scenario->profile, NULL, NULL, &run, err));
    TRY(rig_view(w->rig, RIG_OTHER_DEVICE, false, &w->expected.other_after, err));
    rc = rig_restore(w->rig, err);
out:
    return rc;
}

/* Where a session can succeed twice, the ones recorded are of a past that both ends remember. */
static enum sks_status record_others(struct worker *w, struct sks_error *err)
{
    bool other = rig_has_other(w->rig);
    enum sks_status rc;

    TRY(rig_keep(w->rig, err));
    TRY(record(w, RIG_DEVICE, PLAN_EARLIER_SESSION, err));
    if (other)
        TRY(record(w, RIG_OTHER_DEVICE, PLAN_OTHER_DEVICE, err));
    if (w->sweeper->scenario->once) {
        TRY(rig_restore(w->rig, err));
    } else {
        TRY(rig_try_wrong_pins(w->rig, RIG_DEVICE, err));
        TRY(rig_keep(w->rig, err));
    }
    if (other)
        rc = expect_of_other(w, err);
out:
    return rc;
}

/* The sessions that come before, and what is done to their keys. */
static enum sks_status run_before(struct worker *w, struct sks_error *err)
{
    enum sks_status rc;

    TRY(run_preparations(w, err));
    if (rig_resets(w->rig))
        TRY(record_others(w, err));
    rc = keep(w, err);
out:
    return rc;
}

/* Both ends as each session finds them. */
static enum sks_status start_over(struct worker *w, struct sks_error *err)
{
    enum sks_status rc;

    TRY(rig_restore(w->rig, err));
    if (!rig_resets(w->rig))
        rc = run_before(w, err);
out:
    return rc;
}

static enum sks_status prepare(struct worker *w, unsigned number, struct sks_error *err)
{
    struct sweeper *s = w->sweeper;
    struct rig_ends ends = s->config->ends;
    char name[80], folder[PATH_MAX];
    struct run run;
    enum sks_status rc;

    w->expected.profile = s->scenario->profile;
    (void)snprintf(name, sizeof name, "%s-%u", s->scenario->profile, number);
    TRY(file_path(folder, sizeof folder, s->config->folder, name));
    TRY(file_make_folder(folder, 0700, err));
    ends.keys = s->keys;
    TRY(rig_new(folder, s->config->profiles, &ends, &w->rig, err));
    rig_set_checking(w->rig, s->config->checking);
    rig_set_waiting(w->rig, s->scenario->waits);
    TRY(run_before(w, err));
    if (number == 0) {
        s->plan = plan_new(w->other);
        REQUIRE(s->plan != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    }
    TRY(run_clean(w, RIG_DEVICE, s->scenario->profile, number == 0 ? plan_watch : NULL, s->plan,
                  &run, err));
    w->expected.succeeded = run.verdict[ISSUER_SUCCEEDED];
    rc = rig_view(w->rig, RIG_DEVICE, false, &w->expected.after, err);
out:
    return sks_explain(err, rc);
}

/* Ends elsewhere may have gone, or had enough, meanwhile: then the verdicts say nothing. */
static enum sks_status check_again(struct worker *w, struct sks_error *err)
{
    struct sks_error why = { 0 };
    json_t *after = NULL;
    struct run run;
    enum sks_status rc;

    if (!rig_is_elsewhere(&w->sweeper->config->ends))
        return SKS_OK;
    TRY(start_over(w, err));
    rc = run_clean(w, RIG_DEVICE, w->sweeper->scenario->profile, NULL, NULL, &run, &why);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "after the sweep: %s; so its verdicts are not worth much", why.text);
    TRY(rig_view(w->rig, RIG_DEVICE, false, &after, err));
    REQUIRE(json_equal(after, w->expected.after), err, SKS_ERROR_EXTERNAL,
            "after the sweep a clean session of %s leaves something else in the token than before",
            w->sweeper->scenario->profile);
    rc = rig_restore(w->rig, err);
out:
    json_decref(after);
    return rc;
}

static void drop(struct worker *w)
{
    rig_free(w->rig);
    arena_free(&w->arena);
    for (size_t i = 0; i < PLAN_SOURCES; i++)
        recording_free(w->other[i]);
    json_decref(w->expected.other_before);
    json_decref(w->expected.other_after);
    json_decref(w->expected.unchanged);
    json_decref(w->expected.before);
    json_decref(w->expected.after);
}

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

/* Shows the attack what its parts take from elsewhere. */
static void show_others(const struct worker *w, const struct plan_case *item, struct attack *attack)
{
    for (size_t i = 0; i < item->parts; i++)
        show_others(w, item->part[i], attack);
    if (item->parts == 0 && item->source != PLAN_THIS_SESSION && w->other[item->source] != NULL)
        recording_show(w->other[item->source], item, attack);
}

static bool wants_two(const struct plan_case *item)
{
    for (size_t i = 0; i < item->parts; i++)
        if (wants_two(item->part[i]))
            return true;
    return item->parts == 0 && item->operation == OPERATION_CROSS;
}

/* Whether the other device holds anything but what it held, or what a clean session leaves. */
static enum sks_status look_at_other(struct worker *w, bool *strayed, struct sks_error *err)
{
    json_t *drawn = NULL, *undrawn = NULL;
    enum sks_status rc;

    TRY(rig_view(w->rig, RIG_OTHER_DEVICE, true, &drawn, err));
    TRY(rig_view(w->rig, RIG_OTHER_DEVICE, false, &undrawn, err));
    *strayed = !json_equal(drawn, w->expected.other_before) &&
               !json_equal(undrawn, w->expected.other_after);
out:
    json_decref(drawn);
    json_decref(undrawn);
    return rc;
}

static enum sks_status run_case(struct worker *w, const struct plan_case *item,
                                struct attack *attack, struct run *run, struct sks_error *err)
{
    const char *profile = w->sweeper->scenario->profile;
    bool strayed = false;
    enum sks_status rc;

    show_others(w, item, attack);
    if (!wants_two(item))
        return rig_run(w->rig, RIG_DEVICE, profile, attack, NULL, NULL, run, err);
    TRY(rig_run_two(w->rig, profile, attack, run, err));
    TRY(look_at_other(w, &strayed, err));
    run->strayed = strayed;
out:
    return rc;
}

static enum sks_status try_case(struct worker *w, const struct plan_case *item, struct run *run,
                                struct case_result *result, struct sks_error *err)
{
    struct attack *attack = NULL;
    json_t *drawn = NULL, *undrawn = NULL;
    enum sks_status rc;

    TRY(attack_of_rules(bytes_of(item->rules), &attack, err));
    TRY(start_over(w, err));
    TRY(run_case(w, item, attack, run, err));
    TRY(rig_view(w->rig, RIG_DEVICE, true, &drawn, err));
    run->unchanged = json_equal(drawn, w->expected.before) != 0;
    run->counted = run->verdict[ISSUER_SUCCEEDED] >= w->expected.succeeded;
    if (w->expected.unchanged != NULL && run->unchanged)
        undrawn = json_incref(w->expected.unchanged); /* the dear half of a view */
    else
        TRY(rig_view(w->rig, RIG_DEVICE, false, &undrawn, err));
    *result = (struct case_result){ w->sweeper->scenario, item, MATRIX_UNFIT, false, run };
    result->verdict = judge(&w->expected, item, run, drawn, undrawn, &result->leftover);
out:
    json_decref(drawn);
    json_decref(undrawn);
    attack_free(attack);
    return rc;
}

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
        TRY(try_case(w, fewer, &its_run, &tried, err));
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

    TRY(try_case(w, item, run, result, err));
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
        TRY(prepare(&worker[i], i, err));
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
        TRY(check_again(&worker[i], err));
out:
    for (unsigned i = 0; i < config->jobs && i < JOBS_MAX; i++)
        if (result->limits != NULL && worker[i].rig != NULL)
            rig_limits(worker[i].rig, result->limits);
    for (unsigned i = 0; i < config->jobs && i < JOBS_MAX; i++)
        drop(&worker[i]);
    if (s.keys != config->ends.keys)
        made_keys_free(s.keys);
    plan_free(s.plan);
    free(s.chosen);
    (void)pthread_mutex_destroy(&s.lock);
    return rc;
}
