#include "token/master_key.h"
#include "keygen2/base/files.h"
#include "token/authorization.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sks_status pending_path(const char *key_file, char path[PATH_MAX],
                                    struct sks_error *err)
{
    int used = snprintf(path, PATH_MAX, "%s.pending", key_file);

    return used > 0 && used < PATH_MAX
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_OPTION, "%s: the name is too long", key_file);
}

/* What somebody who was killed was about to write there. */
static void sweep(const char *pending)
{
    char prefix[PATH_MAX];

    if (snprintf(prefix, sizeof prefix, "%s.", pending) < (int)sizeof prefix)
        file_sweep(prefix);
}

/* ---- opening ---- */

typedef enum sks_status vault_opener(const char *path, struct vault **vault, struct sks_error *err);

static enum sks_status open_with(const char *database, const char *key_file, vault_opener *open,
                                 struct vault **vault, struct store **store, struct sks_error *err)
{
    enum sks_status rc;

    *vault = NULL;
    *store = NULL;
    TRY(open(key_file, vault, err));
    TRY(store_open(database, *vault, store, err));
    REQUIRE(store_fits(*store), err, SKS_ERROR_EXTERNAL,
            "%s: sealed with another master key than that of %s, or damaged", database,
            vault_is_from_environment(*vault) ? MASTER_KEY_VARIABLE : key_file);
    return SKS_OK;
out:
    store_close(*store);
    vault_close(*vault);
    *vault = NULL;
    *store = NULL;
    return rc;
}

enum sks_status master_key_open_copy(const char *database, const char *key_file,
                                     struct vault **vault, struct store **store,
                                     struct sks_error *err)
{
    return open_with(database, key_file, vault_open, vault, store, err);
}

enum sks_status master_key_open(const char *database, const char *key_file, struct vault **vault,
                                struct store **store, struct sks_error *err)
{
    char pending[PATH_MAX];
    enum sks_status rc = open_with(database, key_file, vault_open, vault, store, err);

    if (rc == SKS_OK || getenv(MASTER_KEY_VARIABLE) != NULL ||
        pending_path(key_file, pending, NULL) != SKS_OK || !file_exists(pending) ||
        !file_exists(database) ||
        open_with(database, pending, vault_open_file, vault, store, NULL) != SKS_OK)
        return rc;
    if (err != NULL)
        *err = (struct sks_error){ 0 };
    rc = master_key_finish(key_file, err);
    if (rc != SKS_OK) {
        store_close(*store);
        vault_close(*vault);
        *store = NULL;
        *vault = NULL;
    }
    return rc;
}

/* ---- changing ---- */

enum sks_status master_key_prepare(const char *from, const char *key_file, struct sks_error *err)
{
    char pending[PATH_MAX];
    enum sks_status rc;

    TRY(pending_path(key_file, pending, err));
    sweep(pending);
    TRY(vault_copy_key(from, true, pending, err));
out:
    return rc;
}

enum sks_status master_key_finish(const char *key_file, struct sks_error *err)
{
    char pending[PATH_MAX];
    struct sks_error why = { 0 };
    enum sks_status rc;

    TRY(pending_path(key_file, pending, err));
    rc = file_rename(pending, key_file, &why);
    REQUIRE(rc == SKS_OK, err, rc, "%s; it is the master key of the store now", why.text);
    sweep(pending);
out:
    return rc;
}

/* A container may have the key as a mounted file, over which nothing can be renamed. */
static bool is_mounted(const char *path)
{
    struct statx about;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &about) == 0 &&
           (about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool master_key_is_replaceable(const struct vault *vault, const char *key_file)
{
    const char *slash = strrchr(key_file, '/');
    char folder[PATH_MAX] = ".";

    if (slash != NULL)
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - key_file) + 1, key_file);
    return !vault_is_from_environment(vault) && access(folder, W_OK) == 0 && !is_mounted(key_file);
}

/* Where the new key lies once this is done: in new_file, or else in the pending file. */
static enum sks_status make_new_key(const char *new_file, const char *pending,
                                    struct sks_error *err)
{
    if (new_file != NULL)
        return file_exists(new_file) ? file_sync(new_file, err) : vault_create(new_file, err);
    if (unlink(pending) != 0 && errno != ENOENT)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", pending, strerror(errno));
    return vault_create(pending, err);
}

static enum sks_status settle_row(void *ctx, struct store_row *row, struct arena *arena,
                                  struct sks_error *err)
{
    struct secret secret;
    struct buf body = { 0 };
    enum sks_status rc = SKS_OK;

    if (row->kind != STORE_PIN && row->kind != STORE_PUK)
        return SKS_OK;
    rc = secret_from_row(row, &secret);
    REQUIRE(rc == SKS_OK, err, rc, "stored object %u of kind %u does not decode", row->handle,
            (unsigned)row->kind);
    TRY(authorization_settle(ctx, &secret));
    put_secret(&body, &secret);
    TRY(body.status);
    row->body = arena_copy(arena, buf_bytes(&body));
    rc = row->body.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
out:
    buf_free(&body);
    return sks_explain(err, rc);
}

enum sks_status master_key_change(struct store *store, struct vault **vault, const char *key_file,
                                  const char *new_file, struct sks_error *err)
{
    const bool replace = master_key_is_replaceable(*vault, key_file);
    struct vault *new_vault = NULL;
    char pending[PATH_MAX];
    enum sks_status rc;

    TRY(pending_path(key_file, pending, err));
    REQUIRE(replace || new_file != NULL, err, SKS_ERROR_OPTION,
            "the master key comes by %s, which cannot be replaced from here: give "
            "--new-master-key FILE",
            vault_is_from_environment(*vault) ? MASTER_KEY_VARIABLE : key_file);
    sweep(pending);
    TRY(make_new_key(new_file, pending, err));
    TRY(vault_open_file(new_file != NULL ? new_file : pending, &new_vault, err));
    REQUIRE(!vault_is_same(*vault, new_vault), err, SKS_ERROR_OPTION,
            "the new master key is the one that the store has");
    if (replace && new_file != NULL)
        TRY(vault_copy_key(new_file, false, pending, err));
    TRY(store_reseal(store, new_vault, settle_row, *vault, err));
    vault_close(*vault);
    *vault = new_vault;
    new_vault = NULL;
    if (replace)
        TRY(master_key_finish(key_file, err));
out:
    vault_close(new_vault);
    return rc;
}
