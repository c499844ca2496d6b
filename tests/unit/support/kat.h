/* Known answers that were computed outside our own code: the files of tests/kat. */
#ifndef TESTS_UNIT_SUPPORT_KAT_H
#define TESTS_UNIT_SUPPORT_KAT_H

#include "keygen2/base/arena.h"

#include <jansson.h>

/* The entry that a test looks at; the arena holds what the getters give. */
struct kat {
    const json_t *entry;
    struct arena arena;
};

/** Runs check for each entry of a kind; fails the test if there are fewer than `least`. */
void kat_each_of(const char *file, const char *kind, size_t least, void (*check)(struct kat *kat));

/** As kat_each_of(), of tests/kat/constructs.json. */
void kat_each(const char *kind, size_t least, void (*check)(struct kat *kat));

struct bytes kat_hex(struct kat *kat, const json_t *object, const char *name);
struct bytes kat_text(struct kat *kat, const json_t *object, const char *name);
struct bytes_list kat_hex_list(struct kat *kat, const json_t *object, const char *name);
struct bytes_list kat_text_list(struct kat *kat, const json_t *object, const char *name);
uint32_t kat_number(const json_t *object, const char *name);
bool kat_flag(const json_t *object, const char *name);
const char *kat_comment(const struct kat *kat);

/** Fails the test, naming the entry, unless both are the same. */
void kat_same(const struct kat *kat, const char *what, struct bytes got, struct bytes expected);

#endif
