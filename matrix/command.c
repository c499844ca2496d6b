#include "matrix/command.h"

#include "issuer/profile.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/base/option_check.h"
#include "matrix/report.h"
#include "matrix/unprotected.h"
#include "token/token.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By default: where RSA keys are made, and where each case is a session with an end elsewhere. */
enum { ELSEWHERE_CASES = 60, JOBS_MAX = 64 };

#define AT(member) .offset = offsetof(struct matrix_options, member)

const struct option_row MATRIX_OPTIONS[] = {
    { "scenario", 0, "PROFILE", "only this one; again for more (default: all; --list names them)",
      OPTION_TEXTS, AT(scenarios) },
    { "list", 'l', NULL, "list the scenarios and end", OPTION_FLAG, AT(list) },
    { "unprotected", 0, NULL, "print what the protocols leave unprotected, as Markdown, and end",
      OPTION_FLAG, AT(unprotected) },
    { "cases", 0, "N",
      "cases of each scenario, drawn by the seed; 0: all (default: all; 60 with an end elsewhere)",
      OPTION_NUMBER, AT(cases), .max = 10000000 },
    { "message", 0, "NAME", "cases of this message or method only", OPTION_TEXT, AT(message) },
    { "random", 0, "N",
      "N combinations of two to four cases of each scenario instead; of one that nobody notices, "
      "the smallest part",
      OPTION_NUMBER, AT(random), .min = 1, .max = 10000000 },
    { "seed", 0, "N", "draws the cases (default 1)", OPTION_NUMBER, AT(seed), .max = UINT32_MAX },
    { "checking", 0, NULL,
      "the middleware makes its own checks (default: it is blind, and the two ends are alone)",
      OPTION_FLAG, AT(checking) },
    { "jobs", 'j', "N",
      "threads, each with both ends of its own (default: one a core; 1 with an end elsewhere)",
      OPTION_NUMBER, AT(jobs), .min = 1, .max = JOBS_MAX },
    { "profiles", 0, "DIR", "the issuer's profiles (default: the shipped ones)", OPTION_TEXT,
      AT(profiles) },
    { "issuer", 0, "URL",
      "an issuer elsewhere: the URL of a profile, or with '/' at its end, to which names of "
      "scenarios are added",
      OPTION_TEXT, AT(issuer) },
    { "ca", 0, "PEM", "file of certificates that vouch for an https issuer (the system's)",
      OPTION_TEXT, AT(ca), .check = check_certificates },
    { "token", 0, "URL", "a token elsewhere: http://HOST:PORT or unix:PATH", OPTION_TEXT,
      AT(token) },
    { "trust", 0, "PEM", "with --token, without --issuer: file or folder of that token's device CA",
      OPTION_TEXT, AT(trust), .check = check_exists },
    { "device", 0, "FOLDER",
      "with --issuer, without --token: the device to be, made there at the first time; the issuer "
      "has to trust its device-ca.pem",
      OPTION_TEXT, AT(device) },
    { "timeout", 0, "S", "seconds that one exchange with an end elsewhere may take (30)",
      OPTION_NUMBER, AT(timeout), .min = 1, .max = 3600 },
    { "resume", 0, NULL,
      "go on with a sweep that was interrupted: --results has what it found in FILE.part",
      OPTION_FLAG, AT(resume) },
    { "results", 0, "FILE", "write every case there, as JSON", OPTION_TEXT, AT(results) },
    { "html", 0, "FILE", "write them there as a page: messages by operations, and who noticed",
      OPTION_TEXT, AT(html) },
    { "show", 0, NULL, "print every case, not only those that fail", OPTION_FLAG, AT(show) },
    { "json", 0, NULL, "print the summary, or the list, as a JSON object", OPTION_FLAG, AT(json) },
    { 0 },
};

static const uint32_t NOT_GIVEN = UINT32_MAX;

void matrix_defaults(void *options)
{
    struct matrix_options *o = options;

    o->seed = 1;
    o->timeout = 30;
    o->cases = NOT_GIVEN;
    o->jobs = NOT_GIVEN;
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

/* ---- what is swept ---- */

static bool is_asked_for(const struct matrix_options *o, const struct scenario *scenario)
{
    for (size_t i = 0; i < o->scenarios.count; i++)
        if (strcmp(o->scenarios.item[i], scenario->profile) == 0)
            return true;
    return o->scenarios.count == 0;
}

static bool is_elsewhere(const struct matrix_options *o)
{
    return o->issuer != NULL || o->token != NULL;
}

/* The one scenario of an issuer's URL that is of one profile; false if it is not. */
static bool scenario_of_url(const struct matrix_options *o, struct scenario *scenario)
{
    const char *name = o->issuer == NULL ? NULL : strrchr(o->issuer, '/');

    if (name == NULL || name[1] == '\0')
        return false;
    *scenario = (struct scenario){ .profile = name + 1 };
    return true;
}

static uint32_t cases_of(const struct matrix_options *o)
{
    if (o->cases != NOT_GIVEN)
        return o->cases;
    return is_elsewhere(o) ? ELSEWHERE_CASES : 0;
}

static unsigned jobs_of(const struct matrix_options *o)
{
    long cores = is_elsewhere(o) ? 1 : sysconf(_SC_NPROCESSORS_ONLN);

    if (o->jobs != NOT_GIVEN)
        return o->jobs;
    return cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (unsigned)cores;
}

/* The text behind "NAME: ". */
static const char *without_name(const char *text, const char *name)
{
    size_t len = strlen(name);

    return strncmp(text, name, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2
                                                                              : text;
}

/* One that ends elsewhere cannot do is skipped; that nothing else can be done either shows. */
static enum sks_status sweep_one(const struct matrix_options *o, struct sweep_config *config,
                                 const struct scenario *scenario, struct report *report,
                                 struct sweep_result *all, struct sks_error *err)
{
    struct sweep_result result = { .limits = json_array() };
    enum sks_status rc;

    config->max = cases_of(o);
    rc = sweep(config, scenario, &result, err);
    if (rc == SKS_ERROR_NOT_ALLOWED && is_elsewhere(o)) {
        report_skipped(report, scenario, without_name(err->text, scenario->profile));
        rc = SKS_OK;
    } else if (rc == SKS_OK) {
        report_scenario(report, scenario, &result);
        all->leftovers += result.leftovers;
        for (size_t i = 0; i < MATRIX_VERDICTS; i++)
            all->cases[i] += result.cases[i];
    }
    json_decref(result.limits);
    return rc;
}

/* Nothing could be tried: err has the reason of the last scenario. */
static enum sks_status say_why_none(const struct matrix_options *o, struct sks_error *err)
{
    char why[sizeof err->text];

    memcpy(why, err->text, sizeof why);
    if (o->device == NULL)
        return sks_fail(err, SKS_ERROR_NOT_ALLOWED, "no case was tried: %s", why);
    return sks_fail(err, SKS_ERROR_NOT_ALLOWED,
                    "no case was tried: %s (does the issuer trust %s/" TOKEN_DEVICE_CA "?)", why,
                    o->device);
}

static enum sks_status sweep_all(const struct matrix_options *o, struct sweep_config *config,
                                 struct report *report, struct sweep_result *all,
                                 struct sks_error *err)
{
    struct scenario scenario;
    size_t tried = 0;
    enum sks_status rc = SKS_OK;

    if (scenario_of_url(o, &scenario))
        TRY(sweep_one(o, config, &scenario, report, all, err));
    else
        for (size_t i = 0; i < SCENARIOS_COUNT; i++)
            if (is_asked_for(o, &SCENARIOS[i]))
                TRY(sweep_one(o, config, &SCENARIOS[i], report, all, err));
    for (size_t i = 0; i < MATRIX_VERDICTS; i++)
        tried += all->cases[i];
    if (tried == 0)
        rc = say_why_none(o, err);
out:
    return rc;
}

/* What is swept, but for the scenarios: those may be more when it goes on. */
static void describe_set(const struct matrix_options *o, const char *profiles, char *set,
                         size_t size)
{
    (void)snprintf(set, size, "seed %u, %s %u, messages %s, %s middleware, profiles %s%s%s%s%s",
                   o->seed, o->random > 0 ? "combinations" : "cases",
                   o->random > 0 ? o->random : cases_of(o), o->message == NULL ? "all" : o->message,
                   o->checking ? "checking" : "blind", profiles, o->issuer == NULL ? "" : ", at ",
                   o->issuer == NULL ? "" : o->issuer, o->token == NULL ? "" : ", token ",
                   o->token == NULL ? "" : o->token);
}

static enum sks_status open_journal(const struct matrix_options *o, struct sweep_config *config,
                                    struct sks_error *err)
{
    char set[2 * PATH_MAX];
    enum sks_status rc = SKS_OK;

    if (o->results == NULL)
        return SKS_OK;
    describe_set(o, config->profiles, set, sizeof set);
    TRY(journal_open(o->results, o->resume, set, &config->journal, err));
    if (o->resume && !o->json)
        (void)fprintf(stderr, "%zu cases were tried before\n", journal_count(config->journal));
out:
    return rc;
}

/* All there is, with nobody between the ends: then each row of the list must have its use. */
static bool is_whole(const struct matrix_options *o)
{
    return o->scenarios.count == 0 && o->cases == NOT_GIVEN && o->random == 0 && !o->checking &&
           o->message == NULL && !is_elsewhere(o);
}

static enum exit_code run(const struct matrix_options *o, const char *folder)
{
    char shipped[PATH_MAX];
    struct sweep_config config = { .profiles = o->profiles == NULL ? shipped : o->profiles,
                                   .folder = folder,
                                   .ends = { o->issuer, o->ca, o->token, o->trust, o->device,
                                             o->timeout, jobs_of(o) > 1, NULL },
                                   .only = o->message,
                                   .random = o->random,
                                   .seed = o->seed,
                                   .checking = o->checking,
                                   .jobs = jobs_of(o),
                                   .stop = &stop,
                                   .told = report_case,
                                   .progress = report_progress };
    struct sweep_result all = { 0 };
    size_t unused = 0;
    struct report *report = NULL;
    struct sks_error err = { 0 };
    enum sks_status rc;

    REQUIRE(o->profiles != NULL || profiles_shipped(shipped), &err, SKS_ERROR_OPTION,
            "the shipped profiles are not at %s: --profiles DIR says where", shipped);
    TRY(report_new(o->show, o->json, isatty(STDERR_FILENO) == 1, o->results, o->html, &report,
                   &err));
    config.ctx = report;
    TRY(open_journal(o, &config, &err));
    TRY(made_keys_new(&config.ends.keys, &err));
    TRY(sweep_all(o, &config, report, &all, &err));
    TRY(report_end(report, o->seed, &err));
    if (config.journal != NULL)
        journal_remove(config.journal);
    unused = is_whole(o) ? report_unused_rows(report) : 0;
out:
    journal_free(config.journal);
    made_keys_free(config.ends.keys);
    report_free(report);
    if (rc != SKS_OK)
        return program_finish(rc, &err);
    return all.leftovers + all.cases[MATRIX_UNDETECTED] + unused > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static enum exit_code list_as_json(void)
{
    json_t *list = json_array(), *after;

    for (size_t i = 0; i < SCENARIOS_COUNT; i++) {
        after = json_array();
        for (size_t j = 0; SCENARIOS[i].before[j] != NULL; j++)
            (void)json_array_append_new(after, json_string(SCENARIOS[i].before[j]));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:o}", "scenario", SCENARIOS[i].profile, "after", after));
    }
    return program_print_json(json_pack("{s:o}", "scenarios", list), JSON_COMPACT);
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

/* What the options must not be together; NULL if they are right. */
static const char *wrong_options(const struct matrix_options *o)
{
    if (o->token != NULL && o->issuer == NULL && o->trust == NULL)
        return "--token wants --trust PEM, the device CA that the issuer here has to trust";
    if (o->trust != NULL && (o->token == NULL || o->issuer != NULL))
        return "--trust goes with --token, and without --issuer";
    if (o->issuer != NULL && o->token == NULL && o->device == NULL)
        return "--issuer wants --device FOLDER, a device whose device-ca.pem that issuer trusts";
    if (o->device != NULL && (o->issuer == NULL || o->token != NULL))
        return "--device goes with --issuer, and without --token";
    if (o->resume && o->results == NULL)
        return "--resume wants --results FILE, which the sweep that was interrupted had, too";
    if (o->ca != NULL && o->issuer == NULL)
        return "--ca goes with --issuer";
    if (o->scenarios.count > 0 && scenario_of_url(o, &(struct scenario){ 0 }))
        return "--issuer names a profile: --scenario goes with a URL that ends with '/'";
    return NULL;
}

enum exit_code matrix_command(void *options, char **operands, size_t count)
{
    const struct matrix_options *o = options;
    struct sigaction catch = { .sa_handler = raise_stop };
    char folder[PATH_MAX];
    enum exit_code code;

    (void)operands, (void)count;
    if (o->list)
        return o->json ? list_as_json() : list_scenarios();
    if (o->unprotected)
        return unprotected_print(), EXIT_DONE;
    if (wrong_options(o) != NULL)
        return program_fail(EXIT_USAGE, "%s\ntry 'sks-proxy matrix --help'", wrong_options(o));
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
