/*
 * Regular expressions in the syntax of java.util.regex, as the filters of a
 * CredentialDiscoveryRequest carry them, run by PCRE2. What both languages read alike goes through;
 * what Java alone knows is rewritten where that is easy; all else is refused, so that no
 * expression means one thing here and another thing there. docs/http.md lists it.
 *
 * The expressions come from the network. Their length, the work of one match and the time of all
 * matches of a budget are bounded: none can hold the program up.
 */
#ifndef PROXY_JAVA_REGEX_H
#define PROXY_JAVA_REGEX_H

#include "keygen2/base/bytes.h"

enum {
    JAVA_REGEX_MAX = 1000,     /* bytes of an expression */
    JAVA_REGEX_STEPS = 200000, /* of one match; PCRE2's match limit */
    JAVA_REGEX_DEPTH = 10000,  /* nested backtracking points of one match */
    JAVA_REGEX_HEAP = 4096,    /* KiB of one match */
    JAVA_REGEX_SECONDS = 5     /* of the processor's time, for all matches of one budget */
};

struct java_regex;

/* What all matches of one message may cost together. */
struct java_regex_budget {
    int64_t left; /* nanoseconds of the processor's time */
};

/**
 * Appends the expression in PCRE2's syntax.
 *
 * @param text  UTF-8
 * @return SKS_ERROR_OPTION with what is not understood and where, in err
 */
CHECKED enum sks_status java_regex_translate(struct bytes text, struct buf *out,
                                             struct sks_error *err);

/**
 * Makes an expression ready to match.
 *
 * @param regex  out: free with java_regex_free()
 * @return as java_regex_translate()
 */
CHECKED enum sks_status java_regex_compile(struct bytes text, struct java_regex **regex,
                                           struct sks_error *err);

/** A fresh budget. */
struct java_regex_budget java_regex_begin(void);

/**
 * Whether the whole subject matches.
 *
 * @param subject  UTF-8
 * @param budget   in and out: less what the match took
 * @param matches  out
 * @return SKS_ERROR_OPTION if that would take too long or too much memory
 */
CHECKED enum sks_status java_regex_match(const struct java_regex *regex, struct bytes subject,
                                         struct java_regex_budget *budget, bool *matches,
                                         struct sks_error *err);

/** NULL is allowed. */
void java_regex_free(struct java_regex *regex);

#endif
