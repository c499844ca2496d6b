/* Certificates of devices and of their CAs, each by a name. */
#ifndef TESTVECTORS_GENERATE_CERTIFICATE_ROWS_H
#define TESTVECTORS_GENERATE_CERTIFICATE_ROWS_H

#include "testvectors/generate/scene.h"

struct certificate_row;

/** The certificate of a name, which there must be. */
const struct certificate_row *certificate_row(const char *name);

/** In DER. */
struct bytes certificate_of(struct suite *s, const struct certificate_row *row);

/** What it is made of. @param der  hexadecimal digits; borrowed */
json_t *certificate_json(const struct certificate_row *row, json_t *der);

/** Adds its own key and that of its issuer to an object, by their names. */
void certificate_keys_json(struct suite *s, const struct certificate_row *row, json_t *keys);

#endif
