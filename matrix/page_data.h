/* What the script of the page works on: cases and their sessions, short enough for many thousands.
 */
#ifndef MATRIX_PAGE_DATA_H
#define MATRIX_PAGE_DATA_H

#include "matrix/grid.h"

/** Counts cases. @param cases  what `--results` has as "results" */
CHECKED enum sks_status page_grid(const json_t *cases, struct grid *grid, struct sks_error *err);

/** The name of a cell in the page. @param row, operation  its place in the grid */
void page_cell_name(size_t row, size_t operation, char name[32]);

/** A new reference; NULL without memory. @param grid  sorted */
json_t *page_data(const json_t *cases, struct grid *grid);

#endif
