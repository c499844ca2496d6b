#include "issuer/key_management.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session.h"
#include "keygen2/crypto/signature.h"

#include <limits.h>
#include <stdio.h>

static const char FIRST_FILE[] = "kmk.key"; /* of data folders from before there were generations */

/* ---- files ---- */

static enum sks_status path_of(char path[PATH_MAX], const char *folder, unsigned generation,
                               struct sks_error *err)
{
    char name[32];
    enum sks_status rc;

    (void)snprintf(name, sizeof name, "kmk-%u.key", generation);
    rc = file_path(path, PATH_MAX, folder, name);
    if (rc == SKS_OK && generation == 1 && !file_exists(path)) {
        char first[PATH_MAX];

        rc = file_path(first, sizeof first, folder, FIRST_FILE);
        if (rc == SKS_OK && file_exists(first))
            (void)snprintf(path, PATH_MAX, "%s", first);
    }
    return rc == SKS_OK ? rc : sks_fail(err, rc, "%s: the name is too long", folder);
}

/* Generations have no holes: one that is missing was lost, and must not be made anew. */
enum sks_status key_management_count(const char *folder, unsigned *count, struct sks_error *err)
{
    char path[PATH_MAX];
    unsigned last = 0;
    enum sks_status rc;

    for (unsigned i = 1; i <= GENERATIONS_MAX; i++) {
        TRY(path_of(path, folder, i, err));
        if (!file_exists(path))
            continue;
        REQUIRE(last == i - 1, err, SKS_ERROR_EXTERNAL,
                "%s: there is a key management key of generation %u, but none of %u", folder, i,
                last + 1);
        last = i;
    }
    *count = last;
    rc = SKS_OK;
out:
    return rc;
}

static enum sks_status make_key(const char *folder, unsigned generation, struct sks_error *err)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    char path[PATH_MAX];
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    TRY(path_of(path, folder, generation, err));
    TRY(sks_explain(err, private_key_generate(p256, (struct bytes){ 0 }, &key)));
    TRY(pem_write_key(path, key, err));
out:
    EVP_PKEY_free(key);
    return rc;
}

enum sks_status key_management_make(const char *folder, struct sks_error *err)
{
    unsigned count;
    enum sks_status rc;

    TRY(key_management_count(folder, &count, err));
    if (count == 0)
        TRY(make_key(folder, 1, err));
out:
    return rc;
}

/* At least one. */
static enum sks_status count_keys(const char *folder, unsigned *count, struct sks_error *err)
{
    enum sks_status rc;

    TRY(key_management_count(folder, count, err));
    REQUIRE(*count > 0, err, SKS_ERROR_EXTERNAL,
            "%s: there is no key management key; sks-issuer init --data %s makes it", folder,
            folder);
out:
    return rc;
}

enum sks_status key_management_roll_over(const char *folder, unsigned *generation,
                                         struct sks_error *err)
{
    unsigned count;
    enum sks_status rc;

    TRY(count_keys(folder, &count, err));
    REQUIRE(count < GENERATIONS_MAX, err, SKS_ERROR_NOT_ALLOWED,
            "%s: there are %d generations of key management keys, and no more can be", folder,
            GENERATIONS_MAX);
    *generation = count + 1;
    TRY(make_key(folder, *generation, err));
out:
    return rc;
}

/* ---- in memory ---- */

static void free_one(struct key_management_key *one)
{
    EVP_PKEY_free(one->key);
    buf_free(&one->spki);
    buf_free(&one->authorization);
    one->key = NULL;
}

/* KeyGen2, updatableKeyManagementKey: the older key says which one may replace it. */
static enum sks_status authorize(struct key_management_key *older,
                                 const struct key_management_key *newer)
{
    struct buf data = { 0 };
    enum sks_status rc;

    buf_reset(&older->authorization); /* of an attempt that failed later */
    put_roll_over(&data, buf_bytes(&newer->spki));
    TRY(data.status);
    TRY(sign_sha256(older->key, buf_bytes(&data), &older->authorization));
out:
    buf_free(&data);
    return rc;
}

static enum sks_status load_one(struct key_management *keys, const char *folder, unsigned index,
                                struct sks_error *err)
{
    struct key_management_key *one = &keys->item[index];
    char path[PATH_MAX];
    enum sks_status rc;

    free_one(one);
    TRY(path_of(path, folder, index + 1, err));
    TRY(pem_read_key(path, &one->key, err));
    TRY(sks_explain(err, put_pkey(&one->spki, one->key)));
    if (index > 0)
        TRY(sks_explain(err, authorize(&keys->item[index - 1], one)));
    atomic_store(&keys->count, index + 1);
out:
    return rc;
}

enum sks_status key_management_load(struct key_management *keys, const char *folder,
                                    struct sks_error *err)
{
    unsigned count;
    enum sks_status rc;

    TRY(count_keys(folder, &count, err));
    for (unsigned i = atomic_load(&keys->count); i < count; i++)
        TRY(load_one(keys, folder, i, err));
out:
    return rc;
}

enum sks_status key_management_look(const struct key_management *keys, const char *folder,
                                    struct sks_error *err)
{
    unsigned count;
    enum sks_status rc;

    TRY(key_management_count(folder, &count, err));
    REQUIRE(count >= key_management_newest(keys), err, SKS_ERROR_EXTERNAL,
            "%s: the key management key of generation %u is not there", folder, count + 1);
out:
    return rc;
}

void key_management_free(struct key_management *keys)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        free_one(&keys->item[i]);
    atomic_store(&keys->count, 0);
}

unsigned key_management_newest(const struct key_management *keys)
{
    return atomic_load(&keys->count);
}

struct bytes key_management_public(const struct key_management *keys, unsigned generation)
{
    return buf_bytes(&keys->item[generation - 1].spki);
}

EVP_PKEY *key_management_private(const struct key_management *keys, unsigned generation)
{
    return generation == 0 || generation > atomic_load(&keys->count)
               ? NULL
               : keys->item[generation - 1].key;
}

enum sks_status key_management_chain(const struct key_management *keys, unsigned generation,
                                     struct arena *arena, struct json_array *chain)
{
    *chain = (struct json_array){ 0 };
    for (unsigned n = 0; n < KEYGEN2_GENERATIONS_MAX && generation > 1; n++) {
        struct updatable_key_management_key *link = arena_alloc(arena, 1, sizeof *link);

        if (link == NULL)
            return SKS_ERROR_STORAGE;
        generation--;
        link->public_key = key_management_public(keys, generation);
        link->authorization = buf_bytes(&keys->item[generation - 1].authorization);
        *chain = (struct json_array){ link, 1 };
        chain = &link->updatable_key_management_keys;
    }
    return SKS_OK;
}
