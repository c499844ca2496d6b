/* What of a certificate is the same in every session. */
#ifndef MATRIX_VIEW_H
#define MATRIX_VIEW_H

#include "matrix/issuer_end.h"

/**
 * Puts in the place of each certificate of the keys its subject, and whether the issuer issued it.
 *
 * @param view  of token_end_view()
 */
void view_certificates(json_t *view, const struct issuer_end *issuer);

#endif
