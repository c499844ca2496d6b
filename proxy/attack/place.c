#include "proxy/attack/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6901, 3: "~1" is '/', "~0" is '~'. */
static bool next_token(struct bytes *path, char *token, size_t size)
{
    size_t used = 0;

    if (path->len == 0 || path->ptr[0] != '/')
        return false;
    path->ptr++, path->len--;
    while (path->len > 0 && path->ptr[0] != '/') {
        char c = (char)path->ptr[0];

        if (c == '~' && path->len > 1 && (path->ptr[1] == '0' || path->ptr[1] == '1')) {
            c = path->ptr[1] == '0' ? '~' : '/';
            path->ptr++, path->len--;
        }
        path->ptr++, path->len--;
        if (used + 1 >= size)
            return false;
        token[used++] = c;
    }
    token[used] = '\0';
    return true;
}

bool place_find(json_t *root, struct bytes path, struct place *place)
{
    *place = (struct place){ .value = root };
    while (path.len > 0) {
        char *end;

        place->parent = place->value;
        if (!next_token(&path, place->name, sizeof place->name))
            return false;
        place->index = (size_t)strtoul(place->name, &end, 10);
        if (json_is_object(place->parent))
            place->value = json_object_get(place->parent, place->name);
        else if (*end == '\0' && end != place->name)
            place->value = json_array_get(place->parent, place->index);
        else
            place->value = NULL;
        if (place->value == NULL)
            return false;
    }
    return true;
}

bool place_set(const struct place *place, json_t *value)
{
    if (value == NULL || place->parent == NULL) {
        json_decref(value);
        return false;
    }
    return json_is_object(place->parent)
               ? json_object_set_new(place->parent, place->name, value) == 0
               : json_array_set_new(place->parent, place->index, value) == 0;
}

bool place_remove(const struct place *place)
{
    if (place->parent == NULL)
        return false;
    return json_is_object(place->parent) ? json_object_del(place->parent, place->name) == 0
                                         : json_array_remove(place->parent, place->index) == 0;
}

bool place_next(const struct place *place, struct place *next)
{
    void *iterator;

    *next = (struct place){ .parent = place->parent, .index = place->index + 1 };
    if (json_is_array(place->parent)) {
        next->value = json_array_get(place->parent, next->index);
    } else if (json_is_object(place->parent)) {
        iterator = json_object_iter_at(place->parent, place->name);
        iterator = iterator == NULL ? NULL : json_object_iter_next(place->parent, iterator);
        next->value = iterator == NULL ? NULL : json_object_iter_value(iterator);
        if (iterator != NULL)
            (void)snprintf(next->name, sizeof next->name, "%s", json_object_iter_key(iterator));
    }
    return next->value != NULL;
}
