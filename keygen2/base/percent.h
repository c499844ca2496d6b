/* Percent-encoding, and the pairs "NAME=VALUE&NAME=VALUE" of queries and forms. */
#ifndef KEYGEN2_BASE_PERCENT_H
#define KEYGEN2_BASE_PERCENT_H

#include "keygen2/base/bytes.h"

/** Appends the text, all but the unreserved characters of RFC 3986 as "%XX". */
void percent_encode(struct buf *out, struct bytes text);

/**
 * Appends the value of the first pair of that name, decoded.
 *
 * @param pairs  as it was sent
 * @param form   '+' stands for a blank, as in forms
 * @param found  out: false if there is no such pair
 * @return SKS_ERROR_OPTION for a '%' without two digits, or a NUL
 */
CHECKED enum sks_status percent_find(struct bytes pairs, const char *name, bool form,
                                     struct buf *out, bool *found);

#endif
