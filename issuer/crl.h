/* The CRL of the issuer's own CA: made when its entries change or it grows old, else cached. */
#ifndef ISSUER_CRL_H
#define ISSUER_CRL_H

#include "issuer/ca.h"
#include "issuer/revocation.h"

#include <pthread.h>

enum {
    CRL_LIFE_DEFAULT = 24 * 60 * 60, /* seconds to nextUpdate; a new one is made after half */
    CRL_LIFE_MIN = 2,
    CRL_LIFE_MAX = 30 * 24 * 60 * 60,
};

/* The one of now. Zeroed but for the life: none yet. */
struct crl_cache {
    pthread_mutex_t lock; /* held while a new one is made, so that only one is */
    struct buf der;
    int64_t revision, made;
    uint32_t life; /* seconds */
};

/** Appends an entry to those of a CRL, DER. */
void put_crl_entry(struct buf *out, const struct crl_entry *entry);

/**
 * Encodes and signs a CRL: RFC 5280, version 2, with CRL number and authority key identifier.
 *
 * @param entries  of put_crl_entry(), maybe none
 * @param now      seconds since 1970; thisUpdate lies a little before, as notBefore does
 * @param life     nextUpdate is that many seconds later
 * @param der      appended
 */
CHECKED enum sks_status crl_make(const struct ca *ca, struct bytes entries, int64_t number,
                                 int64_t now, uint32_t life, struct buf *der);

/**
 * The CRL of now. Sessions whose life time is over are ended first.
 *
 * @param der  out: appended
 */
CHECKED enum sks_status crl_current(struct crl_cache *cache, const struct ca *ca,
                                    struct session_store *store, struct buf *der,
                                    struct sks_error *err);

/** True if crl_current() would have to make a new one, which may take a while. */
bool crl_is_stale(struct crl_cache *cache, struct session_store *store);

void crl_free(struct crl_cache *cache);

/** Appends the extension by which a certificate names where its CRL is. @param url absolute */
void put_crl_distribution_point(struct buf *out, const char *url);

#endif
