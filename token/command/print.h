/* What commands print: texts from outside made fit for a terminal, tables, JSON. */
#ifndef TOKEN_COMMAND_PRINT_H
#define TOKEN_COMMAND_PRINT_H

#include "keygen2/base/json.h"
#include "token/api/calls.h"

/** A copy without control characters; "?" without memory. */
const char *clean_text(struct arena *arena, struct bytes text);

/** A session id: as it is, or in hexadecimal if it is not all characters 0x21-0x7E, as those of the
 * 2010 profile need not be. */
const char *session_id_text(struct arena *arena, struct bytes id);

/** Seconds since 1970 as "2026-11-22T10:00:00Z". */
const char *time_text(struct arena *arena, int64_t seconds);

/** The name of an enumeration's value, "?" if it has none. */
const char *value_text(const struct name *names, uint8_t value);

enum { TABLE_COLUMNS_MAX = 10 };

struct table_row {
    struct table_row *next;
    const char *cell[TABLE_COLUMNS_MAX];
};

/* Columns as wide as their widest cell. Start with the heads set; table_free() frees the cells. */
struct table {
    const char *head[TABLE_COLUMNS_MAX]; /* NULL behind the last */
    struct arena arena;                  /* for the cells */
    struct table_row *first, *last;
};

/** Adds a row. @param cells as many as there are heads, in the table's arena or constant */
CHECKED enum sks_status table_add(struct table *table, const char *const *cells);
void table_print(const struct table *table);
void table_free(struct table *table);

/** Adds a method's outputs under the names that the specification gives them. */
void json_add_outputs(json_t *object, enum method_id id, const union sks_out *out);

/** Prints a value, whose reference it takes. NULL stands for one that could not be made. */
CHECKED enum sks_status json_print(json_t *value, struct sks_error *err);

#endif
