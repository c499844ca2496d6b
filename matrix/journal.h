/*
 * What a sweep has found so far, in a file, a JSON object a line: so that one that was interrupted
 * goes on where it was. It is no result yet, and goes when there is one.
 */
#ifndef MATRIX_JOURNAL_H
#define MATRIX_JOURNAL_H

#include "matrix/judge.h"

struct journal;

/**
 * Opens one.
 *
 * @param results  file of the results; the journal's name is that with ".part" behind it
 * @param resume   go on with the one that is there, if there is one; a line that was not finished
 *                 is dropped. Else a new one takes its place
 * @param set      what is swept, as text: a journal of something else is refused
 * @param journal  out: free with journal_free()
 * @return SKS_ERROR_OPTION if the one that is there is of another set, or is none
 */
CHECKED enum sks_status journal_open(const char *results, bool resume, const char *set,
                                     struct journal **journal, struct sks_error *err);

/* A case, as it is known again. */
struct journal_case {
    const char *profile;
    const struct plan_case *item;
    uint64_t combination; /* number of a combination, from 1; 0: the case is one */
};

/** True if a case was tried. @param run out: without what crossed */
bool journal_find(const struct journal *journal, const struct journal_case *item, struct run *run,
                  enum matrix_verdict *verdict, bool *leftover);

/** Adds a case; one thread at a time. */
CHECKED enum sks_status journal_add(struct journal *journal, const struct journal_case *item,
                                    const struct run *run, enum matrix_verdict verdict,
                                    bool leftover, struct sks_error *err);

/** How many cases it had when it was opened. */
size_t journal_count(const struct journal *journal);

/** The results are written: it goes. */
void journal_remove(struct journal *journal);

/** Leaves the file. NULL is allowed. */
void journal_free(struct journal *journal);

#endif
