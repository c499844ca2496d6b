/* A right message made wrong in one place, by rows of a table. */
#ifndef CONFORM_ISSUER_CHANGE_H
#define CONFORM_ISSUER_CHANGE_H

#include "conform/issuer/visit.h"

enum change_op {
    CHANGE_NOTHING,
    CHANGE_REMOVE,
    CHANGE_SET,      /* text: any JSON value; the property may be a new one */
    CHANGE_DOUBLE,   /* the property stands there twice */
    CHANGE_FLIP,     /* one bit of what is in base64url, drawn */
    CHANGE_CUT,      /* its last octet */
    CHANGE_LENGTHEN, /* by an octet */
    CHANGE_PAD,      /* "=" behind the text */
    CHANGE_REVERSE,  /* the elements of an array */
    CHANGE_COPY,     /* the first element of an array once more */
    CHANGE_DROP,     /* the last element of an array */
};

struct change {
    enum change_op op;
    const char *pointer; /* RFC 6901, without escapes */
    const char *text;
};

/**
 * Makes a message wrong.
 *
 * @param changed  out: in the case's arena
 * @return what ends the case if the message has no such place
 */
CHECKED enum sks_status change_message(struct check *check, struct bytes message,
                                       const struct change *change, struct bytes *changed);

/**
 * The right message of a phase, changed, must be refused.
 *
 * @param at  where that message is ready to be sent
 */
CHECKED enum sks_status change_refused(struct check *check, void *end, enum visit_at at,
                                       const struct change *change);

/** A JSON string of a text of an id, in the case's arena. */
const char *change_quote(struct check *check, struct bytes text);

#endif
