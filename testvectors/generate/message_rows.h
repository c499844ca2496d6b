/* The messages of KeyGen2 that are changed, and what their properties are. */
#ifndef TESTVECTORS_GENERATE_MESSAGE_ROWS_H
#define TESTVECTORS_GENERATE_MESSAGE_ROWS_H

#include "testvectors/generate/suite.h"

enum property_kind {
    PROPERTY_CONST,
    PROPERTY_ID,
    PROPERTY_TEXT,
    PROPERTY_URI,
    PROPERTY_FLAG,
    PROPERTY_NUMBER, /* min..max */
    PROPERTY_BINARY, /* min..max bytes */
    PROPERTY_NAME,   /* of an enumeration */
    PROPERTY_SERVER_TIME,
    PROPERTY_CLIENT_TIME,
    PROPERTY_KEY, /* JWK */
    PROPERTY_OBJECT,
    PROPERTY_LIST, /* of objects */
    PROPERTY_TEXTS,
    PROPERTY_PATH, /* of certificates */
    PROPERTY_KINDS
};

/* What it is to leave a property out. */
enum presence {
    MUST,    /* invalid */
    MAY,     /* valid */
    DEPENDS, /* on other properties: not tried */
};

struct property_row {
    const char *pointer;
    enum presence presence;
    enum property_kind kind;
    unsigned min, max;
};

struct message_base {
    const char *type;     /* "@qualifier" */
    const char *template; /* of message_tree(), without "@context" and "@qualifier" */
    const struct property_row *row;
    size_t rows;
    const char *objects[8]; /* pointers of objects that get an unknown property */
};

extern const struct message_base MESSAGE_BASES[];
extern const size_t MESSAGE_BASES_COUNT;

/** The whole message, as message_tree() gives it. */
json_t *message_base_tree(struct suite *s, const struct message_base *m);

#endif
