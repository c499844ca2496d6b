/* The one form in which a vector file is written: README.md, "The form". */
#ifndef TESTVECTORS_LAYOUT_H
#define TESTVECTORS_LAYOUT_H

#include "keygen2/base/bytes.h"

#include <jansson.h>

/** Appends a file: properties in the order in which they were set, a test a line. Numbers are
 * integers. A failure is in out->status. */
void layout_write(const json_t *root, struct buf *out);

#endif
