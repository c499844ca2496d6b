/* Device certificate paths that were found good, so that a device that comes again costs a hash. */
#ifndef ISSUER_PATH_CACHE_H
#define ISSUER_PATH_CACHE_H

#include "issuer/verify.h"

enum { PATH_HASH_SIZE = 32 };

struct path_cache; /* for any number of threads */

/** @param max  paths to remember; the one used longest ago goes first; NULL without memory */
struct path_cache *path_cache_new(size_t max);

/** NULL is allowed. */
void path_cache_free(struct path_cache *cache);

/**
 * Hashes a path with all else that its verdict depends on but the time.
 *
 * @param trust       as of verify_device_path()
 * @param generation  of the trusted certificates
 */
CHECKED enum sks_status path_cache_hash(const struct bytes_list *path,
                                        const struct device_trust *trust, uint64_t generation,
                                        uint8_t hash[PATH_HASH_SIZE]);

/** Finds a path that is valid at `now`. @param device out: as of verify_device_path() */
bool path_cache_find(struct path_cache *cache, const uint8_t hash[PATH_HASH_SIZE], int64_t now,
                     struct verified_device *device);

/** Remembers a path; without memory it does not. @param device its key is shared, not taken */
void path_cache_keep(struct path_cache *cache, const uint8_t hash[PATH_HASH_SIZE],
                     const struct verified_device *device);

/** Forgets all. */
void path_cache_clear(struct path_cache *cache);

/** Paths remembered. */
size_t path_cache_count(struct path_cache *cache);

#endif
