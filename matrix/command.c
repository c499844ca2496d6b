#include "matrix/command.h"

#include "issuer/profile.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "matrix/report.h"
#include "matrix/unprotected.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOW_CASES = 300, JOBS_MAX = 64 };

#define AT(member) .offset = offsetof(struct matrix_options, member)

const struct option_row MATRIX_OPTIONS[] = {
    { "scenario", 0, "PROFILE", "only this one; again for more (default: all; --list names them)",
      OPTION_TEXTS, AT(scenarios) },
    { "list", 'l', NULL, "list the scenarios and end", OPTION_FLAG, AT(list) },
    { "unprotected", 0, NULL, "print what the protocols leave unprotected, as Markdown, and end",
      OPTION_FLAG, AT(unprotected) },
    { "cases", 0, "N",
      "cases of each scenario, drawn by the seed; 0: all (default: all, 300 where RSA keys are "
      "made)",
      OPTION_NUMBER, AT(cases), .max = 10000000 },
    { "random", 0, "N",
      "N combinations of two to four cases of each scenario instead; of one that nobody notices, "
      "the smallest part",
      OPTION_NUMBER, AT(random), .min = 1, .max = 10000000 },
    { "seed", 0, "N", "draws the cases (default 1)", OPTION_NUMBER, AT(seed), .max = UINT32_MAX },
    { "jobs", 'j', "N", "threads, each with both ends of its own (default: one a core)",
      OPTION_NUMBER, AT(jobs), .min = 1, .max = JOBS_MAX },
    { "profiles", 0, "DIR", "the issuer's profiles (default: the shipped ones)", OPTION_TEXT,
      AT(profiles) },
    { "results", 0, "FILE", "write every case there, as JSON", OPTION_TEXT, AT(results) },
    { "html", 0, "FILE", "write them there as a page: messages by operations, and who noticed",
      OPTION_TEXT, AT(html) },
    { "show", 0, NULL, "print every case, not only those that fail", OPTION_FLAG, AT(show) },
    { "json", 0, NULL, "print the summary as a JSON object", OPTION_FLAG, AT(json) },
    { 0 },
};

static const uint32_t CASES_BY_SCENARIO = UINT32_MAX; /* not given */

void matrix_defaults(void *options)
{
    struct matrix_options *o = options;
    o->seed = 1;
    o->cases = CASES_BY_SCENARIO;
}

static uint32_t jobs_default(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (uint32_t)cores;
}

static volatile sig_atomic_t stop;

static void raise_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

/* Memory, where there is a file system of it: what lies there is gone at the end. */
static bool make_folder(char folder[PATH_MAX])
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL)
        parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(folder, PATH_MAX, "%s/sks-matrix.XXXXXX", parent);
    return mkdtemp(folder) != NULL;
}

static bool is_asked_for(const struct matrix_options *o, const struct scenario *scenario)
{
    for (size_t i = 0; i < o->scenarios.count; i++)
        if (strcmp(o->scenarios.item[i], scenario->profile) == 0)
            return true;
    return o->scenarios.count == 0;
}

static enum sks_status sweep_all(const struct matrix_options *o, struct sweep_config *config,
                                 struct report *report, struct sweep_result *all,
                                 struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < SCENARIOS_COUNT; i++) {
        struct sweep_result result = { 0 };

        if (!is_asked_for(o, &SCENARIOS[i]))
            continue;
        config->max = o->cases != CASES_BY_SCENARIO ? o->cases : SCENARIOS[i].slow ? SLOW_CASES : 0;
        TRY(sweep(config, &SCENARIOS[i], &result, err));
        report_scenario(report, &SCENARIOS[i], &result);
        all->leftovers += result.leftovers;
        all->cases[MATRIX_UNDETECTED] += result.cases[MATRIX_UNDETECTED];
    }
out:
    return rc;
}

static enum exit_code run(const struct matrix_options *o, const char *folder)
{
    char shipped[PATH_MAX];
    struct sweep_config config = { .profiles = o->profiles == NULL ? shipped : o->profiles,
                                   .folder = folder,
                                   .random = o->random,
                                   .seed = o->seed,
                                   .jobs = o->jobs == 0 ? jobs_default() : o->jobs,
                                   .stop = &stop,
                                   .told = report_case,
                                   .progress = report_progress };
    struct sweep_result all = { 0 };
    struct report *report = NULL;
    struct sks_error err = { 0 };
    enum sks_status rc;

    REQUIRE(o->profiles != NULL || profiles_shipped(shipped), &err, SKS_ERROR_OPTION,
            "the shipped profiles are not at %s: --profiles DIR says where", shipped);
    TRY(report_new(o->show, isatty(STDERR_FILENO) == 1, o->results, o->html, &report, &err));
    config.ctx = report;
    TRY(sweep_all(o, &config, report, &all, &err));
    rc = report_end(report, o->seed, o->json, &err);
out:
    report_free(report);
    if (rc != SKS_OK)
        return program_finish(rc, &err);
    return all.leftovers + all.cases[MATRIX_UNDETECTED] > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static enum exit_code list_scenarios(void)
{
    for (size_t i = 0; i < SCENARIOS_COUNT; i++) {
        (void)printf("%s", SCENARIOS[i].profile);
        for (size_t j = 0; SCENARIOS[i].before[j] != NULL; j++)
            (void)printf("%s%s", j == 0 ? ", after " : " and ", SCENARIOS[i].before[j]);
        (void)printf("\n");
    }
    return EXIT_DONE;
}

static enum exit_code print_unprotected(void)
{
    (void)printf(
        "# What KeyGen2 and SKS leave unprotected\n\n"
        "Made by `sks-proxy matrix --unprotected` from `matrix/unprotected.c`: a change of these "
        "is "
        "no failure of the\nattack matrix ([matrix.md](matrix.md)), whatever comes of it.\n\n"
        "| hop | message | what of it | why | where |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];

        (void)printf("| %s | %s | %s | %s | %s |\n", name_of_value(HOP_NAMES, (uint8_t)row->hop),
                     row->message, strcmp(row->path, "*") == 0 ? "all" : row->path, row->reason,
                     row->section);
    }
    return EXIT_DONE;
}

enum exit_code matrix_command(void *options, char **operands, size_t count)
{
    const struct matrix_options *o = options;
    struct sigaction catch = { .sa_handler = raise_stop };
    char folder[PATH_MAX];
    enum exit_code code;

    (void)operands, (void)count;
    if (o->list)
        return list_scenarios();
    if (o->unprotected)
        return print_unprotected();
    for (size_t i = 0; i < o->scenarios.count; i++)
        if (scenario_find(o->scenarios.item[i]) == NULL)
            return program_fail(EXIT_USAGE, "there is no scenario '%s': --list names them",
                                o->scenarios.item[i]);
    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, &catch, NULL);
    log_set_level(LOG_LEVEL_NONE); /* what the ends say of attacks is in the report */
    if (!make_folder(folder))
        return program_fail(EXIT_IO, "cannot make a folder for the ends");
    code = run(o, folder);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return code;
}
