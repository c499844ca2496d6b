/* The summary: a row for each thing that was tried, and whether it went as it has to. */
#ifndef INTEROP_TABLE_H
#define INTEROP_TABLE_H

#include "keygen2/base/program.h"

struct table_row {
    char part[16]; /* "apart", "profile", "attack", "conform" */
    char what[80];
    char became[480]; /* what came of it */
    int64_t ms;       /* how long it took; -1: no matter */
    bool good;
};

struct table; /* rows, in their order */

struct table *table_new(void);

/** Adds a row, and a line of progress to standard error. */
void table_add(struct table *table, const struct table_row *row);

/** As table_add(), with the text that came of it as printf() has it. */
void table_tell(struct table *table, const char *part, const char *what, bool good, int64_t ms,
                const char *format, ...) __attribute__((format(printf, 6, 7)));

/** Prints all rows and how many are good. @return EXIT_DONE if all are, and there is one */
enum exit_code table_print(const struct table *table);

/** NULL is allowed. */
void table_free(struct table *table);

#endif
