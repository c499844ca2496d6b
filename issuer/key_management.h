/*
 * The issuer's key management keys, in generations: files kmk-1.key, kmk-2.key … of the data
 * folder. The newest owns what is provisioned; older ones go on signing for keys that they own.
 */
#ifndef ISSUER_KEY_MANAGEMENT_H
#define ISSUER_KEY_MANAGEMENT_H

#include "keygen2/base/arena.h"
#include "keygen2/message/keygen2.h"

#include <openssl/evp.h>
#include <stdatomic.h>

enum { GENERATIONS_MAX = 64 };

struct key_management_key {
    EVP_PKEY *key;
    struct buf spki;
    struct buf authorization; /* by this key, of the next generation's; empty: there is none */
};

/* Grows at its end only, so that readers need no lock. */
struct key_management {
    struct key_management_key item[GENERATIONS_MAX];
    atomic_uint count;
};

/** How many generations the folder has; SKS_ERROR_EXTERNAL if there is a hole in them. */
CHECKED enum sks_status key_management_count(const char *folder, unsigned *count,
                                             struct sks_error *err);

/** Makes the first generation if there is none. */
CHECKED enum sks_status key_management_make(const char *folder, struct sks_error *err);

/** Makes the next generation, durably. @param generation out: its number */
CHECKED enum sks_status key_management_roll_over(const char *folder, unsigned *generation,
                                                 struct sks_error *err);

/** Reads all generations, or those that are new; one thread at a time. */
CHECKED enum sks_status key_management_load(struct key_management *keys, const char *folder,
                                            struct sks_error *err);

/** Looks whether the files of all generations that are loaded are still there. */
CHECKED enum sks_status key_management_look(const struct key_management *keys, const char *folder,
                                            struct sks_error *err);

void key_management_free(struct key_management *keys);

/** The newest generation, counted from 1. */
unsigned key_management_newest(const struct key_management *keys);

/** The public key of a generation. */
struct bytes key_management_public(const struct key_management *keys, unsigned generation);

/** The private key of a generation; NULL if there is none. */
EVP_PKEY *key_management_private(const struct key_management *keys, unsigned generation);

/**
 * The generations before one, each in the one that replaces it, at most KEYGEN2_GENERATIONS_MAX.
 *
 * @param chain  out: struct updatable_key_management_key, in the arena
 */
CHECKED enum sks_status key_management_chain(const struct key_management *keys, unsigned generation,
                                             struct arena *arena, struct json_array *chain);

#endif
