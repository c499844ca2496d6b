/* JSON Schema (draft 2020-12) of a table, so that it cannot say anything else than the decoder. */
#ifndef KEYGEN2_BASE_JSON_SCHEMA_H
#define KEYGEN2_BASE_JSON_SCHEMA_H

#include "keygen2/base/json.h"

/**
 * Makes the schema of a type; types within it go to "$defs" by their names.
 *
 * @param title  of the schema
 * @return NULL without memory
 */
json_t *json_schema(const struct json_type *type, const char *title);

#endif
