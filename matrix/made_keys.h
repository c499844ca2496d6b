/*
 * RSA keys that are made once and dealt again and again: fresh ones mean nothing to a sweep, and
 * would take most of its time. Two that are dealt between two returns of a dealer differ.
 */
#ifndef MATRIX_MADE_KEYS_H
#define MATRIX_MADE_KEYS_H

#include "keygen2/crypto/private_key.h"

enum { MADE_KEYS_PILES = 8 }; /* sizes and exponents; keys of others are generated each time */

struct made_keys; /* for any number of threads */

CHECKED enum sks_status made_keys_new(struct made_keys **keys, struct sks_error *err);

/** NULL is allowed. */
void made_keys_free(struct made_keys *keys);

/* Deals them, always in the same order; made when one is missing. For one rig. */
struct key_dealer {
    struct key_maker maker; /* to be given to the ends */
    struct made_keys *keys;
    size_t dealt[MADE_KEYS_PILES], kept[MADE_KEYS_PILES];
};

/** @param keys NULL: each key is generated */
void key_dealer_begin(struct key_dealer *dealer, struct made_keys *keys);

/** Keeps the place that it is at as the one to go back to. */
void key_dealer_keep(struct key_dealer *dealer);

void key_dealer_restore(struct key_dealer *dealer);

#endif
