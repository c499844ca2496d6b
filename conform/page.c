/* The report as one page: what was looked at, the counts, and every case by group. */
#include "conform/report.h"

#include "keygen2/base/files.h"
#include "keygen2/base/markup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const COLORS[CASE_VERDICTS] = {
    [CASE_PASSED] = "#2a7a3b",  [CASE_FAILED] = "#d00",     [CASE_EXPECTED] = "#a66a00",
    [CASE_SKIPPED] = "#7d868d", [CASE_NOT_RUN] = "#b8bfc5",
};

static const char STYLE[] =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em;"
    "color:#1c2126;background:#fff}h1{font-size:1.6em;margin:0 0 .2em}h2{font-size:1.15em;"
    "margin:2em 0 .4em}table{border-collapse:collapse}td,th{border-bottom:1px solid #dde1e5;"
    "padding:3px 10px;text-align:left;vertical-align:top;font-size:13px}.sum td+td,.sum th+th{"
    "text-align:right}.v{color:#fff;border-radius:3px;padding:0 6px;white-space:nowrap}"
    "code,dd{word-break:break-word}summary{cursor:pointer;padding:.25em 0}"
    "summary b{font-weight:500}dl{margin:.2em 0}dt{font-weight:500;float:left;clear:left;"
    "width:5em}dd{margin:0 0 0 5.5em}.scroll{overflow-x:auto}";

static void put_shown(struct buf *out, const char *text)
{
    put_escaped(out, bytes_of(text));
}

static void put_cell(struct buf *out, const char *text)
{
    put_text(out, "<td>");
    put_shown(out, text);
    put_text(out, "</td>");
}

static void put_number(struct buf *out, size_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%zu", number);
    put_text(out, text);
}

/* ---- head ---- */

static void put_fact(struct buf *out, const char *name, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    put_text(out, "<tr>");
    put_cell(out, name);
    put_cell(out, json_is_string(value) ? json_string_value(value) : text == NULL ? "" : text);
    put_text(out, "</tr>\n");
    free(text);
}

static void put_about(struct buf *out, const struct report *report)
{
    char text[80];
    const char *name;
    json_t *value;

    put_text(out, "<table><tr>");
    put_cell(out, report->suite->name);
    put_cell(out, report->url);
    put_text(out, "</tr>\n");
    json_object_foreach(report->about, name, value) put_fact(out, name, value);
    (void)snprintf(text, sizeof text, "%u, %.1f s%s", report->options->seed,
                   (double)report->us / 1e6, report->interrupted ? ", interrupted" : "");
    put_text(out, "<tr>");
    put_cell(out, "seed, time");
    put_cell(out, text);
    put_text(out, "</tr></table>\n");
}

static void put_counts(struct buf *out, const char *name, const size_t count[CASE_VERDICTS])
{
    put_text(out, "<tr>");
    put_cell(out, name);
    for (size_t i = 0; i < CASE_VERDICTS; i++) {
        put_text(out, "<td>");
        put_number(out, count[i]);
        put_text(out, "</td>");
    }
    put_text(out, "</tr>\n");
}

static void put_summary(struct buf *out, const struct tally *tally)
{
    put_text(out, "<h2>Cases by level</h2><table class=sum><tr><th>level</th>");
    for (size_t i = 0; i < CASE_VERDICTS; i++) {
        put_text(out, "<th>");
        put_text(out, name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)i));
        put_text(out, "</th>");
    }
    put_text(out, "</tr>\n");
    for (size_t i = 0; i < LEVELS; i++)
        put_counts(out, name_of_value(NAMES_LEVEL, (uint8_t)i), tally->count[i]);
    put_counts(out, "all", tally->all);
    put_text(out, "</table>\n");
}

static void put_leftovers(struct buf *out, const json_t *leftovers)
{
    const json_t *item;
    size_t i;

    if (json_array_size(leftovers) == 0)
        return;
    put_text(out, "<h2>Left behind</h2><ul>");
    json_array_foreach(leftovers, i, item)
    {
        put_text(out, "<li>");
        put_shown(out, json_string_value(item));
        put_text(out, "</li>\n");
    }
    put_text(out, "</ul>\n");
}

/* ---- cases ---- */

static void put_finding(struct buf *out, const struct report *report,
                        const struct case_result *result)
{
    const struct {
        const char *name, *text;
    } rows[] = { { "differs", result->finding.field },
                 { "wanted", result->finding.wanted },
                 { "came", result->finding.came } };
    struct buf again = { 0 };
    char known[KNOWN_MAX];

    put_text(out, "<dl>");
    for (size_t i = 0; i < NITEMS(rows); i++) {
        put_text(out, "<dt>");
        put_text(out, rows[i].name);
        put_text(out, "</dt><dd>");
        put_shown(out, rows[i].text);
        put_text(out, "</dd>");
    }
    if (result->known != NULL) {
        expectation_text(result->known, known, sizeof known);
        put_text(out, "<dt>known</dt><dd>");
        put_shown(out, known);
        put_text(out, "</dd>");
    }
    put_repetition(&again, report, result->item);
    put_text(out, "<dt>again</dt><dd><code>");
    put_escaped(out, buf_bytes(&again));
    put_text(out, "</code></dd></dl>");
    buf_free(&again);
}

static void put_case(struct buf *out, const struct report *report, const struct case_result *result)
{
    const struct conform_case *item = result->item;

    put_text(out, "<tr><td><span class=v style=\"background:");
    put_text(out, COLORS[result->verdict]);
    put_text(out, "\">");
    put_text(out, name_of_value(NAMES_VERDICT_OF_CASE, (uint8_t)result->verdict));
    put_text(out, "</span></td>");
    put_cell(out, name_of_value(NAMES_LEVEL, (uint8_t)item->level));
    put_text(out, "<td><code>");
    put_shown(out, item->id);
    put_text(out, "</code></td><td>");
    put_shown(out, item->title);
    if (result->verdict == CASE_FAILED || result->verdict == CASE_EXPECTED)
        put_finding(out, report, result);
    if (result->verdict == CASE_SKIPPED) {
        put_text(out, "<br>");
        put_shown(out, result->finding.came);
    }
    put_text(out, "</td>");
    put_cell(out, item->section);
    put_text(out, "</tr>\n");
}

/* Those that failed are open. */
static void put_group(struct buf *out, const struct report *report, size_t first)
{
    const struct conform_case *item = report->result[first].item;
    size_t count = 0, failed = 0;

    for (size_t i = first; i < report->count; i++)
        if (report_same_group(&report->result[i], &report->result[first])) {
            count++;
            failed += report->result[i].verdict == CASE_FAILED;
        }
    put_text(out, failed > 0 ? "<details open><summary><b>" : "<details><summary><b>");
    put_escaped(out, bytes_at(item->id, report_group(item)));
    put_text(out, "</b>: ");
    put_number(out, count);
    if (failed > 0) {
        put_text(out, ", failed ");
        put_number(out, failed);
    }
    put_text(out, "</summary><div class=scroll><table><tr><th>verdict</th><th>level</th>"
                  "<th>case</th><th>what it shows</th><th>section</th></tr>\n");
    for (size_t i = first; i < report->count; i++)
        if (report_same_group(&report->result[i], &report->result[first]))
            put_case(out, report, &report->result[i]);
    put_text(out, "</table></div></details>\n");
}

enum sks_status page_write(const struct report *report, const char *file, struct sks_error *err)
{
    struct tally tally = report_tally(report);
    struct buf out = { 0 };
    enum sks_status rc;

    put_text(&out, "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport "
                   "content=\"width=device-width\"><title>Conformance</title><style>");
    put_text(&out, STYLE);
    put_text(&out, "</style><h1>Conformance: ");
    put_shown(&out, report->suite->name);
    put_text(&out, "</h1>\n");
    put_about(&out, report);
    put_summary(&out, &tally);
    put_leftovers(&out, report->leftovers);
    put_text(&out, "<h2>Cases</h2>\n");
    for (size_t i = 0; i < report->count; i++)
        if (report_begins_group(report, i))
            put_group(&out, report, i);
    put_text(&out, "</html>\n");
    TRY(sks_explain(err, out.status));
    rc = file_write(file, 0644, buf_bytes(&out), err);
out:
    buf_free(&out);
    return rc;
}
