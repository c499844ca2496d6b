/*
 * Slices, growing buffers, and the SKS data types on them (SKS V1.07, 7.1 "Data Types").
 *
 * Writers do nothing once the buffer has failed, so that a message is written without checks and
 * asked once, at its end. Readers move the slice they read from and fail with SKS_ERROR_OPTION.
 */
#ifndef KEYGEN2_BASE_BYTES_H
#define KEYGEN2_BASE_BYTES_H

#include "keygen2/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: never freed through this. */
struct bytes {
    const uint8_t *ptr;
    size_t len;
};

/* Owned: buf_free() wipes it. Start with {0}. */
struct buf {
    uint8_t *ptr;
    size_t len, cap;
    enum sks_status status; /* first failure */
};

/* A list of slices; on the SKS wire it has one count byte, hence at most 255 elements. */
struct bytes_list {
    struct bytes *item;
    size_t count;
};

/** The text as a slice, without its NUL. NULL gives an empty slice. */
struct bytes bytes_of(const char *text);

/** A slice over memory. */
static inline struct bytes bytes_at(const void *ptr, size_t len)
{
    return (struct bytes){ (const uint8_t *)ptr, len };
}

/** The contents of a buffer as a slice; valid until the buffer changes. */
static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){ b->ptr, b->len };
}

/** True if both hold the same bytes. Not for secrets. */
bool bytes_equal(struct bytes a, struct bytes b);

/** Order as memcmp() has it, a shorter prefix first: below, equal to or above 0. */
int bytes_compare(struct bytes a, struct bytes b);

/** As bytes_equal(), in a time that depends on the lengths only. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

/** True if the slice is well-formed UTF-8 (RFC 3629; no surrogates, no overlong forms). */
bool bytes_is_utf8(struct bytes a);

/** Number of code points of well-formed UTF-8. */
size_t bytes_code_points(struct bytes a);

/** Copies into a fixed array with a NUL behind; SKS_ERROR_OPTION if it does not fit. */
CHECKED enum sks_status bytes_to_text(struct bytes a, char *text, size_t size);

/** Makes room for `more` bytes; false (and status set) without memory. */
bool buf_reserve(struct buf *b, size_t more);

/** Empties the buffer but keeps its memory; the old contents are wiped. */
void buf_reset(struct buf *b);

/** Wipes and frees. NULL is allowed. */
void buf_free(struct buf *b);

void put_raw(struct buf *b, struct bytes a);
void put_text(struct buf *b, const char *text); /* the characters, no length, no NUL */
void put_byte(struct buf *b, uint8_t v);
void put_bool(struct buf *b, bool v);
void put_ushort(struct buf *b, uint16_t v);
void put_uint(struct buf *b, uint32_t v);
void put_ulong(struct buf *b, uint64_t v);
void put_array(struct buf *b, struct bytes a); /* byte[], id, uri, string: ushort length + data */
void put_string(struct buf *b, const char *text);
void put_blob(struct buf *b, struct bytes a);                /* uint length + data */
void put_list(struct buf *b, const struct bytes_list *list); /* count byte + arrays */

CHECKED enum sks_status get_raw(struct bytes *in, size_t len, struct bytes *v);
CHECKED enum sks_status get_byte(struct bytes *in, uint8_t *v);
CHECKED enum sks_status get_bool(struct bytes *in, bool *v); /* 0 or 1, nothing else */
CHECKED enum sks_status get_ushort(struct bytes *in, uint16_t *v);
CHECKED enum sks_status get_uint(struct bytes *in, uint32_t *v);
CHECKED enum sks_status get_ulong(struct bytes *in, uint64_t *v);
CHECKED enum sks_status get_array(struct bytes *in, struct bytes *v);
CHECKED enum sks_status get_string(struct bytes *in, struct bytes *v); /* array that is UTF-8 */
CHECKED enum sks_status get_blob(struct bytes *in, struct bytes *v);
CHECKED enum sks_status get_end(const struct bytes *in); /* bytes left over are an error */

#endif
