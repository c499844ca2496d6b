/* KeyGen2 messages as text, whole or with one thing about them changed. */
#ifndef TESTVECTORS_GENERATE_MESSAGE_TEXT_H
#define TESTVECTORS_GENERATE_MESSAGE_TEXT_H

#include "testvectors/generate/scene.h"

/**
 * Expands a template: 'quotes' are double quotes; <16:label> is 16 drawn bytes in base64url;
 * <name> one of the values of message_text.c, such as <alice>, a certificate.
 *
 * @return a tree whose properties stand in the order of the template
 */
json_t *message_tree(struct suite *s, const char *template);

enum edit_kind {
    EDIT_NONE,
    EDIT_REMOVE,  /* the property at the pointer */
    EDIT_DOUBLE,  /* it stands there twice */
    EDIT_REPLACE, /* it has another value: `text`, which is JSON */
    EDIT_ADD,     /* the object at the pointer gets the members `text` behind its own */
};

struct edit {
    enum edit_kind kind;
    const char *pointer, *text;
};

/** The compact text of a tree, edited. The pointer must be there. */
struct bytes message_text(struct suite *s, const json_t *tree, const struct edit *edit);

/** JWK of a key. */
json_t *jwk(struct suite *s, const struct key *key);

/** Base64url. */
struct bytes base64url(struct suite *s, struct bytes data);

/** JSON string of it. */
json_t *base64url_json(struct suite *s, struct bytes data);

#endif
