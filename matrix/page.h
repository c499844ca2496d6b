/* The results of a sweep as one page that needs nothing else. */
#ifndef MATRIX_PAGE_H
#define MATRIX_PAGE_H

#include "keygen2/base/json.h"

/**
 * Writes the page: a table of messages by operations, a cell coloured by who noticed, and behind
 * each cell its cases.
 *
 * @param summary  what `--json` prints
 * @param cases    what `--results` has as "results"
 */
CHECKED enum sks_status page_write(const char *file, const json_t *summary, const json_t *cases,
                                   struct sks_error *err);

#endif
