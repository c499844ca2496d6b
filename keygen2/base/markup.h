/* Text in pages and in XML. */
#ifndef KEYGEN2_BASE_MARKUP_H
#define KEYGEN2_BASE_MARKUP_H

#include "keygen2/base/bytes.h"

/** Appends text from anywhere, for elements and for attributes in double quotes. */
void put_escaped(struct buf *out, struct bytes text);

#endif
