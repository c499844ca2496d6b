#include "matrix/report.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "matrix/grid.h"
#include "matrix/page.h"
#include "matrix/table.h"
#include "matrix/unprotected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_WIDTH = 20, BAR_MS = 100 /* between two drawings */ };

struct report {
    bool show, json, progress, failed;
    int64_t began, drawn; /* milliseconds: the scenario under way; its bar */
    const char *results, *html;
    json_t *cases, *scenarios; /* cases: NULL if nobody wants them */
    json_t *skipped;           /* scenarios, with the reason */
    json_t *limits;            /* what could not be judged or set back */
    struct grid grid;
    struct sweep_result all;
    uint64_t rows; /* of the unprotected, set of those that a case fell under */
    size_t unreached, tried, planned;
    char unreached_cause[200];
};

enum sks_status report_new(bool show, bool json, bool progress, const char *results,
                           const char *html, struct report **report, struct sks_error *err)
{
    bool cases = results != NULL || html != NULL;
    struct report *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *report = NULL;
    REQUIRE(made != NULL && (made->scenarios = json_object()) != NULL &&
                (made->skipped = json_object()) != NULL && (made->limits = json_array()) != NULL &&
                (!cases || (made->cases = json_array()) != NULL),
            err, SKS_ERROR_STORAGE, "no memory for a report");
    made->show = show;
    made->json = json;
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
    json_decref(report->skipped);
    json_decref(report->limits);
    grid_free(&report->grid);
    free(report);
}

/* ---- one case ---- */

static const char *const ENDS[] = {
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_REFUSED] = "refused",
    [RUN_ERROR] = "error",
    [RUN_IN_DOUBT] = "in doubt",
};

static const char *const FATES[] = {
    [ATTACK_NOTHING] = "",          [ATTACK_ALTERED] = "altered",   [ATTACK_DROPPED] = "dropped",
    [ATTACK_REPEATED] = "repeated", [ATTACK_ANSWERED] = "answered",
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

/* What came over the wire may be no text at all. */
static json_t *clean_json(const char *text)
{
    char clean[sizeof((struct run *)NULL)->cause];

    (void)snprintf(clean, sizeof clean, "%s", text);
    log_clean(clean);
    return json_string(clean);
}

static void print_case(const struct report *report, const struct case_result *r)
{
    const struct plan_case *item = r->item;
    FILE *out = report->json ? stderr : stdout;
    char cause[sizeof r->run->cause];

    memcpy(cause, r->run->cause, sizeof cause);
    log_clean(cause);
    clear_progress(report);
    (void)fprintf(out, "%-11s %s: %s %u%s %s %s%s\n    %s at %s%s%s\n    %s\n",
                  MATRIX_VERDICT_NAMES[r->verdict], r->scenario->profile, item->message,
                  item->occurrence, item->answer && item->hop == HOP_TOKEN ? " (answer)" : "",
                  name_of_value(OPERATION_NAMES, item->operation), item->path,
                  r->leftover ? "  LEFTOVER in the token" : "", ENDS[r->run->end], r->run->at,
                  cause[0] == '\0' ? "" : ": ", cause, item->rules);
    (void)fflush(out);
}

/* What crossed, for a sequence diagram. */
static json_t *arrows_json(const struct run *run)
{
    json_t *arrows = json_array();

    for (size_t i = 0; i < run->arrows; i++) {
        const struct run_arrow *arrow = &run->arrow[i];

        (void)json_array_append_new(
            arrows,
            json_pack("{s:s, s:s, s:o, s:i, s:s, s:b}", "hop", name_of_value(HOP_NAMES, arrow->hop),
                      "direction", arrow->answer ? "answer" : "request", "name",
                      clean_json(arrow->name), "status", (int)arrow->status, "fate",
                      FATES[arrow->fate], "goodbye", (int)arrow->goodbye));
    }
    return arrows;
}

/* @param shown  with what crossed, and the rules */
static json_t *case_json(const struct case_result *r, bool shown)
{
    const struct plan_case *item = r->item;
    json_t *made;

    made = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "scenario",
                     r->scenario->profile, "hop", name_of_value(HOP_NAMES, (uint8_t)item->hop),
                     "message", item->message, "direction", item->answer ? "answer" : "request",
                     "occurrence", (json_int_t)item->occurrence, "path", item->path, "operation",
                     name_of_value(OPERATION_NAMES, item->operation), "verdict",
                     MATRIX_VERDICT_NAMES[r->verdict], "leftover", (int)r->leftover, "end",
                     ENDS[r->run->end], "at", r->run->at, "cause", clean_json(r->run->cause));
    if (made != NULL) {
        (void)json_object_set_new(made, "from", json_string(PLAN_SOURCE_NAMES[item->source]));
        (void)json_object_set_new(made, "unchanged", json_boolean(r->run->unchanged));
        (void)json_object_set_new(made, "counted", json_boolean(r->run->counted));
    }
    if (shown && made != NULL) {
        (void)json_object_set_new(made, "rules", json_string(item->rules));
        (void)json_object_set_new(made, "arrows", arrows_json(r->run));
    }
    return made;
}

/* A run of each cell and verdict is, and every failure; but for those of an earlier time, of which
 * there are only the verdicts. */
static bool is_shown(const struct case_result *r, struct grid_cell *cell)
{
    if (cell == NULL || r->run->arrows == 0 || (cell->shown[r->verdict] && !is_failure(r)))
        return false;
    cell->shown[r->verdict] = true;
    return true;
}

static void note_row(struct report *report, const struct case_result *r)
{
    const struct unprotected *row = unprotected_find(r->scenario->profile, r->item);

    if (r->verdict == MATRIX_UNPROTECTED && r->item->parts == 0 && row != NULL)
        report->rows |= UINT64_C(1) << (row - UNPROTECTED);
}

size_t report_unused_rows(const struct report *report)
{
    size_t count = 0;

    clear_progress(report);
    for (size_t i = 0; i < UNPROTECTED_COUNT; i++) {
        const struct unprotected *row = &UNPROTECTED[i];

        if ((report->rows & UINT64_C(1) << i) != 0 || row->apart != NULL)
            continue;
        (void)fprintf(stderr, "unprotected: no case makes use of %s %s\n", row->message, row->path);
        count++;
    }
    return count;
}

void report_case(void *ctx, const struct case_result *result)
{
    struct report *report = ctx;
    struct grid_cell *cell;

    report->all.cases[result->verdict]++;
    report->all.leftovers += result->leftover;
    note_row(report, result);
    cell = grid_add(&report->grid, result->item, result->verdict, result->leftover);
    report->failed = report->failed || cell == NULL;
    if (report->show || is_failure(result))
        print_case(report, result);
    if (report->cases != NULL && result->verdict != MATRIX_UNFIT)
        (void)json_array_append_new(report->cases, case_json(result, is_shown(result, cell)));
}

/* ---- how far it is ---- */

static void draw_bar(const struct report *report, const char *name, size_t done, size_t all,
                     double left)
{
    char bar[BAR_WIDTH + 1] = "";
    size_t full = all == 0 ? 0 : done * BAR_WIDTH / all;

    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', full);
    (void)fprintf(stderr, "\r%-24.24s [%s] %6zu of %zu", name, bar, done, all);
    if (done < all)
        (void)fprintf(stderr, ", %.0f s left", left);
    if (report->all.cases[MATRIX_UNDETECTED] > 0)
        (void)fprintf(stderr, ", %zu undetected", report->all.cases[MATRIX_UNDETECTED]);
    (void)fputs("\033[K", stderr);
}

void report_progress(void *ctx, const struct scenario *scenario, size_t done, size_t all)
{
    struct report *report = ctx;
    int64_t now = clock_monotonic_ms();

    if (!report->progress)
        return;
    if (done <= 1)
        report->began = now;
    if (done > 1 && done < all && now - report->drawn < BAR_MS)
        return;
    report->drawn = now;
    draw_bar(report, scenario->profile, done, all,
             (double)(now - report->began) / 1000 / (double)done * (double)(all - done));
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

static void add_limit(struct report *report, const json_t *text)
{
    const json_t *known;
    size_t i;

    json_array_foreach(report->limits, i, known) if (json_equal(known, text)) return;
    (void)json_array_append(report->limits, (json_t *)(uintptr_t)text);
}

void report_scenario(struct report *report, const struct scenario *scenario,
                     const struct sweep_result *result)
{
    const json_t *text;
    size_t i;

    clear_progress(report);
    (void)json_object_set_new(report->scenarios, scenario->profile, counts_json(result));
    json_array_foreach(result->limits, i, text) add_limit(report, text);
    report->planned += result->planned;
    report->tried += count_cases(result) + result->cases[MATRIX_UNFIT];
    if (report->unreached == 0)
        memcpy(report->unreached_cause, result->unreached_cause, sizeof report->unreached_cause);
    report->unreached += result->unreached;
}

void report_skipped(struct report *report, const struct scenario *scenario, const char *why)
{
    clear_progress(report);
    (void)json_object_set_new(report->skipped, scenario->profile, clean_json(why));
}

/* ---- the summary ---- */

static void print_clean(const char *text)
{
    char line[600];

    (void)snprintf(line, sizeof line, "%s", text);
    log_clean(line);
    (void)printf("%s\n", line);
}

static void print_limits(const struct report *report)
{
    const json_t *text;
    const char *name;
    json_t *why;
    size_t i;

    if (json_array_size(report->limits) > 0 || json_object_size(report->skipped) > 0)
        (void)printf("\n");
    json_object_foreach(report->skipped, name, why)
    {
        (void)printf("skipped: %s: ", name);
        print_clean(json_string_value(why));
    }
    json_array_foreach(report->limits, i, text)
    {
        (void)printf("not judged: ");
        print_clean(json_string_value(text));
    }
}

static void print_summary(struct report *report, const json_t *all, uint64_t seed)
{
    table_print(&report->grid, report->scenarios, all);
    print_limits(report);
    (void)printf("\nseed %llu, %zu of %zu cases tried, %zu did not fit\n", (unsigned long long)seed,
                 report->tried, report->planned, report->all.cases[MATRIX_UNFIT]);
    if (report->unreached == 0)
        return;
    (void)printf("of these, the session of %zu ended before the message came: ", report->unreached);
    print_clean(report->unreached_cause);
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

static json_t *summary_json(const struct report *report, json_t *all, uint64_t seed)
{
    return json_pack("{s:I, s:O, s:O, s:I, s:I, s:I, s:I, s:O, s:O}", "seed", (json_int_t)seed,
                     "all", all, "scenarios", report->scenarios, "planned",
                     (json_int_t)report->planned, "tried", (json_int_t)report->tried, "unfit",
                     (json_int_t)report->all.cases[MATRIX_UNFIT], "unreached",
                     (json_int_t)report->unreached, "skipped", report->skipped, "notJudged",
                     report->limits);
}

enum sks_status report_end(struct report *report, uint64_t seed, struct sks_error *err)
{
    json_t *all = counts_json(&report->all);
    json_t *summary = summary_json(report, all, seed);
    enum sks_status rc = SKS_OK;

    REQUIRE(summary != NULL && !report->failed, err, SKS_ERROR_STORAGE,
            "no memory for the summary");
    clear_progress(report);
    grid_sort(&report->grid);
    if (report->json) {
        (void)json_dumpf(summary, stdout, JSON_COMPACT);
        (void)printf("\n");
    } else {
        print_summary(report, all, seed);
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
