#include "matrix/sweep.h"

#include "keygen2/base/files.h"
#include "matrix/issuer_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scenario SCENARIOS[] = {
    { "p256-user-pin", { NULL } },
    { "rsa2048-pin-puk", { NULL } },
    { "preset-pin", { NULL } },
    { "multi-key-shared-pin", { NULL } },
    { "unique-pins", { NULL } },
    { "symmetric-hmac-otp", { NULL } },
    { "private-key-restore", { NULL } },
    { "extensions-and-logotype", { NULL } },
    { "privacy", { NULL } },
    { "ed25519", { NULL } },
    { "key-update", { "p256-user-pin", NULL } },
    { "key-clone", { "p256-user-pin", NULL } },
    { "key-unlock", { "p256-user-pin", NULL } },
    { "key-delete", { "p256-user-pin", NULL } },
    { "session-2010", { NULL } },
};

/* One scenario under way. */
struct sweeper {
    const struct sweep_config *config;
    const struct scenario *scenario;
    struct rig *rig;
    struct plan *plan;
    struct expectation expected;
    struct sweep_result *result;
};

static enum sks_status run_clean(struct sweeper *s, const char *profile, run_watcher *watch,
                                 struct sks_error *err)
{
    struct run run;
    enum sks_status rc;

    TRY(rig_run(s->rig, profile, NULL, watch, s->plan, &run, err));
    REQUIRE(run.end == RUN_SUCCEEDED, err, SKS_ERROR_NOT_ALLOWED,
            "the clean session of %s failed: %s", profile, run.cause);
    s->expected.succeeded = run.verdict[ISSUER_SUCCEEDED];
out:
    return rc;
}

static enum sks_status prepare(struct sweeper *s, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; s->scenario->before[i] != NULL; i++)
        TRY(run_clean(s, s->scenario->before[i], NULL, err));
    TRY(rig_keep(s->rig, err));
    s->expected.before = rig_view(s->rig, true);
    TRY(run_clean(s, s->scenario->profile, plan_watch, err));
    s->expected.after = rig_view(s->rig, false);
out:
    return rc;
}

static enum sks_status try_case(struct sweeper *s, const struct plan_case *item,
                                struct sks_error *err)
{
    struct case_result result = { .scenario = s->scenario, .item = item };
    struct attack *attack = NULL;
    json_t *drawn = NULL, *undrawn = NULL;
    struct run run;
    enum sks_status rc;

    TRY(attack_of_rules(bytes_of(item->rules), &attack, err));
    TRY(rig_restore(s->rig, err));
    TRY(rig_run(s->rig, s->scenario->profile, attack, NULL, NULL, &run, err));
    drawn = rig_view(s->rig, true);
    undrawn = rig_view(s->rig, false);
    result.run = &run;
    result.verdict = judge(&s->expected, item, &run, drawn, undrawn, &result.leftover);
    s->result->cases[result.verdict]++;
    s->result->leftovers += result.leftover;
    if (s->config->told != NULL)
        s->config->told(s->config->ctx, &result);
out:
    json_decref(drawn);
    json_decref(undrawn);
    attack_free(attack);
    return rc;
}

static enum sks_status sweep_scenario(struct sweeper *s, const char *folder, struct sks_error *err)
{
    const struct plan_case *item;
    size_t count, step;
    enum sks_status rc;

    s->plan = plan_new();
    REQUIRE(s->plan != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    TRY(rig_new(folder, s->config->profiles, &s->rig, err));
    TRY(prepare(s, err));
    item = plan_cases(s->plan, &count);
    REQUIRE(item != NULL, err, SKS_ERROR_STORAGE, "no memory for a plan");
    step = s->config->max == 0 || count <= s->config->max ? 1 : count / s->config->max;
    for (size_t i = 0; i < count; i += step)
        TRY(try_case(s, &item[i], err));
out:
    rig_free(s->rig);
    plan_free(s->plan);
    json_decref(s->expected.before);
    json_decref(s->expected.after);
    return rc;
}

enum sks_status sweep(const struct sweep_config *config, struct sweep_result *result,
                      struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    *result = (struct sweep_result){ 0 };
    for (size_t i = 0; i < NITEMS(SCENARIOS); i++) {
        struct sweeper s = { .config = config, .scenario = &SCENARIOS[i], .result = result };
        char folder[PATH_MAX];

        if (config->only != NULL && strcmp(config->only, SCENARIOS[i].profile) != 0)
            continue;
        TRY(file_path(folder, sizeof folder, config->folder, SCENARIOS[i].profile));
        TRY(file_make_folder(folder, 0700, err));
        TRY(sweep_scenario(&s, folder, err));
    }
out:
    return rc;
}
