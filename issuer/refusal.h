/* Why requests are refused and sessions fail: a fixed number of names, for metrics and logs. */
#ifndef ISSUER_REFUSAL_H
#define ISSUER_REFUSAL_H

#include <stddef.h>

/** How many numbers there are: those that refusal_number() gives are below. */
size_t refusal_count(void);

/**
 * The number of a cause.
 *
 * @param cause   "NAME: DETAIL" of a session, or the text of an answer; NULL or unknown: the status
 *                decides
 * @param status  of HTTP; 0 if there is none
 */
size_t refusal_number(const char *cause, unsigned status);

/** The name of a number; NULL for one that is never given, as it is another name of one before. */
const char *refusal_name(size_t number);

#endif
