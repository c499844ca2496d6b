/* What of a certificate is the same in every session. */
#ifndef MATRIX_VIEW_H
#define MATRIX_VIEW_H

#include "keygen2/base/json.h"

/**
 * Puts in the place of each certificate of the keys its subject, and whether its signature is by
 * the CA.
 *
 * @param view  of token_end_view()
 * @param ca    DER
 */
void view_certificates(json_t *view, struct bytes ca);

#endif
