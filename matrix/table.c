#include "matrix/table.h"

#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 36, COLUMNS = MATRIX_UNFIT + 2 }; /* cases, the verdicts, leftovers */

struct line {
    char name[MESSAGE_NAME_MAX + 10];
    size_t count[COLUMNS];
};

static const char *column_name(size_t column)
{
    return column == 0             ? "cases"
           : column == COLUMNS - 1 ? "leftovers"
                                   : MATRIX_VERDICT_NAMES[column - 1];
}

static void line_of_counts(const char *name, const json_t *counts, struct line *line)
{
    (void)snprintf(line->name, sizeof line->name, "%s", name);
    for (size_t i = 0; i < COLUMNS; i++)
        line->count[i] = (size_t)json_integer_value(json_object_get(counts, column_name(i)));
}

static void line_of_row(const struct grid_row *row, struct line *line)
{
    grid_row_name(row, line->name, sizeof line->name);
    line->count[0] = row->all.cases;
    memcpy(&line->count[1], row->all.count, MATRIX_UNFIT * sizeof line->count[0]);
    line->count[COLUMNS - 1] = row->all.leftovers;
}

static void print_line(const struct line *line, int width, const struct line *all)
{
    (void)printf("%-*s", width, line->name);
    for (size_t i = 0; i < COLUMNS; i++) {
        int room = (int)strlen(column_name(i)) + 2;

        if (all->count[i] == 0 && i != MATRIX_UNDETECTED + 1 && i != COLUMNS - 1)
            continue; /* a column of nothing */
        if (room < 8)
            room = 8;
        if (line->count[i] == 0)
            (void)printf("%*s", room, "-");
        else
            (void)printf("%*zu", room, line->count[i]);
    }
    (void)printf("\n");
}

static void print_head(const char *name, int width, const struct line *all)
{
    (void)printf("\n%-*s", width, name);
    for (size_t i = 0; i < COLUMNS; i++) {
        int room = (int)strlen(column_name(i)) + 2;

        if (all->count[i] > 0 || i == MATRIX_UNDETECTED + 1 || i == COLUMNS - 1)
            (void)printf("%*s", room < 8 ? 8 : room, column_name(i));
    }
    (void)printf("\n");
}

void table_print(const struct grid *grid, const json_t *scenarios, const json_t *counts)
{
    struct line all = { 0 }, line = { 0 };
    const char *name;
    json_t *value;

    line_of_counts("all", counts, &all);
    print_head("message", NAME_WIDTH, &all);
    for (size_t i = 0; i < grid->rows; i++) {
        if (grid->row[i].all.cases == 0)
            continue;
        line_of_row(&grid->row[i], &line);
        print_line(&line, NAME_WIDTH, &all);
    }
    print_head("scenario", NAME_WIDTH, &all);
    json_object_foreach((json_t *)(uintptr_t)scenarios, name, value)
    {
        line_of_counts(name, value, &line);
        print_line(&line, NAME_WIDTH, &all);
    }
    print_line(&all, NAME_WIDTH, &all);
}
