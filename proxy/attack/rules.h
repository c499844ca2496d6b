/*
 * Attacks as data: a file of rules, each of which does one thing to one kind of message as it
 * crosses. docs/attacks.md has the operations.
 *
 * {"rules": [{"hop": "issuer", "message": "ProvisioningFinalizationRequest",
 *             "path": "/issuedCredentials/0/certificatePath/0", "operation": "flip", "bit": 4000}]}
 */
#ifndef PROXY_ATTACK_RULES_H
#define PROXY_ATTACK_RULES_H

#include "proxy/message.h"

/* Those up to OPERATION_RE_ENCRYPT alter the value at `path`; the others do something with the
 * whole message, and have no path. Some of the former have a meaning without a path, too: the body
 * as it is sent. */
enum rule_operation {
    OPERATION_FLIP,      /* `bit` of a string: of its bytes if it is base64url, else of its text */
    OPERATION_REPLACE,   /* by `value` */
    OPERATION_TRUNCATE,  /* a string by `bytes` at its end */
    OPERATION_EXTEND,    /* a string by `bytes` zeros, or blanks */
    OPERATION_EMPTY,     /* a string, an array or an object */
    OPERATION_DELETE,    /* the property or element */
    OPERATION_DUPLICATE, /* an element, behind itself */
    OPERATION_SWAP,      /* with the next property or element */
    OPERATION_SHIFT,     /* the last byte of a string becomes the first of the next one */
    OPERATION_INSERT, /* property `name` with `value` into an object, whether it is there or not */
    OPERATION_TYPE,   /* a value of another JSON type */
    OPERATION_ZERO,   /* a number */
    OPERATION_INCREMENT,  /* a number */
    OPERATION_DECREMENT,  /* a number */
    OPERATION_MAXIMUM,    /* a number, to the largest that the wire holds, or 2^32 - 1 */
    OPERATION_INVERT,     /* a boolean */
    OPERATION_SPLICE,     /* by what stands there in the message of another session */
    OPERATION_OWN_KEY,    /* a public key, by one of the attacker's of the same kind */
    OPERATION_RE_ENCRYPT, /* from the attacker's key to the one that own-key took out (RSA) */
    OPERATION_DROP,       /* nothing goes on; the connection closes */
    OPERATION_DELAY,      /* goes on after `seconds` */
    OPERATION_REPEAT,     /* a request goes on twice; the second answer counts */
    OPERATION_REFLECT,    /* a request is its own answer */
    OPERATION_REPLAY,     /* an earlier one takes its place: of the message `of` */
    OPERATION_CROSS,      /* it and that of another session under way take each other's place */
    OPERATION_REORDER,    /* a request is answered by `value`, and goes on behind the next one */
    OPERATION_FORGE, /* a request is answered, or an answer replaced, by `value` and `status` */
};

enum rule_direction { RULE_REQUEST, RULE_ANSWER, RULE_BOTH };
enum rule_source { RULE_ANY_SESSION, RULE_THIS_SESSION, RULE_ANOTHER_SESSION };

struct rule {
    uint8_t hop; /* enum hop */
    struct bytes message;
    uint8_t direction;       /* enum rule_direction; JSON messages have just one, by their name */
    uint32_t occurrence;     /* the first that it is for, counted from 1 */
    uint32_t times;          /* how many it is for; 0: all that come */
    struct bytes path;       /* JSON pointer, RFC 6901 */
    uint8_t operation;       /* enum rule_operation */
    struct bytes bit;        /* text of the number; empty if there is none */
    struct bytes value;      /* text of the JSON value; empty if there is none */
    struct bytes name;       /* of a property */
    uint32_t bytes;          /* 0: 1 */
    uint32_t seconds;        /* of a delay; how long to wait for another session, 0: 10 */
    struct bytes of;         /* name of a message; empty: the same */
    uint8_t from;            /* enum rule_source, of a replay */
    struct bytes transcript; /* file to take another session's from; empty: what crossed earlier */
    uint32_t status;         /* HTTP, of a forged answer; 0: 200 */
};

struct rule_file {
    struct bytes description;
    struct json_array rules; /* of struct rule */
};

extern const struct name OPERATION_NAMES[];

/** True if it alters the value at a path. */
bool operation_is_of_value(uint8_t operation);

/** True if without a path it alters the body as it is sent. */
bool operation_is_of_octets(uint8_t operation);

/**
 * Reads rules.
 *
 * @param text   of the file
 * @param rules  out: points into the arena
 * @return SKS_ERROR_OPTION with line and column, or a JSON pointer, in err
 */
CHECKED enum sks_status rules_read(struct bytes text, struct rule_file *rules, struct arena *arena,
                                   struct sks_error *err);

/** JSON Schema of a rule file; a new reference. */
json_t *rules_schema(void);

#endif
