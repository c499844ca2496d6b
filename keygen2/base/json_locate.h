/* Where in a JSON text a value stands, for errors that people read. */
#ifndef KEYGEN2_BASE_JSON_LOCATE_H
#define KEYGEN2_BASE_JSON_LOCATE_H

#include "keygen2/base/bytes.h"

/**
 * Finds the line of what a JSON pointer (RFC 6901) names, or of the nearest thing around it that
 * is there: a property that is missing is looked for in its object.
 *
 * @param text  JSON that json_parse() took
 * @return counted from 1; that of the property's name where it has one; 0 if the text is no JSON
 */
size_t json_locate(struct bytes text, struct bytes pointer);

#endif
