#include "matrix/stage.h"

#include "keygen2/base/files.h"
#include "matrix/issuer_end.h"

#include <stdio.h>
#include <string.h>

/* ---- the state that each session begins with ---- */

static enum sks_status run_clean(struct stage *stage, enum rig_device device, const char *profile,
                                 run_watcher *watch, void *ctx, struct run *run,
                                 struct sks_error *err)
{
    const char *name = stage->scenario->profile;
    enum sks_status rc;

    TRY(rig_run(stage->rig, device, profile, NULL, watch, ctx, run, err));
    REQUIRE(run->end != RUN_ERROR, err, SKS_ERROR_EXTERNAL, "%s: a clean session of %s breaks: %s",
            name, profile, run->cause);
    REQUIRE(run->end == RUN_SUCCEEDED, err, SKS_ERROR_NOT_ALLOWED,
            "%s: a clean session of %s fails: %s", name, profile,
            run->cause[0] == '\0' ? "it waits for the issuer" : run->cause);
out:
    return rc;
}

/* What comes before on each device. A roll-over is the issuer's: it comes once for both. */
static enum sks_status run_preparations(struct stage *stage, struct sks_error *err)
{
    const struct scenario *scenario = stage->scenario;
    enum rig_device last = rig_has_other(stage->rig) ? RIG_OTHER_DEVICE : RIG_DEVICE;
    struct run run;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; scenario->before[i] != NULL; i++)
        if (strcmp(scenario->before[i], ROLL_OVER) == 0)
            TRY(rig_roll_over(stage->rig, err));
        else
            for (enum rig_device device = RIG_DEVICE; device <= last; device++)
                TRY(run_clean(stage, device, scenario->before[i], NULL, NULL, &run, err));
    for (enum rig_device device = RIG_DEVICE; device <= last; device++)
        TRY(rig_try_wrong_pins(stage->rig, device, err));
out:
    return rc;
}

/* A session of the scenario whose messages others are attacked with. */
static enum sks_status record(struct stage *stage, enum rig_device device, enum plan_source source,
                              struct sks_error *err)
{
    struct run run;
    enum sks_status rc;

    stage->other[source] = recording_new();
    REQUIRE(stage->other[source] != NULL, err, SKS_ERROR_STORAGE, "no memory for a recording");
    TRY(run_clean(stage, device, stage->scenario->profile, recording_watch, stage->other[source],
                  &run, err));
    REQUIRE(recording_is_whole(stage->other[source]), err, SKS_ERROR_STORAGE,
            "no memory for a recording");
out:
    return rc;
}

static enum sks_status keep(struct stage *stage, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (rig_resets(stage->rig))
        TRY(rig_keep(stage->rig, err));
    json_decref(stage->expected.before);
    json_decref(stage->expected.unchanged);
    stage->expected.before = NULL;
    stage->expected.unchanged = NULL;
    TRY(rig_view(stage->rig, RIG_DEVICE, true, &stage->expected.before, err));
    if (!rig_resets(stage->rig))
        return SKS_OK;
    TRY(rig_view(stage->rig, RIG_DEVICE, false, &stage->expected.unchanged, err));
    rc = rig_restore(stage->rig, err); /* whoever looks uses the keys */
out:
    return rc;
}

/* What a clean session does to the other device. */
static enum sks_status expect_of_other(struct stage *stage, struct sks_error *err)
{
    struct run run;
    enum sks_status rc;

    TRY(rig_view(stage->rig, RIG_OTHER_DEVICE, true, &stage->expected.other_before, err));
    TRY(run_clean(stage, RIG_OTHER_DEVICE, stage->scenario->profile, NULL, NULL, &run, err));
    TRY(rig_view(stage->rig, RIG_OTHER_DEVICE, false, &stage->expected.other_after, err));
    rc = rig_restore(stage->rig, err);
out:
    return rc;
}

/* Where a session can succeed twice, the ones recorded are of a past that both ends remember. */
static enum sks_status record_others(struct stage *stage, struct sks_error *err)
{
    bool other = rig_has_other(stage->rig);
    enum sks_status rc;

    TRY(rig_keep(stage->rig, err));
    TRY(record(stage, RIG_DEVICE, PLAN_EARLIER_SESSION, err));
    if (other)
        TRY(record(stage, RIG_OTHER_DEVICE, PLAN_OTHER_DEVICE, err));
    if (stage->scenario->once) {
        TRY(rig_restore(stage->rig, err));
    } else {
        TRY(rig_try_wrong_pins(stage->rig, RIG_DEVICE, err));
        TRY(rig_keep(stage->rig, err));
    }
    if (other)
        rc = expect_of_other(stage, err);
out:
    return rc;
}

/* The sessions that come before, and what is done to their keys. */
static enum sks_status run_before(struct stage *stage, struct sks_error *err)
{
    enum sks_status rc;

    TRY(run_preparations(stage, err));
    if (rig_resets(stage->rig))
        TRY(record_others(stage, err));
    rc = keep(stage, err);
out:
    return rc;
}

/* Both ends as each session finds them. */
static enum sks_status start_over(struct stage *stage, struct sks_error *err)
{
    enum sks_status rc;

    TRY(rig_restore(stage->rig, err));
    if (!rig_resets(stage->rig))
        rc = run_before(stage, err);
out:
    return rc;
}

enum sks_status stage_prepare(struct stage *stage, unsigned number, struct made_keys *keys,
                              struct plan **plan, struct sks_error *err)
{
    struct rig_ends ends = stage->config->ends;
    char name[80], folder[PATH_MAX];
    struct run run;
    enum sks_status rc;

    stage->expected.profile = stage->scenario->profile;
    (void)snprintf(name, sizeof name, "%s-%u", stage->scenario->profile, number);
    TRY(file_path(folder, sizeof folder, stage->config->folder, name));
    TRY(file_make_folder(folder, 0700, err));
    ends.keys = keys;
    TRY(rig_new(folder, stage->config->profiles, &ends, &stage->rig, err));
    rig_set_checking(stage->rig, stage->config->checking);
    rig_set_waiting(stage->rig, stage->scenario->waits);
    TRY(run_before(stage, err));
    if (plan != NULL) {
        *plan = plan_new(stage->other);
        REQUIRE(*plan != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    }
    TRY(run_clean(stage, RIG_DEVICE, stage->scenario->profile, plan == NULL ? NULL : plan_watch,
                  plan == NULL ? NULL : *plan, &run, err));
    stage->expected.succeeded = run.verdict[ISSUER_SUCCEEDED];
    rc = rig_view(stage->rig, RIG_DEVICE, false, &stage->expected.after, err);
out:
    return sks_explain(err, rc);
}

/* Ends elsewhere may have gone, or had enough, meanwhile: then the verdicts say nothing. */
enum sks_status stage_check_again(struct stage *stage, struct sks_error *err)
{
    struct sks_error why = { 0 };
    json_t *after = NULL;
    struct run run;
    enum sks_status rc;

    if (!rig_is_elsewhere(&stage->config->ends))
        return SKS_OK;
    TRY(start_over(stage, err));
    rc = run_clean(stage, RIG_DEVICE, stage->scenario->profile, NULL, NULL, &run, &why);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "after the sweep: %s; so its verdicts are not worth much", why.text);
    TRY(rig_view(stage->rig, RIG_DEVICE, false, &after, err));
    REQUIRE(json_equal(after, stage->expected.after), err, SKS_ERROR_EXTERNAL,
            "after the sweep a clean session of %s leaves something else in the token than before",
            stage->scenario->profile);
    rc = rig_restore(stage->rig, err);
out:
    json_decref(after);
    return rc;
}

void stage_free(struct stage *stage)
{
    rig_free(stage->rig);
    for (size_t i = 0; i < PLAN_SOURCES; i++)
        recording_free(stage->other[i]);
    json_decref(stage->expected.other_before);
    json_decref(stage->expected.other_after);
    json_decref(stage->expected.unchanged);
    json_decref(stage->expected.before);
    json_decref(stage->expected.after);
}

/* ---- one case ---- */

/* Shows the attack what its parts take from elsewhere. */
static void show_others(const struct stage *stage, const struct plan_case *item,
                        struct attack *attack)
{
    for (size_t i = 0; i < item->parts; i++)
        show_others(stage, item->part[i], attack);
    if (item->parts == 0 && item->source != PLAN_THIS_SESSION && stage->other[item->source] != NULL)
        recording_show(stage->other[item->source], item, attack);
}

static bool wants_two(const struct plan_case *item)
{
    for (size_t i = 0; i < item->parts; i++)
        if (wants_two(item->part[i]))
            return true;
    return item->parts == 0 && item->operation == OPERATION_CROSS;
}

/* Whether the other device holds anything but what it held, or what a clean session leaves. */
static enum sks_status look_at_other(struct stage *stage, bool *strayed, struct sks_error *err)
{
    json_t *drawn = NULL, *undrawn = NULL;
    enum sks_status rc;

    TRY(rig_view(stage->rig, RIG_OTHER_DEVICE, true, &drawn, err));
    TRY(rig_view(stage->rig, RIG_OTHER_DEVICE, false, &undrawn, err));
    *strayed = !json_equal(drawn, stage->expected.other_before) &&
               !json_equal(undrawn, stage->expected.other_after);
out:
    json_decref(drawn);
    json_decref(undrawn);
    return rc;
}

static enum sks_status run_case(struct stage *stage, const struct plan_case *item,
                                struct attack *attack, struct run *run, struct sks_error *err)
{
    const char *profile = stage->scenario->profile;
    bool strayed = false;
    enum sks_status rc;

    show_others(stage, item, attack);
    if (!wants_two(item))
        return rig_run(stage->rig, RIG_DEVICE, profile, attack, NULL, NULL, run, err);
    TRY(rig_run_two(stage->rig, profile, attack, run, err));
    TRY(look_at_other(stage, &strayed, err));
    run->strayed = strayed;
out:
    return rc;
}

enum sks_status stage_try(struct stage *stage, const struct plan_case *item, struct run *run,
                          struct case_result *result, struct sks_error *err)
{
    struct attack *attack = NULL;
    json_t *drawn = NULL, *undrawn = NULL;
    enum sks_status rc;

    TRY(attack_of_rules(bytes_of(item->rules), &attack, err));
    TRY(start_over(stage, err));
    TRY(run_case(stage, item, attack, run, err));
    TRY(rig_view(stage->rig, RIG_DEVICE, true, &drawn, err));
    run->unchanged = json_equal(drawn, stage->expected.before) != 0;
    run->counted = run->verdict[ISSUER_SUCCEEDED] >= stage->expected.succeeded;
    if (stage->expected.unchanged != NULL && run->unchanged)
        undrawn = json_incref(stage->expected.unchanged); /* the dear half of a view */
    else
        TRY(rig_view(stage->rig, RIG_DEVICE, false, &undrawn, err));
    *result = (struct case_result){ stage->scenario, item, MATRIX_UNFIT, false, run };
    result->verdict = judge(&stage->expected, item, run, drawn, undrawn, &result->leftover);
out:
    json_decref(drawn);
    json_decref(undrawn);
    attack_free(attack);
    return rc;
}
