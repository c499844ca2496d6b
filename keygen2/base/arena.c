#include "keygen2/base/arena.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_BLOCK = 1024, BLOCK_SIZE = 4096 }; /* most arenas never need a second block */

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    _Alignas(max_align_t) uint8_t data[];
};

/* Puts a new block where allocations come from, or behind the one they come from if it serves only
 * one: what is left there is not lost. */
static struct arena_block *add_block(struct arena *a, size_t total)
{
    size_t cap = a->blocks == NULL ? FIRST_BLOCK : BLOCK_SIZE;
    bool own = total > cap;
    struct arena_block **at = own && a->blocks != NULL ? &a->blocks->next : &a->blocks;
    struct arena_block *block = OPENSSL_malloc(sizeof *block + (own ? total : cap));

    if (block == NULL)
        return NULL;
    block->used = 0;
    block->cap = own ? total : cap;
    block->next = *at;
    *at = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *block = a->blocks;
    size_t total;

    if (__builtin_mul_overflow(count, size, &total) || total > SIZE_MAX / 2)
        return NULL;
    total = (total + align - 1) / align * align;
    if (block == NULL || block->cap - block->used < total)
        block = add_block(a, total);
    if (block == NULL)
        return NULL;
    block->used += total;
    return memset(block->data + block->used - total, 0, total);
}

struct bytes arena_copy(struct arena *a, struct bytes from)
{
    uint8_t *copy = arena_alloc(a, from.len + 1, 1);

    if (copy == NULL)
        return (struct bytes){ 0 };
    if (from.len > 0)
        memcpy(copy, from.ptr, from.len);
    return (struct bytes){ copy, from.len };
}

char *arena_text(struct arena *a, struct bytes from)
{
    char *copy = arena_alloc(a, from.len + 1, 1);

    if (copy != NULL && from.len > 0)
        memcpy(copy, from.ptr, from.len);
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    char usual[256], *text;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1, 1);
    if (text != NULL && (size_t)len < sizeof usual)
        memcpy(text, usual, (size_t)len);
    OPENSSL_cleanse(usual, sizeof usual);
    if (text == NULL || (size_t)len < sizeof usual)
        return text;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

enum sks_status get_list(struct bytes *in, struct arena *a, struct bytes_list *list)
{
    uint8_t count;
    enum sks_status rc;

    *list = (struct bytes_list){ 0 };
    TRY(get_byte(in, &count));
    if (count > 0 && (list->item = arena_alloc(a, count, sizeof *list->item)) == NULL)
        return SKS_ERROR_STORAGE;
    list->count = count;
    for (size_t i = 0; i < count; i++)
        TRY(get_array(in, &list->item[i]));
out:
    return rc;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *block = a->blocks, *next; block != NULL; block = next) {
        next = block->next;
        OPENSSL_cleanse(block->data, block->used); /* nothing was ever in the rest */
        OPENSSL_free(block);
    }
    a->blocks = NULL;
}
