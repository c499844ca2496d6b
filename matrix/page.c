#include "matrix/page.h"

#include "keygen2/base/files.h"
#include "keygen2/base/markup.h"
#include "matrix/page_data.h"
#include "matrix/page_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
    struct buf out;
    struct grid grid;
    const json_t *summary;
    json_t *data;
};

/* What a colour says. A failure is what is seen first; else who noticed most. */
static const struct {
    enum matrix_verdict verdict;
    const char *text;
} KEY[] = {
    { MATRIX_UNDETECTED, "noticed by nobody" },
    { MATRIX_TOKEN, "noticed by the token" },
    { MATRIX_ISSUER, "noticed by the issuer" },
    { MATRIX_MIDDLEWARE, "noticed by the middleware" },
    { MATRIX_COMMITTED, "after the commit: no success counted" },
    { MATRIX_UNPROTECTED, "not protected, and known to be" },
    { MATRIX_HARMLESS, "harmless: the same results" },
};

/* ---- text ---- */

static void put_text_of(struct page *page, const char *text)
{
    put_escaped(&page->out, bytes_of(text));
}

static void put_html(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Of numbers and names of our own. */
static void put_html(struct page *page, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_text(&page->out, text);
}

static size_t count_of(const json_t *counts, const char *name)
{
    return (size_t)json_integer_value(json_object_get(counts, name));
}

/* ---- the map ---- */

static enum matrix_verdict worst_of(const struct grid_cell *cell)
{
    enum matrix_verdict most = MATRIX_HARMLESS;

    if (cell->count[MATRIX_UNDETECTED] > 0)
        return MATRIX_UNDETECTED;
    for (size_t i = 0; i < MATRIX_UNDETECTED; i++)
        if (cell->count[i] > cell->count[most])
            most = (enum matrix_verdict)i;
    return most;
}

/* A line with the share of each verdict, if there are several. */
static void put_shares(struct page *page, const struct grid_cell *cell)
{
    double from = 0, to;

    if (cell->count[worst_of(cell)] == cell->cases)
        return;
    put_html(page, "<i style=\"background:linear-gradient(90deg");
    for (size_t i = 0; i < NITEMS(KEY); i++) {
        size_t count = cell->count[KEY[i].verdict];

        if (count == 0)
            continue;
        to = from + 100.0 * (double)count / (double)cell->cases;
        put_html(page, ",var(--%s) %.1f%% %.1f%%", MATRIX_VERDICT_NAMES[KEY[i].verdict], from, to);
        from = to;
    }
    put_html(page, ")\"></i>");
}

/* What is read out, and shown under the pointer: "KeyCreationRequest, flip: token 3, issuer 1". */
static void put_label(struct page *page, const struct grid_row *row, size_t operation)
{
    const struct grid_cell *cell = &row->cell[operation];
    char name[MESSAGE_NAME_MAX + 10];
    const char *separator = ": ";

    grid_row_name(row, name, sizeof name);
    put_text_of(page, name);
    put_html(page, ", %s", name_of_value(OPERATION_NAMES, (uint8_t)operation));
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        if (cell->count[i] > 0) {
            put_html(page, "%s%s %zu", separator, MATRIX_VERDICT_NAMES[i], cell->count[i]);
            separator = ", ";
        }
    if (cell->leftovers > 0)
        put_html(page, ", leftovers %zu", cell->leftovers);
}

static void put_cell(struct page *page, size_t row, size_t operation)
{
    const struct grid_row *r = &page->grid.row[row];
    const struct grid_cell *cell = &r->cell[operation];
    const char *verdict = MATRIX_VERDICT_NAMES[worst_of(cell)];
    char name[32];

    if (cell->cases == 0) {
        put_html(page, "<td></td>");
        return;
    }
    page_cell_name(row, operation, name);
    put_html(page, "<td><button type=\"button\" data-cell=\"%s\" data-verdict=\"%s\" ", name,
             verdict);
    put_html(page, "class=\"v-%s%s\" title=\"", verdict, cell->leftovers > 0 ? " left" : "");
    put_label(page, r, operation);
    put_html(page, "\" aria-label=\"");
    put_label(page, r, operation);
    put_html(page, "\">%zu", cell->cases);
    put_shares(page, cell);
    put_html(page, "</button></td>");
}

static void put_row(struct page *page, size_t row, const bool used[GRID_OPERATIONS])
{
    char name[MESSAGE_NAME_MAX + 10];

    grid_row_name(&page->grid.row[row], name, sizeof name);
    put_html(page, "<tr><th scope=\"row\">");
    put_text_of(page, name);
    put_html(page, "</th>");
    for (size_t i = 0; i < GRID_OPERATIONS; i++)
        if (used[i])
            put_cell(page, row, i);
    put_html(page, "</tr>\n");
}

/* Operations that nothing was tried with have no column. */
static void find_used(const struct grid *grid, bool used[GRID_OPERATIONS])
{
    for (size_t row = 0; row < grid->rows; row++)
        for (size_t i = 0; i < GRID_OPERATIONS; i++)
            used[i] = used[i] || grid->row[row].cell[i].cases > 0;
}

static void put_hop(struct page *page, enum hop hop)
{
    put_html(page, "<tr class=\"hop\"><th colspan=\"6\">%s</th></tr>\n",
             hop == HOP_ISSUER ? "KeyGen2, issuer to middleware" : "SKS, middleware to token");
}

static void put_map(struct page *page)
{
    const struct grid *grid = &page->grid;
    bool used[GRID_OPERATIONS] = { false };

    find_used(grid, used);
    put_html(page, "<div class=\"scroll\"><table class=\"map\" aria-labelledby=\"map-title\">"
                   "<thead><tr><td></td>");
    for (size_t i = 0; i < GRID_OPERATIONS; i++)
        if (used[i])
            put_html(page, "<th scope=\"col\"><span>%s</span></th>",
                     name_of_value(OPERATION_NAMES, (uint8_t)i));
    put_html(page, "</tr></thead><tbody>\n");
    for (size_t row = 0; row < grid->rows; row++) {
        if (row == 0 || grid->row[row].hop != grid->row[row - 1].hop)
            put_hop(page, grid->row[row].hop);
        put_row(page, row, used);
    }
    put_html(page, "</tbody></table></div>\n");
}

/* ---- what is around it ---- */

static void put_key(struct page *page)
{
    put_html(page, "<ul class=\"key\">");
    for (size_t i = 0; i < NITEMS(KEY); i++)
        put_html(page, "<li><i class=\"v-%s\"></i>%s</li>", MATRIX_VERDICT_NAMES[KEY[i].verdict],
                 KEY[i].text);
    put_html(page, "</ul>\n");
}

static void put_figure(struct page *page, const char *class, size_t count, const char *name)
{
    put_html(page, "<li class=\"%s\"><b>%zu</b><span>%s</span></li>", class, count, name);
}

static void put_figures(struct page *page)
{
    const json_t *all = json_object_get(page->summary, "all"), *text;
    const char *name;
    json_t *why;
    size_t i, left = count_of(all, "leftovers"), missed = count_of(all, "undetected");

    put_html(page, "<ul class=\"figures\">");
    put_figure(page, "", count_of(all, "cases"), "cases");
    put_figure(page, missed > 0 ? "v-undetected bad" : "", missed, "undetected");
    put_figure(page, left > 0 ? "v-undetected bad" : "", left, "leftovers");
    for (i = 0; i < MATRIX_UNFIT; i++)
        if (i != MATRIX_UNDETECTED && count_of(all, MATRIX_VERDICT_NAMES[i]) > 0) {
            char class[40];

            (void)snprintf(class, sizeof class, "v-%s", MATRIX_VERDICT_NAMES[i]);
            put_figure(page, class, count_of(all, MATRIX_VERDICT_NAMES[i]),
                       MATRIX_VERDICT_NAMES[i]);
        }
    put_html(page,
             "</ul>\n<p class=\"note\">seed %zu; %zu of %zu cases tried, %zu did not fit</p>\n",
             count_of(page->summary, "seed"), count_of(page->summary, "tried"),
             count_of(page->summary, "planned"), count_of(page->summary, "unfit"));
    json_object_foreach(json_object_get(page->summary, "skipped"), name, why)
    {
        put_html(page, "<p class=\"note\">skipped: ");
        put_text_of(page, name);
        put_html(page, ": ");
        put_text_of(page, json_string_value(why));
        put_html(page, "</p>\n");
    }
    json_array_foreach(json_object_get(page->summary, "notJudged"), i, text)
    {
        put_html(page, "<p class=\"note\">not judged: ");
        put_text_of(page, json_string_value(text));
        put_html(page, "</p>\n");
    }
}

static void put_count(struct page *page, size_t count)
{
    put_html(page, count == 0 ? "<td class=\"zero\">%zu</td>" : "<td>%zu</td>", count);
}

static void put_counts(struct page *page, const char *name, const json_t *counts)
{
    put_html(page, "<tr><th scope=\"row\">");
    put_text_of(page, name);
    put_html(page, "</th>");
    put_count(page, count_of(counts, "cases"));
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        put_count(page, count_of(counts, MATRIX_VERDICT_NAMES[i]));
    put_count(page, count_of(counts, "leftovers"));
    put_html(page, "</tr>\n");
}

static void put_scenarios(struct page *page)
{
    const char *name;
    json_t *counts;

    put_html(page, "<div class=\"scroll\"><table class=\"sum\"><thead><tr><th>scenario</th>"
                   "<th>cases</th>");
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        put_html(page, "<th>%s</th>", MATRIX_VERDICT_NAMES[i]);
    put_html(page, "<th>leftovers</th></tr></thead><tbody>\n");
    json_object_foreach(json_object_get(page->summary, "scenarios"), name, counts)
        put_counts(page, name, counts);
    put_html(page, "</tbody><tfoot>");
    put_counts(page, "all", json_object_get(page->summary, "all"));
    put_html(page, "</tfoot></table></div>\n");
}

/* Inside a script element "<" would be markup; in JSON it stands in texts alone. */
static void put_data(struct page *page)
{
    char *text = json_dumps(page->data, JSON_COMPACT);

    if (text == NULL)
        page->out.status = SKS_ERROR_STORAGE;
    for (const char *from = text; from != NULL && *from != '\0';) {
        size_t len = strcspn(from, "<");

        put_raw(&page->out, bytes_at(from, len));
        from += len;
        if (*from == '<') {
            put_text(&page->out, "\\u003c");
            from++;
        }
    }
    free(text);
}

/* ---- all of it ---- */

static const struct {
    const char *mark; /* in page.html */
    void (*put)(struct page *page);
} PARTS[] = {
    { "<!--@figures-->", put_figures }, { "<!--@key-->", put_key },
    { "<!--@map-->", put_map },         { "<!--@scenarios-->", put_scenarios },
    { "<!--@data-->", put_data },
};

static enum sks_status put_page(struct page *page, struct sks_error *err)
{
    const char *from = PAGE_TEXT, *mark;
    enum sks_status rc;

    for (size_t i = 0; i < NITEMS(PARTS); i++) {
        mark = strstr(from, PARTS[i].mark);
        REQUIRE(mark != NULL, err, SKS_ERROR_INTERNAL, "the page has no %s", PARTS[i].mark);
        put_raw(&page->out, bytes_at(from, (size_t)(mark - from)));
        PARTS[i].put(page);
        from = mark + strlen(PARTS[i].mark);
    }
    put_text(&page->out, from);
    rc = sks_explain(err, page->out.status);
out:
    return rc;
}

enum sks_status page_write(const char *file, const json_t *summary, const json_t *cases,
                           struct sks_error *err)
{
    struct page page = { .summary = summary };
    enum sks_status rc;

    TRY(page_grid(cases, &page.grid, err));
    page.data = page_data(cases, &page.grid);
    REQUIRE(page.data != NULL, err, SKS_ERROR_STORAGE, "no memory for a page");
    TRY(put_page(&page, err));
    rc = file_write(file, 0644, buf_bytes(&page.out), err);
out:
    json_decref(page.data);
    grid_free(&page.grid);
    buf_free(&page.out);
    return rc;
}
