#include "issuer/path_cache.h"
#include "issuer/profile.h"
#include "keygen2/crypto/fetched.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    uint8_t hash[PATH_HASH_SIZE];
    struct verified_device device;
    UT_hash_handle hh;
};

struct path_cache {
    pthread_mutex_t lock;
    struct entry *entries; /* in the order of their last use, oldest first */
    size_t max;
};

struct path_cache *path_cache_new(size_t max)
{
    struct path_cache *cache = calloc(1, sizeof *cache);

    if (cache == NULL)
        return NULL;
    (void)pthread_mutex_init(&cache->lock, NULL);
    cache->max = max;
    return cache;
}

void path_cache_free(struct path_cache *cache)
{
    if (cache == NULL)
        return;
    path_cache_clear(cache);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

enum sks_status path_cache_hash(const struct bytes_list *path, const struct device_trust *trust,
                                uint64_t generation, uint8_t hash[PATH_HASH_SIZE])
{
    const uint32_t lax[] = { trust != NULL, trust == NULL ? 0 : trust->minimum_rsa_bits,
                             trust != NULL && trust->sha1 };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, fetched_sha256(), NULL) &&
              EVP_DigestUpdate(ctx, &generation, sizeof generation) &&
              EVP_DigestUpdate(ctx, lax, sizeof lax);

    for (size_t i = 0; ok && i < path->count; i++)
        ok = EVP_DigestUpdate(ctx, &path->item[i].len, sizeof path->item[i].len) &&
             EVP_DigestUpdate(ctx, path->item[i].ptr, path->item[i].len);
    ok = ok && EVP_DigestFinal_ex(ctx, hash, NULL);
    EVP_MD_CTX_free(ctx);
    return ok ? SKS_OK : SKS_ERROR_CRYPTO;
}

static void drop(struct path_cache *cache, struct entry *entry)
{
    HASH_DELETE(hh, cache->entries, entry);
    verified_device_clear(&entry->device);
    free(entry);
}

/* Puts it behind the others; without memory it is gone. */
static bool add(struct path_cache *cache, struct entry *entry)
{
    HASH_ADD(hh, cache->entries, hash, sizeof entry->hash, entry);
    if (entry->hh.tbl != NULL)
        return true;
    verified_device_clear(&entry->device);
    free(entry);
    return false;
}

static struct entry *find(struct path_cache *cache, const uint8_t *hash)
{
    struct entry *entry = NULL;

    HASH_FIND(hh, cache->entries, hash, PATH_HASH_SIZE, entry);
    return entry;
}

static void use(struct path_cache *cache, struct entry *entry)
{
    if (entry->hh.next == NULL)
        return;
    HASH_DELETE(hh, cache->entries, entry);
    (void)add(cache, entry);
}

/* As OpenSSL has it, for whom a certificate has expired in the very second of its notAfter. */
static bool is_valid(const struct verified_device *device, int64_t now)
{
    return now >= device->not_before && now < device->not_after;
}

bool path_cache_find(struct path_cache *cache, const uint8_t hash[PATH_HASH_SIZE], int64_t now,
                     struct verified_device *device)
{
    struct entry *entry;
    bool found;

    (void)pthread_mutex_lock(&cache->lock);
    entry = find(cache, hash);
    found = entry != NULL && is_valid(&entry->device, now) && EVP_PKEY_up_ref(entry->device.key);
    if (found) {
        *device = entry->device;
        use(cache, entry);
    } else if (entry != NULL) {
        drop(cache, entry);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

void path_cache_keep(struct path_cache *cache, const uint8_t hash[PATH_HASH_SIZE],
                     const struct verified_device *device)
{
    struct entry *entry = calloc(1, sizeof *entry), *other;

    if (entry == NULL || !EVP_PKEY_up_ref(device->key)) {
        free(entry);
        return;
    }
    memcpy(entry->hash, hash, sizeof entry->hash);
    entry->device = *device;
    (void)pthread_mutex_lock(&cache->lock);
    if ((other = find(cache, hash)) != NULL)
        drop(cache, other);
    if (add(cache, entry) && HASH_COUNT(cache->entries) > cache->max)
        drop(cache, cache->entries);
    (void)pthread_mutex_unlock(&cache->lock);
}

void path_cache_clear(struct path_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    while (cache->entries != NULL)
        drop(cache, cache->entries);
    (void)pthread_mutex_unlock(&cache->lock);
}

size_t path_cache_count(struct path_cache *cache)
{
    size_t count;

    (void)pthread_mutex_lock(&cache->lock);
    count = HASH_COUNT(cache->entries);
    (void)pthread_mutex_unlock(&cache->lock);
    return count;
}
