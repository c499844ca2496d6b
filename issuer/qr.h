/* QR codes, for pages and for terminals. */
#ifndef ISSUER_QR_H
#define ISSUER_QR_H

#include "keygen2/base/bytes.h"

/**
 * Appends an inline SVG of a text, black on white whatever the page's colours are.
 *
 * @param label  what a reader for the blind says; plain text, put in as it is
 * @return SKS_ERROR_OPTION if the text is too long for a QR code
 */
CHECKED enum sks_status put_qr_svg(struct buf *out, const char *text, const char *label);

/**
 * Appends lines of half blocks.
 *
 * @param colours  set them by escape sequences; else light stands where characters do, which is
 *                 right on a dark terminal, and readers take it on a light one too
 */
CHECKED enum sks_status put_qr_lines(struct buf *out, const char *text, bool colours);

#endif
