#include "matrix/grid.h"
#include "keygen2/message/keygen2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct grid_row *grid_row(struct grid *grid, enum hop hop, const char *message, bool answer)
{
    bool told_apart = hop == HOP_TOKEN; /* the others have a name of their own */
    size_t room = grid->room == 0 ? 32 : 2 * grid->room;
    struct grid_row *row;

    for (size_t i = 0; i < grid->rows; i++) {
        row = &grid->row[i];
        if (row->hop == hop && strcmp(row->message, message) == 0 &&
            (!told_apart || row->answer == answer))
            return row;
    }
    if (grid->rows == grid->room) {
        row = realloc(grid->row, room * sizeof *row);
        if (row == NULL)
            return NULL;
        grid->row = row;
        grid->room = room;
    }
    row = &grid->row[grid->rows++];
    *row = (struct grid_row){ .hop = hop, .answer = answer };
    (void)snprintf(row->message, sizeof row->message, "%s", message);
    return row;
}

static void count(struct grid_cell *cell, enum matrix_verdict verdict, bool leftover)
{
    cell->count[verdict]++;
    cell->cases += verdict != MATRIX_UNFIT;
    cell->leftovers += leftover;
}

struct grid_cell *grid_add(struct grid *grid, const struct plan_case *item,
                           enum matrix_verdict verdict, bool leftover)
{
    struct grid_row *row = grid_row(grid, item->hop, item->message, item->answer);

    if (row == NULL)
        return NULL;
    count(&row->cell[item->operation], verdict, leftover);
    count(&row->all, verdict, leftover);
    return &row->cell[item->operation];
}

/* ---- the order ---- */

static int place_of(const struct grid_row *row)
{
    int place = 0;

    if (row->hop == HOP_ISSUER) {
        while (place < KEYGEN2_MESSAGES_COUNT &&
               strcmp(KEYGEN2_MESSAGES[place]->name, row->message) != 0)
            place++;
        return place;
    }
    while (place < (int)SKS_METHODS_COUNT && strcmp(SKS_METHODS[place].name, row->message) != 0)
        place++;
    return KEYGEN2_MESSAGES_COUNT + 1 + 2 * place + row->answer;
}

static int compare(const void *a, const void *b)
{
    return place_of(a) - place_of(b);
}

void grid_sort(struct grid *grid)
{
    if (grid->rows > 0)
        qsort(grid->row, grid->rows, sizeof *grid->row, compare);
}

void grid_row_name(const struct grid_row *row, char *name, size_t size)
{
    (void)snprintf(name, size, "%s%s", row->message,
                   row->hop == HOP_TOKEN && row->answer ? ", answer" : "");
}

void grid_free(struct grid *grid)
{
    free(grid->row);
    *grid = (struct grid){ 0 };
}
