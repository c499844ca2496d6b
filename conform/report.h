/* What became of a run: for people, for programs, as JUnit XML and as a page. */
#ifndef CONFORM_REPORT_H
#define CONFORM_REPORT_H

#include "conform/expect.h"
#include "conform/suite.h"

struct case_result {
    const struct conform_case *item;
    enum case_verdict verdict;
    struct finding finding;
    int64_t us;                      /* it took */
    const struct expectation *known; /* NULL: it is not known to fail */
};

struct tally {
    size_t count[LEVELS][CASE_VERDICTS], all[CASE_VERDICTS];
};

struct report {
    const struct suite *suite;
    const struct conform_options *options;
    const char *url;
    json_t *about, *leftovers;
    struct case_result *result;
    size_t count;
    int64_t us; /* all took */
    bool interrupted;
};

/** The verdicts by level. */
struct tally report_tally(const struct report *report);

/** Length of the part of an id that groups cases: up to the first '.'. */
size_t report_group(const struct conform_case *item);

bool report_same_group(const struct case_result *a, const struct case_result *b);

/** True for the first case of a group; the others may stand apart. */
bool report_begins_group(const struct report *report, size_t at);

/** True if a case passed that is known to fail. */
bool report_is_better(const struct case_result *result);

/** Appends a word as a shell reads it again. */
void put_word(struct buf *out, const char *word);

/** Appends the command that repeats a case. */
void put_repetition(struct buf *out, const struct report *report, const struct conform_case *item);

/** Prints a case for people: a line, and what differs of one that failed. */
void report_print_case(const struct report *report, const struct case_result *result);

/** Prints the table of levels and verdicts, and what was left. */
void report_print(const struct report *report);

/** The whole as a JSON object; NULL without memory. */
json_t *report_json(const struct report *report);

/** Writes JUnit XML: a test suite a group of cases. */
CHECKED enum sks_status junit_write(const struct report *report, const char *file,
                                    struct sks_error *err);

/** Writes a page that needs nothing else. */
CHECKED enum sks_status page_write(const struct report *report, const char *file,
                                   struct sks_error *err);

#endif
