#include "conform/report.h"

#include "keygen2/base/log.h"

#include <stdio.h>
#include <string.h>

struct tally report_tally(const struct report *report)
{
    struct tally tally = { 0 };

    for (size_t i = 0; i < report->count; i++) {
        tally.count[report->result[i].item->level][report->result[i].verdict]++;
        tally.all[report->result[i].verdict]++;
    }
    return tally;
}

size_t report_group(const struct conform_case *item)
{
    return strcspn(item->id, ".");
}

bool report_same_group(const struct case_result *a, const struct case_result *b)
{
    size_t len = report_group(a->item);

    return len == report_group(b->item) && strncmp(a->item->id, b->item->id, len) == 0;
}

bool report_begins_group(const struct report *report, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (report_same_group(&report->result[i], &report->result[at]))
            return false;
    return true;
}

/* ---- the command that repeats a case ---- */

void put_word(struct buf *out, const char *word)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~:/@%+=,";

    if (word[0] != '\0' && word[strspn(word, PLAIN)] == '\0') {
        put_text(out, word);
        return;
    }
    put_byte(out, '\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            put_text(out, "'\\''");
        else
            put_byte(out, (uint8_t)*word);
    put_byte(out, '\'');
}

void put_repetition(struct buf *out, const struct report *report, const struct conform_case *item)
{
    char seed[24];

    (void)snprintf(seed, sizeof seed, " --seed %u", report->options->seed);
    put_text(out, "sks-conform ");
    put_text(out, report->suite->name);
    put_byte(out, ' ');
    put_word(out, report->url);
    put_text(out, " --only ");
    put_word(out, item->id);
    put_text(out, seed);
    if (item->destructive)
        put_text(out, " --allow-destructive");
    if (item->slow)
        put_text(out, " --slow");
    if (report->suite->repeat != NULL)
        report->suite->repeat(report->options, out);
}

static void print_repetition(const struct report *report, const struct conform_case *item)
{
    struct buf line = { 0 };

    put_repetition(&line, report, item);
    if (line.status == SKS_OK)
        (void)printf("    again    %.*s\n", (int)line.len, (const char *)line.ptr);
    buf_free(&line);
}

bool report_is_better(const struct case_result *result)
{
    return result->known != NULL && result->verdict == CASE_PASSED;
}

/* ---- for people ---- */

static void print_known(const struct case_result *result)
{
    const struct expectation *known = result->known;
    char text[KNOWN_MAX];

    if (result->verdict == CASE_FAILED) {
        (void)snprintf(text, sizeof text, "%.*s", (int)known->came.len,
                       (const char *)known->came.ptr);
        log_clean(text);
        (void)printf("    expected %s\n", text);
    }
    expectation_text(known, text, sizeof text);
    log_clean(text);
    (void)printf("    known    %s\n", text);
}

void report_print_case(const struct report *report, const struct case_result *result)
{
    struct finding finding = result->finding;
    const struct conform_case *item = result->item;

    log_clean(finding.wanted);
    log_clean(finding.came); /* the end's own words */
    (void)printf("%-8s %-6s %s  (%s)\n    %s\n",
                 name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)result->verdict),
                 name_of_value(NAMES_LEVEL, (uint8_t)item->level), item->id, item->section,
                 item->title);
    if (result->verdict == CASE_SKIPPED)
        (void)printf("    because  %s\n", finding.came);
    if (result->verdict != CASE_FAILED && result->verdict != CASE_EXPECTED)
        return;
    (void)printf("    differs  %s\n    wanted   %s\n    came     %s\n", finding.field,
                 finding.wanted, finding.came);
    if (result->known != NULL)
        print_known(result);
    print_repetition(report, item);
}

/* A file of expectations that is behind the end. */
static void print_better(const struct report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (report_is_better(&report->result[i]))
            (void)printf("expected to fail, and passed: %s\n", report->result[i].item->id);
}

static void print_row(const char *name, const size_t count[CASE_VERDICTS])
{
    (void)printf("%-8s", name);
    for (size_t i = 0; i < CASE_VERDICTS; i++)
        (void)printf(" %8zu", count[i]);
    (void)printf("\n");
}

void report_print(const struct report *report)
{
    struct tally tally = report_tally(report);
    const json_t *item;
    size_t i;

    (void)printf("%-8s", "level");
    for (i = 0; i < CASE_VERDICTS; i++)
        (void)printf(" %8s", name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)i));
    (void)printf("\n");
    for (i = 0; i < LEVELS; i++)
        print_row(name_of_value(NAMES_LEVEL, (uint8_t)i), tally.count[i]);
    print_row("all", tally.all);
    json_array_foreach(report->leftovers, i, item)(void)
        printf("left in the %s: %s\n", report->suite->name, json_string_value(item));
    print_better(report);
    if (report->interrupted)
        (void)printf("interrupted: the rest was not run\n");
    (void)printf("seed %u, %.1f s\n", report->options->seed, (double)report->us / 1e6);
}

/* ---- for programs ---- */

static json_t *case_json(const struct report *report, const struct case_result *result)
{
    const struct conform_case *item = result->item;
    struct buf line = { 0 };
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:I}", "id", item->id, "title",
                             item->title, "section", item->section, "level",
                             name_of_value(NAMES_LEVEL, (uint8_t)item->level), "destructive",
                             (int)item->destructive, "verdict",
                             name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)result->verdict), "us",
                             (json_int_t)result->us);

    if (result->verdict == CASE_SKIPPED)
        (void)json_object_set_new(json, "reason", json_string(result->finding.came));
    if (result->verdict == CASE_EXPECTED) {
        (void)json_object_set_new(json, "departsFrom", json_text(result->known->section));
        (void)json_object_set_new(json, "reason", json_text(result->known->reason));
    }
    if (result->verdict == CASE_FAILED || result->verdict == CASE_EXPECTED) {
        put_repetition(&line, report, item);
        (void)json_object_set_new(json, "field", json_string(result->finding.field));
        (void)json_object_set_new(json, "wanted", json_string(result->finding.wanted));
        (void)json_object_set_new(json, "came", json_string(result->finding.came));
        (void)json_object_set_new(json, "again", json_text(buf_bytes(&line)));
    }
    buf_free(&line);
    return json;
}

static json_t *counts_json(const size_t count[CASE_VERDICTS])
{
    json_t *counts = json_object();

    for (size_t i = 0; i < CASE_VERDICTS; i++)
        (void)json_object_set_new(counts, name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)i),
                                  json_integer((json_int_t)count[i]));
    return counts;
}

json_t *report_json(const struct report *report)
{
    struct tally tally = report_tally(report);
    json_t *cases = json_array(), *levels = json_object(), *better = json_array();

    for (size_t i = 0; i < report->count; i++) {
        (void)json_array_append_new(cases, case_json(report, &report->result[i]));
        if (report_is_better(&report->result[i]))
            (void)json_array_append_new(better, json_string(report->result[i].item->id));
    }
    for (size_t i = 0; i < LEVELS; i++)
        (void)json_object_set_new(levels, name_of_value(NAMES_LEVEL, (uint8_t)i),
                                  counts_json(tally.count[i]));
    return json_pack("{s:s, s:s, s:O, s:I, s:I, s:b, s:o, s:o, s:O, s:o, s:o}", "end",
                     report->suite->name, "url", report->url, "about", report->about, "seed",
                     (json_int_t)report->options->seed, "us", (json_int_t)report->us, "interrupted",
                     (int)report->interrupted, "all", counts_json(tally.all), "levels", levels,
                     "leftovers", report->leftovers, "better", better, "cases", cases);
}
