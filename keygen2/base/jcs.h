/* The canonical form of JSON, RFC 8785 (JCS), which signatures are made over. */
#ifndef KEYGEN2_BASE_JCS_H
#define KEYGEN2_BASE_JCS_H

#include "keygen2/base/bytes.h"

#include <jansson.h>

/**
 * Appends the canonical text of a value.
 *
 * @return SKS_ERROR_OPTION for a number that is no integer of at most 53 bits: nothing here writes
 *         one; SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status jcs_write(const json_t *value, struct buf *out);

#endif
