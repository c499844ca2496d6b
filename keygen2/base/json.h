/*
 * JSON read strictly and mapped to structs by tables, in both directions.
 *
 * A message type is a const table of its properties, in the order of its table in the text. The
 * same table decodes (unknown property, wrong type, out of range: an error with the JSON pointer)
 * and encodes, so the two cannot part. Decoded text and bytes live in the caller's arena.
 */
#ifndef KEYGEN2_BASE_JSON_H
#define KEYGEN2_BASE_JSON_H

#include "keygen2/base/arena.h"
#include "keygen2/base/names.h"

#include <jansson.h>

enum json_kind {
    JSON_CONST,    /* a fixed text: `with` is it, nothing is stored */
    JSON_FLAG,     /* bool */
    JSON_USHORT,   /* uint16_t, min..max */
    JSON_LONG,     /* uint32_t, min..max */
    JSON_TEXT,     /* struct bytes of UTF-8, min..max code points */
    JSON_ID,       /* struct bytes: 1-32 characters 0x21-0x7E */
    JSON_URI,      /* struct bytes: an absolute URI of 1-1000 bytes */
    JSON_BINARY,   /* struct bytes from base64url, min..max bytes */
    JSON_NAME,     /* uint8_t by a table of names: `with` */
    JSON_NAMES,    /* uint8_t, a set of bits, from an array of names: `with` */
    JSON_TEXTS,    /* struct bytes_list, min..max elements, none empty */
    JSON_URIS,     /* struct bytes_list of absolute URIs, min..max elements */
    JSON_BINARIES, /* struct bytes_list from base64url, min..max elements, none empty */
    JSON_RECORD,   /* pointer to a struct, NULL if absent: `with` is its struct json_type */
    JSON_RECORDS,  /* struct json_array, min..max elements: `with` is their struct json_type */
    JSON_CUSTOM,   /* anything else: `with` is a struct json_codec */
};

enum json_presence { JSON_MANDATORY, JSON_OPTIONAL };

struct json_array {
    void *item; /* the structs, one behind the other */
    size_t count;
};

struct json_field {
    const char *name;
    enum json_kind kind;
    enum json_presence presence;
    size_t offset;     /* of the member in the struct */
    uint32_t min, max; /* see the kinds; max 0 means no limit but the type's own */
    const void *with;
    uint32_t fallback; /* value of an absent flag, number or name; left out when encoding it */
};

/* A place in a document, for the JSON pointer of an error; NULL is the whole document. */
struct json_place {
    const struct json_place *parent;
    const char *name; /* of a property, NULL for an array element */
    size_t index;
};

struct json_reader {
    struct arena *arena;
    struct sks_error *err;
    /* Takes what breaks a rule (ranges, forms, unknown properties, checks of a type), and leaves
     * out what cannot be read: for who hides nothing from its receiver. */
    bool lenient;
};

struct json_type {
    const char *name; /* of a message: its "@qualifier" */
    size_t size;      /* sizeof the struct */
    const struct json_field *field;
    size_t count;
    /* What goes beyond one property; runs when all of them are decoded. May be NULL. */
    enum sks_status (*check)(struct json_reader *r, const struct json_place *at, void *out);
    /* Sets what follows from the properties and stands in none; runs before it. May be NULL. */
    void (*complete)(void *out);
};

/* The struct json_type of a struct and an array of fields. */
#define JSON_TYPE(name, structure, fields, check)                                                  \
    JSON_TYPE_COMPLETED(name, structure, fields, check, NULL)
#define JSON_TYPE_COMPLETED(name, structure, fields, check, complete)                              \
    {                                                                                              \
        name, sizeof(structure), fields, NITEMS(fields), check, complete                           \
    }

/* A kind of its own: member is where the value lies in the struct. An absent value is a zeroed
 * member when decoding; encode() appends the text of the value, and nothing for one that is absent.
 */
struct json_codec {
    enum sks_status (*decode)(struct json_reader *r, const struct json_place *at,
                              const json_t *value, void *member);
    void (*encode)(struct buf *out, const void *member);
};

/**
 * Parses a whole document.
 *
 * @param text  UTF-8; a BOM, trailing text, duplicate keys, raw control characters, NUL: refused
 * @param root  out: a new reference, an object
 * @param err   says line, column and, for a duplicate, the key
 * @return SKS_ERROR_OPTION if refused
 */
CHECKED enum sks_status json_parse(struct bytes text, json_t **root, struct sks_error *err);

/** Fills *out (of type->size bytes) from an object; it points into the arena, never into value. */
CHECKED enum sks_status json_decode(const struct json_type *type, const json_t *value, void *out,
                                    struct arena *arena, struct sks_error *err);

/** As json_decode(), by a lenient reader: fails for want of memory only. */
CHECKED enum sks_status json_decode_leniently(const struct json_type *type, const json_t *value,
                                              void *out, struct arena *arena);

/** Decodes an object that is part of another, `at` is its place; for codecs. */
CHECKED enum sks_status json_decode_part(struct json_reader *r, const struct json_place *at,
                                         const struct json_type *type, const json_t *value,
                                         void *out);

/* A codec for any value: the member is a struct bytes, its compact text. */
extern const struct json_codec JSON_ANY_VALUE;

/** Decodes base64url of min..max bytes into the arena; for codecs. max 0 means no limit. */
CHECKED enum sks_status json_decode_binary(struct json_reader *r, const struct json_place *at,
                                           const json_t *value, uint32_t min, uint32_t max,
                                           struct bytes *out);

/** Copies a JSON string into the arena; for codecs. */
CHECKED enum sks_status json_decode_text(struct json_reader *r, const struct json_place *at,
                                         const json_t *value, struct bytes *out);

/** Decodes a name of a table to its number; for codecs. */
CHECKED enum sks_status json_decode_name(struct json_reader *r, const struct json_place *at,
                                         const struct name *table, const json_t *value,
                                         uint8_t *number);

/**
 * Refuses a text that was seen before; for checks.
 *
 * @param seen  a JSON object of the caller's, which remembers the texts
 */
CHECKED enum sks_status json_unique(struct json_reader *r, const struct json_place *at,
                                    json_t *seen, struct bytes text);

/**
 * Appends the compact text of a struct, properties in the order of the table. The buffer fails with
 * SKS_ERROR_OPTION if a value has no JSON form: text that is not UTF-8, a number without a name, a
 * record missing.
 */
void json_put(struct buf *out, const struct json_type *type, const void *in);

/* A JSON string of a slice of UTF-8, of the base64url form of a slice, of a name by its number in a
 * table; for codecs. */
void json_put_text(struct buf *out, struct bytes text);
void json_put_binary(struct buf *out, struct bytes data);
void json_put_name(struct buf *out, const struct name *table, uint8_t number);

/** What json_put() makes as a tree, for what is signed. NULL where that fails. */
json_t *json_encode(const struct json_type *type, const void *in);

/** Appends the compact text of a document. */
CHECKED enum sks_status json_write(const json_t *value, struct buf *out);

/** Fails with "<JSON pointer>: <text>"; for codecs. Returns SKS_ERROR_OPTION. */
enum sks_status json_refuse(struct json_reader *r, const struct json_place *at, const char *format,
                            ...) __attribute__((format(printf, 3, 4)));

/** A JSON string of a slice of UTF-8. */
json_t *json_text(struct bytes text);

/** A JSON string of a text from outside, cleaned as log_clean() does: JSON has to be UTF-8. */
json_t *json_shown(const char *text);

/** A JSON string of the base64url form of a slice. */
json_t *json_binary(struct bytes data);

/** A JSON string of the hexadecimal form of a slice; JSON null for an empty one. */
json_t *json_hex(struct bytes data);

/** An array of what make() gives for each slice; NULL without memory. */
json_t *json_list(const struct bytes_list *list, json_t *(*make)(struct bytes item));

#endif
