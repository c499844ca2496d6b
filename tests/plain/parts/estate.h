/* The keys of one issuer, which makes, replaces, moves and deletes them session by session. */
#ifndef TESTS_PLAIN_PARTS_ESTATE_H
#define TESTS_PLAIN_PARTS_ESTATE_H

#include "keygen2/base/arena.h"
#include "tests/plain/parts/ledger.h"

#include <openssl/evp.h>
#include <stdatomic.h>

enum { ESTATE_KEYS_MAX = 200 };

#define ESTATE_BAG "https://example.com/bag" /* the extension that every key has */

enum import { NO_IMPORT, SYMMETRIC_IMPORT, PRIVATE_IMPORT };

struct key_sort {
    const char *name, *generated_by; /* URI */
    enum import import;
    enum method_id use;
    const char *used_with; /* URI */
    bool hashed;           /* it takes a SHA-256 hash of the data */
    unsigned weight;       /* how often there is one */
};

struct estate {
    pthread_mutex_t issuing; /* one session at a time, as far as the issuer knows its keys */
    EVP_PKEY *kmk;
    struct arena arena; /* of what the ledger points to; under `issuing` */
    struct key_book *key[ESTATE_KEYS_MAX];
    atomic_uint keys;
};

/** Draws a number below `below`. */
unsigned draw(unsigned *random, unsigned below);

/** What sessions can be lost by: how often the token was deactivated. */
extern atomic_uint estate_deactivations;

/** Makes what all estates share; estates_end() frees it. */
void estates_begin(void);
void estates_end(void);

/** An issuer without keys. */
void estate_init(struct estate *estate);
void estate_free(struct estate *estate);

/**
 * A provisioning session: makes keys, or does something to those that are there, and closes it or
 * aborts. An answer that is not right ends the program.
 *
 * @return false if another thread is at it
 */
bool estate_manage(struct estate *estate, struct token *token, unsigned *random);

/** A key that is or was there; NULL: none yet. */
struct key_book *estate_pick(struct estate *estate, unsigned *random);

#endif
