/*
 * Conformance cases: one table a suite. What differs by data only is one function and many rows:
 * `row` points to the data of a case.
 */
#ifndef CONFORM_CASES_H
#define CONFORM_CASES_H

#include "keygen2/base/arena.h"
#include "keygen2/base/names.h"

enum case_level { LEVEL_MUST, LEVEL_SHOULD, LEVEL_MAY, LEVELS };
extern const struct name NAMES_LEVEL[];

struct check;

struct conform_case {
    const char *id; /* "createPinPolicy.format-4": GROUP.NAME of letters, digits, '.', '-', '_' */
    const char *title;   /* what is shown, one line */
    const char *section; /* of the text that asks for it: "SKS createPinPolicy", "wire 6" */
    enum case_level level;
    uint64_t needs;   /* set of bits: what the end must have, named by the suite's capability() */
    bool destructive; /* locks, wipes or switches off something of the end's: run last */
    bool slow;        /* takes seconds */
    /* The texts ask for a refusal and leave its number open: any does. A should-case of the same
     * steps, `id`-number, is added beside it; there it is the one that is wanted. */
    bool open_number;
    /* Ends at the first difference, which check.h keeps. @param end  what the suite's open() made
     */
    enum sks_status (*run)(struct check *check, void *end, const void *row);
    const void *row; /* of the case, for functions that serve many */
};

/* A row of a table of cases; the last one is the data of the case, which may be a literal. */
#define CASE(of, called, text, where, what, function, ...)                                         \
    {                                                                                              \
        .level = of, .id = called, .title = text, .section = where, .needs = what,                 \
        .run = function, .row = __VA_ARGS__                                                        \
    }
#define DESTRUCTIVE_CASE(of, called, text, where, what, function, with)                            \
    {                                                                                              \
        .level = of, .id = called, .title = text, .section = where, .needs = what,                 \
        .destructive = true, .run = function, .row = with                                          \
    }
/* A must-case whose number is open. */
#define OPEN_CASE(called, text, where, what, function, with)                                       \
    {                                                                                              \
        .id = called, .title = text, .section = where, .needs = what, .open_number = true,         \
        .run = function, .row = with                                                               \
    }

struct cases {
    struct conform_case *item;
    size_t count, room;
    struct arena arena; /* texts that are put together */
    enum sks_status status;
};

/** Appends a case; two, if its number is open. A failure is in cases->status. */
void cases_add(struct cases *cases, const struct conform_case *item);

/** As cases_add(), of a whole table. */
void cases_add_all(struct cases *cases, const struct conform_case *table, size_t count);

/** As cases_add(), of a must-case that is not destructive, member by member. */
void cases_add_row(struct cases *cases, const char *id, const char *title, const char *section,
                   uint64_t needs,
                   enum sks_status (*run)(struct check *check, void *end, const void *row),
                   const void *row);

/** A text in the arena of the cases; "" without memory. */
const char *cases_text(struct cases *cases, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** SKS_ERROR_INTERNAL if an id is malformed or there twice; puts destructive cases last. */
CHECKED enum sks_status cases_finish(struct cases *cases, struct sks_error *err);

/**
 * True if a pattern calls for a case: it is its id, the beginning of it up to a '.', or matches it
 * with * and ?.
 */
bool case_matches(const struct conform_case *item, const char *pattern);

void cases_free(struct cases *cases);

#endif
