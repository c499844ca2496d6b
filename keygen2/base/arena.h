/* Memory that lives and dies together: all that one decoded message or one request points to. */
#ifndef KEYGEN2_BASE_ARENA_H
#define KEYGEN2_BASE_ARENA_H

#include "keygen2/base/bytes.h"

struct arena_block;

/* Start with {0}; arena_free() wipes all it gave out. */
struct arena {
    struct arena_block *blocks;
};

/** Zeroed memory, aligned for any type; NULL without memory or if count * size overflows. */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/** A copy with a NUL behind it that does not count; ptr is NULL without memory. */
struct bytes arena_copy(struct arena *a, struct bytes from);

/** As arena_copy(), as a C string. */
char *arena_text(struct arena *a, struct bytes from);

/** printf into the arena; NULL without memory. */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Reads a list of the SKS wire: count byte, then arrays, which stay borrowed from the input. */
CHECKED enum sks_status get_list(struct bytes *in, struct arena *a, struct bytes_list *list);

/** Wipes and frees everything. */
void arena_free(struct arena *a);

#endif
