/*
 * PIN and PUK tries that cannot be cheated. An attacker who kills the token, or cuts its power, at
 * a chosen moment gains no guess; crashes alone lock nobody out; a right PIN in steady state costs
 * no write.
 *
 * On disk each value has `charged` and perhaps a `candidate` (a MAC of the value being tried); in
 * memory M, the wrong tries that count, and `held`, which says that a charge of one lies on disk
 * ahead of need:
 *
 *   first use     a candidate that equals the true value takes its charge back; M = charged
 *   M >= limit    blocked, nothing is compared
 *   not held      write charged = M + 1 with the candidate, synced, before any comparison
 *   wrong         M = M + 1, not held: it is paid for on disk already
 *   right, held   M = 0
 *   right         write charged = 1 without candidate, M = 0, held (limit 1: never held)
 *   clean stop    what is held is written back as 0
 *
 * A few thousand counters stay in memory. One that makes room for another does what a clean stop
 * does.
 */
#ifndef TOKEN_AUTHORIZATION_H
#define TOKEN_AUTHORIZATION_H

#include "token/object.h"

struct authorization;

/**
 * Keeps the counters in memory.
 *
 * @param store, vault  must outlive it
 * @param max           how many to keep, but for those in use; 0: a few thousand
 * @return NULL without memory
 */
struct authorization *authorization_new(struct store *store, const struct vault *vault, size_t max);

/** Writes back what is held, and frees. NULL is allowed. */
void authorization_free(struct authorization *a);

/** Frees without writing anything, as a crash would leave it. For tests. NULL is allowed. */
void authorization_abandon(struct authorization *a);

/**
 * Tries a value against a PIN or PUK.
 *
 * @param kind    STORE_PIN or STORE_PUK
 * @param reference  which
 * @param limit   retryLimit, not 0
 * @param value   what the caller offers
 * @return SKS_OK if right; SKS_ERROR_AUTHORIZATION if wrong or blocked
 */
CHECKED enum sks_status authorization_try(struct authorization *a, enum store_kind kind,
                                          struct reference reference, uint16_t limit,
                                          struct bytes value, struct sks_error *err);

/**
 * Holds up all tries while the rows of PINs and PUKs are changed by somebody else. After the change
 * authorization_forget() each row that was written or deleted, then thaw.
 */
void authorization_freeze(struct authorization *a);
void authorization_forget(struct authorization *a, enum store_kind kind, uint32_t handle);
void authorization_thaw(struct authorization *a);

/**
 * Does to what was read from disk what a first use does: a candidate that equals the true value
 * takes its charge back. Then there is no candidate any more.
 */
CHECKED enum sks_status authorization_settle(const struct vault *vault, struct secret *secret);

/** Wrong tries that count now. */
CHECKED enum sks_status authorization_count(struct authorization *a, enum store_kind kind,
                                            struct reference reference, uint16_t *count,
                                            struct sks_error *err);

#endif
