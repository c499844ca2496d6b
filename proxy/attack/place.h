/* A value in a JSON document by its pointer (RFC 6901), and where it hangs. */
#ifndef PROXY_ATTACK_PLACE_H
#define PROXY_ATTACK_PLACE_H

#include "keygen2/base/json.h"

struct place {
    json_t *parent, *value; /* parent: NULL for the whole document */
    char name[300];         /* of a property */
    size_t index;           /* of an element */
};

/** False if the document has no such place. @param path "" is the whole document */
bool place_find(json_t *root, struct bytes path, struct place *place);

/** Puts a value there; takes the reference. False for NULL, and for the whole document. */
bool place_set(const struct place *place, json_t *value);

bool place_remove(const struct place *place);

/** The sibling behind it; false if it is the last one. */
bool place_next(const struct place *place, struct place *next);

#endif
