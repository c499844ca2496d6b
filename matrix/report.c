#include "matrix/report.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "matrix/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    bool show, progress;
    const char *results, *html;
    json_t *cases, *scenarios; /* cases: NULL if nobody wants them */
    struct sweep_result all;
};

enum sks_status report_new(bool show, bool progress, const char *results, const char *html,
                           struct report **report, struct sks_error *err)
{
    bool cases = results != NULL || html != NULL;
    struct report *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *report = NULL;
    REQUIRE(made != NULL && (made->scenarios = json_object()) != NULL &&
                (!cases || (made->cases = json_array()) != NULL),
            err, SKS_ERROR_STORAGE, "no memory for a report");
    made->show = show;
    made->progress = progress;
    made->results = results;
    made->html = html;
    *report = made;
    made = NULL;
out:
    report_free(made);
    return rc;
}

void report_free(struct report *report)
{
    if (report == NULL)
        return;
    json_decref(report->cases);
    json_decref(report->scenarios);
    free(report);
}

/* ---- one case ---- */

static const char *const ENDS[] = {
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_REFUSED] = "refused",
    [RUN_ERROR] = "error",
    [RUN_IN_DOUBT] = "in doubt",
};

static bool is_failure(const struct case_result *r)
{
    return r->verdict == MATRIX_UNDETECTED || r->leftover;
}

static void clear_progress(const struct report *report)
{
    if (report->progress)
        (void)fputs("\r\033[K", stderr);
}

static void print_case(const struct report *report, const struct case_result *r)
{
    const struct plan_case *item = r->item;
    char cause[sizeof r->run->cause];

    memcpy(cause, r->run->cause, sizeof cause);
    log_clean(cause);
    clear_progress(report);
    (void)printf("%-11s %s: %s %u%s %s %s%s\n    %s at %s%s%s\n    %s\n",
                 MATRIX_VERDICT_NAMES[r->verdict], r->scenario->profile, item->message,
                 item->occurrence, item->answer && item->hop == HOP_TOKEN ? " (answer)" : "",
                 name_of_value(OPERATION_NAMES, item->operation), item->path,
                 r->leftover ? "  LEFTOVER in the token" : "", ENDS[r->run->end], r->run->at,
                 cause[0] == '\0' ? "" : ": ", cause, item->rules);
    (void)fflush(stdout);
}

static json_t *case_json(const struct case_result *r)
{
    const struct plan_case *item = r->item;

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "scenario",
                     r->scenario->profile, "hop", name_of_value(HOP_NAMES, (uint8_t)item->hop),
                     "message", item->message, "direction", item->answer ? "answer" : "request",
                     "occurrence", (json_int_t)item->occurrence, "path", item->path, "operation",
                     name_of_value(OPERATION_NAMES, item->operation), "verdict",
                     MATRIX_VERDICT_NAMES[r->verdict], "leftover", (int)r->leftover, "end",
                     ENDS[r->run->end], "at", r->run->at, "cause", r->run->cause);
}

void report_case(void *ctx, const struct case_result *result)
{
    struct report *report = ctx;

    report->all.cases[result->verdict]++;
    report->all.leftovers += result->leftover;
    if (report->show || is_failure(result))
        print_case(report, result);
    if (report->cases != NULL && result->verdict != MATRIX_UNFIT)
        (void)json_array_append_new(report->cases, case_json(result));
}

void report_progress(void *ctx, const struct scenario *scenario, size_t done, size_t all)
{
    struct report *report = ctx;

    if (report->progress && (done % 16 == 0 || done == all))
        (void)fprintf(stderr, "\r%-24s %6zu of %zu", scenario->profile, done, all);
}

/* ---- scenarios and the whole ---- */

static size_t count_cases(const struct sweep_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        count += result->cases[i];
    return count;
}

static json_t *counts_json(const struct sweep_result *result)
{
    json_t *counts = json_object();

    (void)json_object_set_new(counts, "cases", json_integer((json_int_t)count_cases(result)));
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        (void)json_object_set_new(counts, MATRIX_VERDICT_NAMES[i],
                                  json_integer((json_int_t)result->cases[i]));
    (void)json_object_set_new(counts, "leftovers", json_integer((json_int_t)result->leftovers));
    return counts;
}

void report_scenario(struct report *report, const struct scenario *scenario,
                     const struct sweep_result *result)
{
    clear_progress(report);
    (void)json_object_set_new(report->scenarios, scenario->profile, counts_json(result));
}

static void print_row(const char *name, const json_t *counts)
{
    (void)printf("%-24s %7lld", name,
                 (long long)json_integer_value(json_object_get(counts, "cases")));
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        (void)printf(" %11lld", (long long)json_integer_value(
                                    json_object_get(counts, MATRIX_VERDICT_NAMES[i])));
    (void)printf(" %10lld\n", (long long)json_integer_value(json_object_get(counts, "leftovers")));
}

static void print_table(const struct report *report, const json_t *all, uint64_t seed)
{
    const char *name;
    json_t *counts;

    (void)printf("%-24s %7s", "scenario", "cases");
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        (void)printf(" %11s", MATRIX_VERDICT_NAMES[i]);
    (void)printf(" %10s\n", "leftovers");
    json_object_foreach(report->scenarios, name, counts) print_row(name, counts);
    print_row("all", all);
    (void)printf("seed %llu\n", (unsigned long long)seed);
}

static enum sks_status write_results(struct report *report, json_t *summary, struct sks_error *err)
{
    json_t *file = json_deep_copy(summary);
    char *text = NULL;
    enum sks_status rc;

    if (file != NULL && json_object_set(file, "results", report->cases) == 0)
        text = json_dumps(file, JSON_INDENT(1));
    REQUIRE(text != NULL, err, SKS_ERROR_STORAGE, "no memory for the results");
    rc = file_write(report->results, 0644, bytes_of(text), err);
out:
    free(text);
    json_decref(file);
    return rc;
}

enum sks_status report_end(struct report *report, uint64_t seed, bool json, struct sks_error *err)
{
    json_t *all = counts_json(&report->all);
    json_t *summary = json_pack("{s:I, s:O, s:O}", "seed", (json_int_t)seed, "all", all,
                                "scenarios", report->scenarios);
    enum sks_status rc = SKS_OK;

    REQUIRE(summary != NULL, err, SKS_ERROR_STORAGE, "no memory for the summary");
    clear_progress(report);
    if (json) {
        (void)json_dumpf(summary, stdout, JSON_COMPACT);
        (void)printf("\n");
    } else {
        print_table(report, all, seed);
    }
    if (report->results != NULL)
        TRY(write_results(report, summary, err));
    if (report->html != NULL)
        TRY(page_write(report->html, summary, report->cases, err));
out:
    json_decref(summary);
    json_decref(all);
    return rc;
}
