#include "interop/table.h"

#include "keygen2/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 512 };

struct table {
    struct table_row row[ROWS_MAX];
    size_t rows, bad;
};

struct table *table_new(void)
{
    return calloc(1, sizeof(struct table));
}

void table_free(struct table *table)
{
    free(table);
}

void table_add(struct table *table, const struct table_row *row)
{
    struct table_row *made;

    table->bad += !row->good;
    if (table->rows == ROWS_MAX)
        return;
    made = &table->row[table->rows++];
    *made = *row;
    log_clean(made->what);
    log_clean(made->became);
    log_info("%s %s: %s%s", made->part, made->what,
             made->good ? "" : "NOT AS IT HAS TO BE: ", made->became);
}

void table_tell(struct table *table, const char *part, const char *what, bool good, int64_t ms,
                const char *format, ...)
{
    struct table_row row = { .ms = ms, .good = good };
    va_list args;

    (void)snprintf(row.part, sizeof row.part, "%s", part);
    (void)snprintf(row.what, sizeof row.what, "%s", what);
    va_start(args, format);
    (void)vsnprintf(row.became, sizeof row.became, format, args);
    va_end(args);
    table_add(table, &row);
}

static size_t width_of(const struct table *table)
{
    size_t width = sizeof "WHAT" - 1;

    for (size_t i = 0; i < table->rows; i++)
        if (strlen(table->row[i].what) > width)
            width = strlen(table->row[i].what);
    return width;
}

enum exit_code table_print(const struct table *table)
{
    int width = (int)width_of(table);

    (void)printf("\n   %-8s %-*s %6s  %s\n", "PART", width, "WHAT", "MS", "CAME OF IT");
    for (size_t i = 0; i < table->rows; i++) {
        const struct table_row *row = &table->row[i];
        char ms[24] = "";

        if (row->ms >= 0)
            (void)snprintf(ms, sizeof ms, "%" PRId64, row->ms);
        (void)printf("%s %-8s %-*s %6s  %s\n", row->good ? "ok" : "NO", row->part, width, row->what,
                     ms, row->became);
    }
    (void)printf("\n%zu of %zu as they have to be%s\n", table->rows - table->bad, table->rows,
                 table->bad == 0 ? "" : ": FAILED");
    return table->bad == 0 && table->rows > 0 ? EXIT_DONE : EXIT_REFUSED;
}
