#include "conform/runner.h"
#include "conform/report.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

static volatile sig_atomic_t stop;

struct run {
    const struct suite *suite;
    const struct conform_options *options;
    void *end;
    uint64_t capabilities, missing; /* the second: for want of which cases were skipped */
    struct cases cases;
    struct expectations known;
    struct report report;
    size_t done;
    bool progress;
};

void conform_defaults(void *options)
{
    struct conform_options *o = options;

    o->seed = 1;
}

/* ---- which cases ---- */

static bool is_called(const struct texts *patterns, const struct conform_case *item)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (case_matches(item, patterns->item[i]))
            return true;
    return false;
}

static bool is_selected(const struct conform_options *options, uint8_t level,
                        const struct conform_case *item)
{
    return item->level <= level && (options->only.count == 0 || is_called(&options->only, item)) &&
           !is_called(&options->skip, item);
}

/* A pattern that calls nothing is a slip of the hand, which must not pass for a good run. */
static enum sks_status check_patterns(const struct cases *cases, const struct texts *patterns,
                                      struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < patterns->count; i++) {
        bool found = false;

        for (size_t j = 0; j < cases->count && !found; j++)
            found = case_matches(&cases->item[j], patterns->item[i]);
        REQUIRE(found, err, SKS_ERROR_OPTION, "no case is called '%s': --list has them",
                patterns->item[i]);
    }
out:
    return rc;
}

static enum sks_status select_cases(struct run *run, struct sks_error *err)
{
    const struct conform_options *options = run->options;
    struct report *report = &run->report;
    uint8_t level = LEVEL_MAY;
    enum sks_status rc;

    run->suite->list(&run->cases);
    TRY(cases_finish(&run->cases, err));
    REQUIRE(options->level == NULL || name_to_value(NAMES_LEVEL, bytes_of(options->level), &level),
            err, SKS_ERROR_OPTION, "--level: '%s' is none of must, should, may", options->level);
    TRY(check_patterns(&run->cases, &options->only, err));
    TRY(check_patterns(&run->cases, &options->skip, err));
    report->result = calloc(run->cases.count + 1, sizeof *report->result);
    REQUIRE(report->result != NULL, err, SKS_ERROR_STORAGE, "no memory for the results");
    if (options->expect != NULL)
        TRY(expectations_read(options->expect, &run->cases, &run->known, err));
    for (size_t i = 0; i < run->cases.count; i++)
        if (is_selected(options, level, &run->cases.item[i]))
            report->result[report->count++] =
                (struct case_result){ .item = &run->cases.item[i],
                                      .verdict = CASE_NOT_RUN,
                                      .known = expectation_of(&run->known, run->cases.item[i].id) };
    REQUIRE(report->count > 0, err, SKS_ERROR_OPTION, "no case is left of %zu", run->cases.count);
out:
    return rc;
}

/* ---- --list ---- */

/* What the end must have, by name; "" for nothing. */
static void name_needs(const struct suite *suite, uint64_t needs, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned bit = 0; bit < 64; bit++)
        if ((needs & UINT64_C(1) << bit) != 0 && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     suite->capability(bit));
}

static json_t *listed_json(const struct suite *suite, const struct conform_case *item)
{
    json_t *needs = json_array();

    for (unsigned bit = 0; bit < 64; bit++)
        if ((item->needs & UINT64_C(1) << bit) != 0)
            (void)json_array_append_new(needs, json_string(suite->capability(bit)));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b}", "id", item->id, "title", item->title,
                     "section", item->section, "level",
                     name_of_value(NAMES_LEVEL, (uint8_t)item->level), "needs", needs,
                     "destructive", (int)item->destructive, "slow", (int)item->slow);
}

static bool print_json(json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    bool good = text != NULL && printf("%s\n", text) > 0;

    free(text);
    json_decref(json);
    return good;
}

static enum exit_code list_cases(const struct run *run)
{
    json_t *all = json_array();
    char needs[200];

    for (size_t i = 0; i < run->report.count; i++) {
        const struct conform_case *item = run->report.result[i].item;

        name_needs(run->suite, item->needs, needs, sizeof needs);
        if (run->options->json)
            (void)json_array_append_new(all, listed_json(run->suite, item));
        else
            (void)printf("%-6s %-50s %s (%s)%s%s%s%s\n",
                         name_of_value(NAMES_LEVEL, (uint8_t)item->level), item->id, item->title,
                         item->section, item->destructive ? "; destructive" : "",
                         item->slow ? "; slow" : "", needs[0] == '\0' ? "" : "; needs ", needs);
    }
    if (!run->options->json)
        json_decref(all);
    else if (!print_json(all))
        return program_fail(EXIT_IO, "no memory for the list");
    return EXIT_DONE;
}

/* ---- before the first case ---- */

/* Those that do not apply are told apart before any runs. */
static void skip_cases(struct run *run)
{
    struct report *report = &run->report;

    for (size_t i = 0; i < report->count; i++) {
        struct case_result *result = &report->result[i];
        uint64_t missing = result->item->needs & ~run->capabilities;
        char needs[200];

        run->missing |= missing;
        if (missing != 0) {
            name_needs(run->suite, missing, needs, sizeof needs);
            result->verdict = CASE_SKIPPED;
            (void)snprintf(result->finding.came, sizeof result->finding.came, "needs %s", needs);
        } else if (result->item->destructive && !run->options->allow_destructive) {
            result->verdict = CASE_SKIPPED;
            (void)snprintf(result->finding.came, sizeof result->finding.came,
                           "destructive: --allow-destructive runs it");
        } else if (result->item->slow && !run->options->slow) {
            result->verdict = CASE_SKIPPED;
            (void)snprintf(result->finding.came, sizeof result->finding.came,
                           "slow: --slow runs it");
        }
    }
}

static void print_fact(const char *name, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    char clean[FINDING_MAX];

    (void)snprintf(clean, sizeof clean, "%s",
                   json_is_string(value) ? json_string_value(value)
                   : text == NULL        ? ""
                                         : text);
    log_clean(clean);
    (void)printf("%-24s %s\n", name, clean);
    free(text);
}

static void print_beginning(const struct run *run)
{
    struct tally tally = report_tally(&run->report);
    const char *name;
    json_t *value;

    (void)printf("%-24s %s\n", run->suite->name, run->report.url);
    json_object_foreach(run->report.about, name, value) print_fact(name, value);
    (void)printf("%-24s %zu, of which %zu apply\n", "cases", run->report.count,
                 tally.all[CASE_NOT_RUN]);
    (void)fflush(stdout);
}

/* ---- the run ---- */

static void show_progress(const struct run *run, const struct conform_case *item)
{
    size_t all = run->report.count, filled = BAR_WIDTH * run->done / all;
    char bar[BAR_WIDTH + 1];

    if (!run->progress)
        return;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r\033[K[%s] %zu/%zu %s", bar, run->done, all, item->id);
    (void)fflush(stderr);
}

static void clear_progress(const struct run *run)
{
    if (run->progress)
        (void)fputs("\r\033[K", stderr);
}

static void tell(struct run *run, const struct case_result *result)
{
    if (run->options->json || (result->verdict != CASE_FAILED && !run->options->show))
        return;
    clear_progress(run);
    report_print_case(&run->report, result);
    (void)fflush(stdout);
}

static enum sks_status run_case(struct run *run, struct case_result *result, struct sks_error *err)
{
    struct check check;
    int64_t begun = clock_monotonic_us();
    enum sks_status rc;

    check_begin(&check, result->item, run->options->seed);
    check.stop = &stop;
    check_end(&check, result->item->run(&check, run->end, result->item->row));
    rc = run->suite->tidy(run->end, err);
    result->us = clock_monotonic_us() - begun;
    if (stop == 0) { /* else its end says nothing */
        result->verdict = check.verdict;
        result->finding = check.finding;
        if (check.verdict == CASE_FAILED && result->known != NULL &&
            expectation_holds(result->known, &check.finding))
            result->verdict = CASE_EXPECTED;
    }
    check_free(&check);
    return stop == 0 ? rc : SKS_OK;
}

static enum sks_status run_cases(struct run *run, struct sks_error *err)
{
    struct report *report = &run->report;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < report->count && stop == 0; i++) {
        struct case_result *result = &report->result[i];

        show_progress(run, result->item);
        run->done++;
        if (result->verdict == CASE_NOT_RUN)
            TRY(run_case(run, result, err));
        if (result->verdict != CASE_NOT_RUN)
            tell(run, result);
    }
out:
    report->interrupted = stop != 0;
    clear_progress(run);
    return rc;
}

static void raise_stop(int signal)
{
    (void)signal;
    stop = 1;
}

/* A second signal ends the program at once. */
static void catch_signals(void)
{
    struct sigaction catch = { .sa_handler = raise_stop, .sa_flags = (int)SA_RESETHAND };

    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, &catch, NULL);
}

/* ---- after it ---- */

static enum sks_status write_reports(const struct run *run, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (run->options->json) {
        REQUIRE(print_json(report_json(&run->report)), err, SKS_ERROR_STORAGE,
                "no memory for the report");
    } else {
        report_print(&run->report);
    }
    if (run->options->junit != NULL)
        TRY(junit_write(&run->report, run->options->junit, err));
    if (run->options->html != NULL)
        TRY(page_write(&run->report, run->options->html, err));
out:
    return rc;
}

static enum exit_code blame(const struct run *run, const struct finding *fault)
{
    struct finding clean = *fault;

    log_clean(clean.field);
    log_clean(clean.came); /* the end's own words */
    return program_fail(EXIT_REFUSED,
                        "cases were skipped by fault of the %s: %s: wanted %s, came %s",
                        run->suite->name, clean.field, clean.wanted, clean.came);
}

/* No must-case failed; but what was skipped may weigh more than what has passed. */
static enum exit_code verdict_of_skipped(const struct run *run, const struct tally *tally)
{
    const struct suite *suite = run->suite;
    const struct finding *fault = NULL;
    const char *lack = NULL;
    bool nothing_ran =
        tally->all[CASE_PASSED] + tally->all[CASE_FAILED] + tally->all[CASE_EXPECTED] == 0;

    if (run->missing != 0 && suite->fault != NULL)
        fault = suite->fault(run->end, run->missing);
    if (run->missing != 0 && suite->lack != NULL)
        lack = suite->lack(run->end, run->missing);
    if (fault != NULL && tally->all[CASE_EXPECTED] == 0) /* else it may be the one that is known */
        return blame(run, fault);
    if (lack != NULL)
        return program_fail((enum exit_code)EXIT_ALL_SKIPPED, "%s", lack);
    return nothing_ran ? (enum exit_code)EXIT_ALL_SKIPPED : EXIT_DONE;
}

static enum exit_code verdict(const struct run *run)
{
    struct tally tally = report_tally(&run->report);

    if (run->report.interrupted || tally.count[LEVEL_MUST][CASE_FAILED] > 0)
        return EXIT_REFUSED;
    return verdict_of_skipped(run, &tally);
}

/* What was done is reported even if the end has gone out of reach. */
static enum exit_code run_on(struct run *run, const struct suite_config *config)
{
    struct sks_error err = { 0 }, written = { 0 };
    int64_t begun = clock_monotonic_us();
    enum sks_status rc;

    TRY(run->suite->open(config, &run->end, &run->capabilities, run->report.about, &err));
    if (run->options->expect != NULL)
        (void)json_object_set_new(run->report.about, "known failures of",
                                  json_text(run->known.about));
    skip_cases(run);
    if (!run->options->json)
        print_beginning(run);
    rc = run_cases(run, &err);
    stop = 0; /* calls go through again, to clean up */
    run->suite->leave(run->end, run->report.leftovers);
    run->report.us = clock_monotonic_us() - begun;
    if (write_reports(run, &written) != SKS_OK)
        return program_finish(written.status, &written);
out:
    if (rc == SKS_OK)
        return verdict(run);
    return rc == SKS_ERROR_OPTION ? program_fail(EXIT_USAGE, "%s", err.text)
                                  : program_fail(EXIT_IO, "%s", err.text);
}

enum exit_code conform_run(const struct suite *suite, const struct conform_options *options,
                           const char *url)
{
    struct suite_config config = { .url = url, .options = options, .stop = &stop };
    struct run run = { .suite = suite,
                       .options = options,
                       .progress = isatty(STDERR_FILENO) == 1,
                       .report = { .suite = suite, .options = options, .url = url } };
    struct sks_error err = { 0 };
    enum exit_code code;

    run.report.about = json_object();
    run.report.leftovers = json_array();
    if (run.report.about == NULL || run.report.leftovers == NULL)
        code = program_fail(EXIT_IO, "no memory");
    else if (select_cases(&run, &err) != SKS_OK)
        code = program_finish(err.status, &err);
    else if (options->list)
        code = list_cases(&run);
    else if (url == NULL)
        code = program_fail(EXIT_USAGE, "operand missing: URL of the %s", suite->name);
    else {
        catch_signals();
        code = run_on(&run, &config);
    }
    suite->close(run.end);
    json_decref(run.report.about);
    json_decref(run.report.leftovers);
    free(run.report.result);
    expectations_free(&run.known);
    cases_free(&run.cases);
    return code;
}
