/* The summary of a sweep on a terminal. */
#ifndef MATRIX_TABLE_H
#define MATRIX_TABLE_H

#include "matrix/grid.h"

/**
 * Prints verdicts by message and by scenario; verdicts that there are none of have no column.
 *
 * @param scenarios  counts by scenario, and of all of them in `counts`: those of `--json`
 */
void table_print(const struct grid *grid, const json_t *scenarios, const json_t *counts);

#endif
