/* Runs the cases of a suite against a live end. */
#ifndef CONFORM_RUNNER_H
#define CONFORM_RUNNER_H

#include "conform/suite.h"
#include "keygen2/base/option_check.h"

/* Exit codes of sks-conform besides those of program.h: what is called refused there is here that
 * a must-case failed, or that the run was interrupted. */
enum { EXIT_ALL_SKIPPED = 77 };

#define CONFORM_OPTION(name, letter, value, help, kind, member)                                    \
    {                                                                                              \
        name, letter, value, help, kind, .offset = offsetof(struct conform_options, member)        \
    }

/** The options that every suite has; the row that ends the table stands behind them. */
#define CONFORM_OPTIONS                                                                            \
    CONFORM_OPTION(                                                                                \
        "only", 0, "CASE",                                                                         \
        "only these: an id, its beginning up to a '.', or with * and ?; again for more",           \
        OPTION_TEXTS, only),                                                                       \
        CONFORM_OPTION("skip", 0, "CASE", "not these", OPTION_TEXTS, skip),                        \
        CONFORM_OPTION("level", 0, "LEVEL", "must, should (with must) or may (all; the default)",  \
                       OPTION_TEXT, level),                                                        \
        CONFORM_OPTION("list", 'l', NULL, "list the cases and end", OPTION_FLAG, list),            \
        CONFORM_OPTION("allow-destructive", 0, NULL,                                               \
                       "run those that lock, wipe or switch off something, at last", OPTION_FLAG,  \
                       allow_destructive),                                                         \
        CONFORM_OPTION("slow", 0, NULL, "run those that take seconds", OPTION_FLAG, slow),         \
        { "expect",                                                                                \
          0,                                                                                       \
          "FILE",                                                                                  \
          "failures that are known of this end, with their reasons: they count apart",             \
          OPTION_TEXT,                                                                             \
          .offset = offsetof(struct conform_options, expect),                                      \
          .check = check_file },                                                                   \
        CONFORM_OPTION("seed", 0, "N", "of what the cases draw (default 1)", OPTION_NUMBER, seed), \
        CONFORM_OPTION("show", 0, NULL, "print every case, not only those that fail", OPTION_FLAG, \
                       show),                                                                      \
        CONFORM_OPTION("json", 0, NULL, "print a JSON object", OPTION_FLAG, json),                 \
        CONFORM_OPTION("junit", 0, "FILE", "write JUnit XML there", OPTION_TEXT, junit),           \
        CONFORM_OPTION("html", 0, "FILE", "write a page there", OPTION_TEXT, html)

/** Defaults of the options; for struct command_row. */
void conform_defaults(void *options);

/**
 * The whole command: lists, or runs and reports.
 *
 * @param url  NULL if it was not given, which only --list allows
 * @return EXIT_DONE if no must-case failed; EXIT_REFUSED if one did, or some were skipped by fault
 *         of the end, or the run was interrupted; EXIT_USAGE; EXIT_IO without contact;
 *         EXIT_ALL_SKIPPED, also if only those are left that need nothing of somebody
 */
enum exit_code conform_run(const struct suite *suite, const struct conform_options *options,
                           const char *url);

#endif
