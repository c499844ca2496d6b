/* Cases counted by message and operation: rows and columns of the report and of the page. */
#ifndef MATRIX_GRID_H
#define MATRIX_GRID_H

#include "matrix/judge.h"
#include "proxy/attack/rules.h"

enum { GRID_OPERATIONS = OPERATION_FORGE + 1 };

struct grid_cell {
    size_t count[MATRIX_VERDICTS], cases, leftovers;
    bool shown[MATRIX_VERDICTS]; /* a session of such a case is; the reader's to set */
};

struct grid_row {
    enum hop hop;
    bool answer;
    char message[MESSAGE_NAME_MAX];
    struct grid_cell cell[GRID_OPERATIONS], all;
};

/* Starts as {0}. */
struct grid {
    struct grid_row *row;
    size_t rows, room;
};

/** The row of a message, made if it is not there; NULL without memory. */
struct grid_row *grid_row(struct grid *grid, enum hop hop, const char *message, bool answer);

/** Counts a case; one that does not fit is none. @return its cell; NULL without memory */
struct grid_cell *grid_add(struct grid *grid, const struct plan_case *item,
                           enum matrix_verdict verdict, bool leftover);

/** Puts the rows in the order in which messages come in a session, those of the issuer first. */
void grid_sort(struct grid *grid);

/** "KeyCreationRequest", "createKeyEntry", "createKeyEntry, answer". */
void grid_row_name(const struct grid_row *row, char *name, size_t size);

void grid_free(struct grid *grid);

#endif
