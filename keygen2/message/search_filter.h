/* The table of a lookup's conditions; apart from its message, for issuer profiles say them too. */
#ifndef KEYGEN2_MESSAGE_SEARCH_FILTER_H
#define KEYGEN2_MESSAGE_SEARCH_FILTER_H

#include "keygen2/message/keygen2.h"

extern const struct json_type SEARCH_FILTER; /* struct search_filter */

#endif
