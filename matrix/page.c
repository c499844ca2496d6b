#include "matrix/page.h"

#include "keygen2/base/files.h"
#include "keygen2/base/markup.h"
#include "matrix/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 256, TITLE_MAX = 160 };

/* The cases of one message and one operation. */
struct cell {
    size_t count[MATRIX_VERDICTS], all;
    bool leftover;
};

struct row {
    const char *hop, *message, *direction;
    struct cell cell[OPERATION_FORGE + 1];
};

struct page {
    struct row row[ROWS_MAX];
    size_t rows;
    struct buf out;
};

/* A failure is what is seen first; else who noticed most. */
static const struct {
    enum matrix_verdict verdict;
    const char *color, *text;
} COLORS[] = {
    { MATRIX_UNDETECTED, "#d00", "noticed by nobody" },
    { MATRIX_TOKEN, "#2a7a3b", "noticed by the token" },
    { MATRIX_ISSUER, "#1a56b0", "noticed by the issuer" },
    { MATRIX_MIDDLEWARE, "#7a5fa0", "noticed by the middleware" },
    { MATRIX_COMMITTED, "#c77d0a", "after the commit: no success counted" },
    { MATRIX_UNPROTECTED, "#b0477a", "not protected, and known to be" },
    { MATRIX_HARMLESS, "#9aa5ad", "harmless: the same results" },
};

static const char STYLE[] =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:90em;padding:0 1em;"
    "color:#1c2126;background:#fff}h1{font-size:1.6em;margin:0 0 .2em}h2{font-size:1.15em;"
    "margin:2em 0 .4em}h3{font-size:1em;margin:1.4em 0 .3em}table{border-collapse:collapse}"
    ".map td,.map th{border:1px solid #fff;padding:0}.map th{font-weight:500;text-align:left;"
    "padding:2px 8px;white-space:nowrap;font-size:13px}.map th.op{height:6.5em;vertical-align:"
    "bottom;padding:2px}.map th.op span{writing-mode:vertical-rl;transform:rotate(180deg)}"
    ".map td{width:30px;min-width:30px;height:24px;text-align:center;background:#f1f3f5}"
    ".map td a{display:block;line-height:24px;color:#fff;text-decoration:none;font-size:12px}"
    ".scroll{overflow-x:auto}.cases td,.cases th{border-bottom:1px solid #dde1e5;padding:3px 10px;"
    "text-align:left;vertical-align:top;font-size:13px}.cases code{word-break:break-all}"
    ".sum td,.sum th{padding:3px 12px;text-align:right;border-bottom:1px solid #dde1e5}"
    ".sum th:first-child,.sum td:first-child{text-align:left}.key span{display:inline-block;"
    "margin:0 1.2em .3em 0}.key i{display:inline-block;width:1em;height:1em;border-radius:3px;"
    "margin-right:.4em;vertical-align:-2px}.v{color:#fff;border-radius:3px;padding:0 6px;"
    "white-space:nowrap}.left{outline:2px solid #d00}p{max-width:60em}";

/* ---- text ---- */

static void put_escaped_text(struct buf *out, const char *text)
{
    put_escaped(out, bytes_of(text));
}

static void put_number(struct buf *out, size_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%zu", number);
    put_text(out, text);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static size_t verdict_of(const json_t *item)
{
    for (size_t i = 0; i < MATRIX_VERDICTS; i++)
        if (strcmp(MATRIX_VERDICT_NAMES[i], text_of(item, "verdict")) == 0)
            return i;
    return MATRIX_UNFIT;
}

static const char *color_of(size_t verdict)
{
    for (size_t i = 0; i < NITEMS(COLORS); i++)
        if ((size_t)COLORS[i].verdict == verdict)
            return COLORS[i].color;
    return "#000";
}

/* ---- the table ---- */

static struct row *find_row(struct page *page, const json_t *item)
{
    const char *hop = text_of(item, "hop"), *message = text_of(item, "message");
    const char *direction = strcmp(hop, "token") == 0 ? text_of(item, "direction") : "";
    struct row *row;

    for (size_t i = 0; i < page->rows; i++) {
        row = &page->row[i];
        if (strcmp(row->message, message) == 0 && strcmp(row->hop, hop) == 0 &&
            strcmp(row->direction, direction) == 0)
            return row;
    }
    if (page->rows == ROWS_MAX)
        return NULL;
    row = &page->row[page->rows++];
    *row = (struct row){ .hop = hop, .message = message, .direction = direction };
    return row;
}

static void count_case(struct page *page, const json_t *item)
{
    struct row *row = find_row(page, item);
    struct cell *cell;
    uint8_t operation;

    if (row == NULL ||
        !name_to_value(OPERATION_NAMES, bytes_of(text_of(item, "operation")), &operation))
        return;
    cell = &row->cell[operation];
    cell->count[verdict_of(item)]++;
    cell->all++;
    cell->leftover = cell->leftover || json_is_true(json_object_get(item, "leftover"));
}

static size_t worst_of(const struct cell *cell)
{
    size_t most = MATRIX_HARMLESS;

    if (cell->count[MATRIX_UNDETECTED] > 0)
        return MATRIX_UNDETECTED;
    for (size_t i = 0; i < MATRIX_UNDETECTED; i++)
        if (cell->count[i] > cell->count[most])
            most = i;
    return most;
}

static void put_cell(struct page *page, size_t row, size_t operation)
{
    const struct cell *cell = &page->row[row].cell[operation];
    struct buf *out = &page->out;
    char link[80];

    if (cell->all == 0) {
        put_text(out, "<td></td>");
        return;
    }
    (void)snprintf(link, sizeof link,
                   "<td style=\"background:%s\"%s><a href=\"#c%zu-%zu\" title=\"",
                   color_of(worst_of(cell)), cell->leftover ? " class=left" : "", row, operation);
    put_text(out, link);
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        if (cell->count[i] > 0) {
            put_text(out, MATRIX_VERDICT_NAMES[i]);
            put_byte(out, ' ');
            put_number(out, cell->count[i]);
            put_text(out, "; ");
        }
    put_text(out, "\">");
    put_number(out, cell->all);
    put_text(out, "</a></td>");
}

static void put_row_name(struct page *page, size_t row)
{
    const struct row *r = &page->row[row];

    put_escaped_text(&page->out, r->message);
    if (strcmp(r->hop, "token") == 0)
        put_text(&page->out, strcmp(r->direction, "answer") == 0 ? ", answer" : ", call");
}

static void put_map(struct page *page)
{
    struct buf *out = &page->out;

    put_text(out, "<div class=scroll><table class=map><tr><th></th>");
    for (size_t i = 0; i <= OPERATION_FORGE; i++) {
        put_text(out, "<th class=op><span>");
        put_text(out, name_of_value(OPERATION_NAMES, (uint8_t)i));
        put_text(out, "</span></th>");
    }
    put_text(out, "</tr>\n");
    for (size_t row = 0; row < page->rows; row++) {
        put_text(out, "<tr><th>");
        put_row_name(page, row);
        put_text(out, "</th>");
        for (size_t i = 0; i <= OPERATION_FORGE; i++)
            put_cell(page, row, i);
        put_text(out, "</tr>\n");
    }
    put_text(out, "</table></div>\n");
}

/* ---- what is around it ---- */

static void put_key(struct buf *out)
{
    put_text(out, "<p class=key>");
    for (size_t i = 0; i < NITEMS(COLORS); i++) {
        put_text(out, "<span><i style=\"background:");
        put_text(out, COLORS[i].color);
        put_text(out, "\"></i>");
        put_text(out, COLORS[i].text);
        put_text(out, "</span>");
    }
    put_text(out, "</p>\n");
}

static void put_counts(struct buf *out, const char *name, const json_t *counts)
{
    put_text(out, "<tr><td>");
    put_escaped_text(out, name);
    put_text(out, "</td><td>");
    put_number(out, (size_t)json_integer_value(json_object_get(counts, "cases")));
    for (size_t i = 0; i < MATRIX_UNFIT; i++) {
        put_text(out, "</td><td>");
        put_number(out,
                   (size_t)json_integer_value(json_object_get(counts, MATRIX_VERDICT_NAMES[i])));
    }
    put_text(out, "</td><td>");
    put_number(out, (size_t)json_integer_value(json_object_get(counts, "leftovers")));
    put_text(out, "</td></tr>\n");
}

static void put_summary(struct buf *out, const json_t *summary)
{
    const char *name;
    json_t *counts;

    put_text(out, "<h2>Scenarios</h2><div class=scroll><table class=sum><tr><th>scenario</th>"
                  "<th>cases</th>");
    for (size_t i = 0; i < MATRIX_UNFIT; i++) {
        put_text(out, "<th>");
        put_text(out, MATRIX_VERDICT_NAMES[i]);
        put_text(out, "</th>");
    }
    put_text(out, "<th>leftovers</th></tr>\n");
    json_object_foreach(json_object_get(summary, "scenarios"), name, counts)
        put_counts(out, name, counts);
    put_counts(out, "all", json_object_get(summary, "all"));
    put_text(out, "</table></div>\n");
}

/* ---- the cases ---- */

static void put_case(struct buf *out, const json_t *item)
{
    size_t verdict = verdict_of(item);

    put_text(out, "<tr><td>");
    put_escaped_text(out, text_of(item, "scenario"));
    put_text(out, "</td><td><code>");
    put_escaped_text(out, text_of(item, "path"));
    put_text(out, "</code></td><td><span class=v style=\"background:");
    put_text(out, color_of(verdict));
    put_text(out, "\">");
    put_text(out, MATRIX_VERDICT_NAMES[verdict]);
    put_text(out, json_is_true(json_object_get(item, "leftover")) ? ", leftover" : "");
    put_text(out, "</span></td><td>");
    put_escaped_text(out, text_of(item, "at"));
    put_text(out, "</td><td>");
    put_escaped_text(out, text_of(item, "cause"));
    put_text(out, "</td></tr>\n");
}

static bool is_of(const json_t *item, const struct row *row, size_t operation)
{
    return strcmp(text_of(item, "operation"), name_of_value(OPERATION_NAMES, (uint8_t)operation)) ==
               0 &&
           strcmp(text_of(item, "message"), row->message) == 0 &&
           strcmp(text_of(item, "hop"), row->hop) == 0 &&
           (row->direction[0] == '\0' || strcmp(text_of(item, "direction"), row->direction) == 0);
}

static void put_cell_cases(struct page *page, size_t row, size_t operation, const json_t *cases)
{
    struct buf *out = &page->out;
    char begin[60];
    const json_t *item;
    size_t i;

    (void)snprintf(begin, sizeof begin, "<details open id=c%zu-%zu><summary>", row, operation);
    put_text(out, begin);
    put_row_name(page, row);
    put_text(out, ": ");
    put_text(out, name_of_value(OPERATION_NAMES, (uint8_t)operation));
    put_text(out, " (");
    put_number(out, page->row[row].cell[operation].all);
    put_text(out, ")</summary><div class=scroll><table class=cases><tr><th>scenario</th>"
                  "<th>what</th><th>verdict</th><th>last message</th><th>cause</th></tr>\n");
    json_array_foreach(cases, i, item) if (is_of(item, &page->row[row], operation))
        put_case(out, item);
    put_text(out, "</table></div></details>\n");
}

static void put_all_cases(struct page *page, const json_t *cases)
{
    put_text(&page->out, "<h2>Cases</h2>\n");
    for (size_t row = 0; row < page->rows; row++)
        for (size_t i = 0; i <= OPERATION_FORGE; i++)
            if (page->row[row].cell[i].all > 0)
                put_cell_cases(page, row, i, cases);
}

enum sks_status page_write(const char *file, const json_t *summary, const json_t *cases,
                           struct sks_error *err)
{
    struct page *page = calloc(1, sizeof *page);
    const json_t *item;
    size_t i;
    enum sks_status rc;

    REQUIRE(page != NULL, err, SKS_ERROR_STORAGE, "no memory for a page");
    json_array_foreach(cases, i, item) count_case(page, item);
    put_text(&page->out, "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport "
                         "content=\"width=device-width\"><title>Attack matrix</title><style>");
    put_text(&page->out, STYLE);
    put_text(&page->out, "</style><h1>Attack matrix</h1><p>Every field of every message altered, "
                         "each in a session of its own. A number is that of cases; a cell leads "
                         "to them.</p>\n");
    put_key(&page->out);
    put_map(page);
    put_summary(&page->out, summary);
    put_all_cases(page, cases);
    TRY(sks_explain(err, page->out.status));
    rc = file_write(file, 0644, buf_bytes(&page->out), err);
out:
    if (page != NULL)
        buf_free(&page->out);
    free(page);
    return rc;
}
