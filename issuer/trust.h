/* Which devices the issuer trusts: CA certificates, or single device certificates, from PEM. */
#ifndef ISSUER_TRUST_H
#define ISSUER_TRUST_H

#include "issuer/path_cache.h"
#include "keygen2/base/program.h"

#include <pthread.h>

enum { TRUST_PATHS_MAX = 4096 }; /* remembered, about 2 KiB each */

/* Many readers; a reload swaps the store under them. */
struct trust {
    const struct texts *sources; /* files and folders, kept for reloading */
    pthread_mutex_t lock;
    X509_STORE *store;
    uint64_t generation;      /* of the store: grows with each reload */
    struct path_cache *paths; /* that the store of now vouches for */
};

/** Reads all sources: PEM files, and folders of *.pem. @param sources kept, not copied */
CHECKED enum sks_status trust_open(struct trust *trust, const struct texts *sources,
                                   struct sks_error *err);

/** Reads the sources again; on failure what was there stays. @param count out: certificates */
CHECKED enum sks_status trust_reload(struct trust *trust, size_t *count, struct sks_error *err);

/** The store of now; free with X509_STORE_free(). */
X509_STORE *trust_store(struct trust *trust);

/** As verify_device_path(), by the store of now; remembers the paths that it found good. */
CHECKED enum sks_status trust_verify_device(struct trust *trust, const struct bytes_list *path,
                                            const struct device_trust *lax, int64_t now,
                                            struct verified_device *device, struct sks_error *err);

/** Number of trusted certificates. */
size_t trust_count(struct trust *trust);

void trust_close(struct trust *trust);

#endif
