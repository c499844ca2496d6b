/* What a sweep found: lines as it goes, a summary, and a file of results. */
#ifndef MATRIX_REPORT_H
#define MATRIX_REPORT_H

#include "matrix/sweep.h"

struct report;

/**
 * Begins one.
 *
 * @param show      every case, not only those that fail
 * @param json      the summary is a JSON object: cases go to standard error
 * @param progress  how far it is, on standard error
 * @param results   file for all cases, as JSON; NULL: none
 * @param html      file for all cases, as a page; NULL: none
 */
CHECKED enum sks_status report_new(bool show, bool json, bool progress, const char *results,
                                   const char *html, struct report **report, struct sks_error *err);

/* `told` and `progress` of struct sweep_config. */
void report_case(void *report, const struct case_result *result);
void report_progress(void *report, const struct scenario *scenario, size_t done, size_t all);

/** A scenario is over. */
void report_scenario(struct report *report, const struct scenario *scenario,
                     const struct sweep_result *result);

/** A scenario that ends elsewhere cannot do. @param why  one line */
void report_skipped(struct report *report, const struct scenario *scenario, const char *why);

/** Says which rows of the unprotected no case fell under, on standard error. @return how many */
size_t report_unused_rows(const struct report *report);

/** Prints the summary and writes the results. */
CHECKED enum sks_status report_end(struct report *report, uint64_t seed, struct sks_error *err);

/** NULL is allowed. */
void report_free(struct report *report);

#endif
