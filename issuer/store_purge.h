/*
 * What is old goes. Of a session that has succeeded or failed so long ago the messages and checks
 * go at once. The rest of it (its row, its certificates, their revocations, its post operations,
 * what is known of who enrolled) goes when nothing needs it any more: none of its certificates is
 * live or in doubt, all have been expired for the longest life of a CRL, no other session has one
 * as its target, and it owns no live key of another. Sessions that are open or in doubt stay whole.
 * Invitations go that long after they were used up or withdrawn, or had expired.
 *
 * Each look-up is by an index of what is left to do: sessions that stay cost nothing.
 */
#ifndef ISSUER_STORE_PURGE_H
#define ISSUER_STORE_PURGE_H

#include "issuer/session_store.h"

struct purged {
    uint64_t evidence; /* sessions whose messages and checks went */
    uint64_t sessions; /* sessions of which nothing is left */
    uint64_t invitations;
};

/**
 * Purges in small transactions, between which others have the database.
 *
 * @param before  what ended before that time, in seconds since 1970
 * @param stop    NULL, or ends it between two of them
 * @param purged  out: what was done, on failure too
 */
CHECKED enum sks_status store_purge(struct session_store *store, int64_t before, int64_t now,
                                    const atomic_bool *stop, struct purged *purged,
                                    struct sks_error *err);

#endif
