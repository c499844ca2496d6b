/* JUnit XML as build servers read it: <testsuites>, a <testsuite> a group, a <testcase> a case. */
#include "conform/report.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/base/markup.h"

#include <stdio.h>
#include <string.h>

static void put_attribute(struct buf *out, const char *name, const char *value)
{
    char clean[KNOWN_MAX]; /* control characters have no form in XML */

    (void)snprintf(clean, sizeof clean, "%s", value);
    log_clean(clean);
    put_byte(out, ' ');
    put_text(out, name);
    put_text(out, "=\"");
    put_escaped(out, bytes_of(clean));
    put_byte(out, '"');
}

static void put_count(struct buf *out, const char *name, size_t count)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%zu", count);
    put_attribute(out, name, text);
}

static void put_seconds(struct buf *out, int64_t us)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%.6f", (double)us / 1e6);
    put_attribute(out, "time", text);
}

/* JUnit knows of no failure that is expected. */
static bool is_skipped(enum case_verdict verdict)
{
    return verdict != CASE_PASSED && verdict != CASE_FAILED;
}

/* What the attributes of a suite count. */
struct group {
    size_t count, failed, skipped;
    int64_t us;
};

static struct group count_group(const struct report *report, size_t first)
{
    struct group group = { 0 };

    for (size_t i = first; i < report->count; i++) {
        const struct case_result *result = &report->result[i];

        if (!report_same_group(result, &report->result[first]))
            continue;
        group.count++;
        group.failed += result->verdict == CASE_FAILED;
        group.skipped += is_skipped(result->verdict);
        group.us += result->us;
    }
    return group;
}

static void put_failure(struct buf *out, const struct report *report,
                        const struct case_result *result)
{
    const struct finding *finding = &result->finding;
    struct buf again = { 0 };
    char text[2 * FINDING_MAX];

    (void)snprintf(text, sizeof text, "%s: wanted %.500s, came %.500s", finding->field,
                   finding->wanted, finding->came);
    log_clean(text);
    put_text(out, "><failure");
    put_attribute(out, "type", name_of_value(NAMES_LEVEL, (uint8_t)result->item->level));
    put_attribute(out, "message", text);
    put_byte(out, '>');
    put_repetition(&again, report, result->item);
    put_escaped(out, buf_bytes(&again));
    put_text(out, "</failure></testcase>\n");
    buf_free(&again);
}

static void put_skipped(struct buf *out, const struct case_result *result)
{
    char text[KNOWN_MAX];

    if (result->verdict == CASE_EXPECTED)
        expectation_text(result->known, text, sizeof text);
    put_text(out, "><skipped");
    put_attribute(out, "message",
                  result->verdict == CASE_EXPECTED  ? text
                  : result->verdict == CASE_SKIPPED ? result->finding.came
                                                    : "not run");
    put_text(out, "/></testcase>\n");
}

static void put_case(struct buf *out, const struct report *report, const struct case_result *result)
{
    put_text(out, "<testcase");
    put_attribute(out, "classname", result->item->section);
    put_attribute(out, "name", result->item->id);
    put_seconds(out, result->us);
    if (result->verdict == CASE_FAILED)
        put_failure(out, report, result);
    else if (is_skipped(result->verdict))
        put_skipped(out, result);
    else
        put_text(out, "/>\n");
}

static void put_group(struct buf *out, const struct report *report, size_t first)
{
    const struct conform_case *item = report->result[first].item;
    struct group group = count_group(report, first);
    char name[80];

    (void)snprintf(name, sizeof name, "%s.%.*s", report->suite->name, (int)report_group(item),
                   item->id);
    put_text(out, "<testsuite");
    put_attribute(out, "name", name);
    put_count(out, "tests", group.count);
    put_count(out, "failures", group.failed);
    put_count(out, "errors", 0);
    put_count(out, "skipped", group.skipped);
    put_seconds(out, group.us);
    put_text(out, ">\n");
    for (size_t i = first; i < report->count; i++)
        if (report_same_group(&report->result[i], &report->result[first]))
            put_case(out, report, &report->result[i]);
    put_text(out, "</testsuite>\n");
}

enum sks_status junit_write(const struct report *report, const char *file, struct sks_error *err)
{
    struct tally tally = report_tally(report);
    struct buf out = { 0 };
    enum sks_status rc;

    put_text(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    put_attribute(&out, "name", "sks-conform");
    put_count(&out, "tests", report->count);
    put_count(&out, "failures", tally.all[CASE_FAILED]);
    put_count(&out, "skipped", report->count - tally.all[CASE_PASSED] - tally.all[CASE_FAILED]);
    put_seconds(&out, report->us);
    put_text(&out, ">\n");
    for (size_t i = 0; i < report->count; i++)
        if (report_begins_group(report, i))
            put_group(&out, report, i);
    put_text(&out, "</testsuites>\n");
    TRY(sks_explain(err, out.status));
    rc = file_write(file, 0644, buf_bytes(&out), err);
out:
    buf_free(&out);
    return rc;
}
