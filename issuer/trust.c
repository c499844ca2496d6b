#include "issuer/trust.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/pem.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum sks_status add_certificate(X509_STORE *store, struct bytes der)
{
    const uint8_t *p = der.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    bool added = certificate != NULL && X509_STORE_add_cert(store, certificate) > 0;

    X509_free(certificate);
    return added ? SKS_OK : SKS_ERROR_CRYPTO;
}

static enum sks_status add_file(X509_STORE *store, const char *path, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct bytes_list list;
    enum sks_status rc;

    TRY(pem_read_certificates(path, &arena, &list, err));
    for (size_t i = 0; i < list.count; i++)
        REQUIRE(add_certificate(store, list.item[i]) == SKS_OK, err, SKS_ERROR_EXTERNAL,
                "%s: certificate number %zu cannot be trusted", path, i + 1);
out:
    arena_free(&arena);
    return rc;
}

static int is_pem(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 4, ".pem") == 0;
}

static enum sks_status add_folder(X509_STORE *store, const char *folder, struct sks_error *err)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, is_pem, alphasort);
    char path[PATH_MAX];
    enum sks_status rc = SKS_OK;

    REQUIRE(count >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        REQUIRE(file_path(path, sizeof path, folder, entry[i]->d_name) == SKS_OK, err,
                SKS_ERROR_OPTION, "%s: a name is too long", folder);
        TRY(add_file(store, path, err));
    }
out:
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    return rc;
}

static enum sks_status read_sources(const struct texts *sources, X509_STORE *store,
                                    struct sks_error *err)
{
    struct stat info;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < sources->count; i++) {
        const char *path = sources->item[i];

        REQUIRE(stat(path, &info) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
        TRY(S_ISDIR(info.st_mode) ? add_folder(store, path, err) : add_file(store, path, err));
    }
out:
    return rc;
}

enum sks_status trust_reload(struct trust *trust, size_t *count, struct sks_error *err)
{
    X509_STORE *store = X509_STORE_new(), *old;
    enum sks_status rc;

    REQUIRE(store != NULL, err, SKS_ERROR_STORAGE, "no memory for the trusted certificates");
    TRY(read_sources(trust->sources, store, err));
    (void)pthread_mutex_lock(&trust->lock);
    old = trust->store;
    trust->store = store;
    trust->generation++;
    (void)pthread_mutex_unlock(&trust->lock);
    path_cache_clear(trust->paths);
    store = old;
    *count = trust_count(trust);
out:
    X509_STORE_free(store);
    return rc;
}

enum sks_status trust_open(struct trust *trust, const struct texts *sources, struct sks_error *err)
{
    size_t count;

    *trust = (struct trust){ .sources = sources, .paths = path_cache_new(TRUST_PATHS_MAX) };
    (void)pthread_mutex_init(&trust->lock, NULL);
    if (trust->paths == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for the trusted certificates");
    return trust_reload(trust, &count, err);
}

static X509_STORE *store_of_now(struct trust *trust, uint64_t *generation)
{
    X509_STORE *store;

    (void)pthread_mutex_lock(&trust->lock);
    store = trust->store;
    *generation = trust->generation;
    if (store != NULL)
        (void)X509_STORE_up_ref(store);
    (void)pthread_mutex_unlock(&trust->lock);
    return store;
}

X509_STORE *trust_store(struct trust *trust)
{
    uint64_t generation;

    return store_of_now(trust, &generation);
}

enum sks_status trust_verify_device(struct trust *trust, const struct bytes_list *path,
                                    const struct device_trust *lax, int64_t now,
                                    struct verified_device *device, struct sks_error *err)
{
    uint64_t generation;
    X509_STORE *store = store_of_now(trust, &generation);
    uint8_t hash[PATH_HASH_SIZE];
    enum sks_status rc;

    TRY(sks_explain(err, path_cache_hash(path, lax, generation, hash)));
    if (path_cache_find(trust->paths, hash, now, device))
        goto out;
    TRY(verify_device_path(store, path, lax, now, device, err));
    path_cache_keep(trust->paths, hash, device);
out:
    X509_STORE_free(store);
    return rc;
}

size_t trust_count(struct trust *trust)
{
    X509_STORE *store = trust_store(trust);
    STACK_OF(X509) *all = store == NULL ? NULL : X509_STORE_get1_all_certs(store);
    int count = all == NULL ? 0 : sk_X509_num(all);

    sk_X509_pop_free(all, X509_free);
    X509_STORE_free(store);
    return count < 0 ? 0 : (size_t)count;
}

void trust_close(struct trust *trust)
{
    X509_STORE_free(trust->store);
    path_cache_free(trust->paths);
    (void)pthread_mutex_destroy(&trust->lock);
    *trust = (struct trust){ 0 };
}
