/* Base64url as KeyGen2 writes it: no padding, no line breaks (RFC 4648, 5). */
#ifndef KEYGEN2_BASE_BASE64_H
#define KEYGEN2_BASE_BASE64_H

#include "keygen2/base/bytes.h"

/** Appends the encoding of `in`. */
void base64url_encode(struct buf *out, struct bytes in);

/**
 * Appends the decoded bytes.
 *
 * @param text  only A-Z a-z 0-9 - _; unused bits of the last character must be zero
 * @return SKS_ERROR_OPTION for anything else; SKS_ERROR_STORAGE without memory
 */
CHECKED enum sks_status base64url_decode(struct bytes text, struct buf *out);

/** Appends lower-case hexadecimal digits. */
void hex_encode(struct buf *out, struct bytes in);

/** Appends the bytes of an even number of hexadecimal digits; SKS_ERROR_OPTION for others. */
CHECKED enum sks_status hex_decode(struct bytes text, struct buf *out);

#endif
