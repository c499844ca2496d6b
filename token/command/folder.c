#include "token/command/folder.h"
#include "keygen2/base/files.h"
#include "keygen2/base/program.h"
#include "token/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum sks_status folder_paths(struct folder *folder, const char *store, const char *key_file,
                             struct sks_error *err)
{
    const struct {
        char *path;
        const char *name;
    } part[] = {
        { folder->database, TOKEN_DATABASE },      { folder->master_key, TOKEN_MASTER_KEY },
        { folder->device_ca, TOKEN_DEVICE_CA },    { folder->control, TOKEN_CONTROL_SOCKET },
        { folder->request, TOKEN_DEVICE_REQUEST }, { folder->lock_path, TOKEN_LOCK },
        { folder->restored, TOKEN_RESTORED },
    };

    folder->lock = -1;
    if (key_file != NULL && program_is_given("master-key"))
        vault_ignore_environment();
    for (size_t i = 0; i < NITEMS(part); i++)
        if (file_path(part[i].path, FOLDER_PATH_MAX, store, part[i].name) != SKS_OK)
            return sks_fail(err, SKS_ERROR_OPTION, "--store: the path is too long");
    if (key_file != NULL &&
        snprintf(folder->master_key, FOLDER_PATH_MAX, "%s", key_file) >= FOLDER_PATH_MAX)
        return sks_fail(err, SKS_ERROR_OPTION, "--master-key: the path is too long");
    return SKS_OK;
}

enum sks_status folder_need_store(const struct folder *folder, const char *store,
                                  struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (file_exists(folder->database))
        goto out;
    REQUIRE(errno == ENOENT, err, SKS_ERROR_EXTERNAL, "%s: %s", folder->database, strerror(errno));
    rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: no token store (run sks-token init)", store);
out:
    return rc;
}

enum sks_status folder_lock(struct folder *folder, struct sks_error *err)
{
    int why;

    folder->lock = open(folder->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    why = errno;
    if (folder->lock < 0 && file_need_writable(folder->lock_path, err) != SKS_OK)
        return SKS_ERROR_EXTERNAL;
    if (folder->lock < 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", folder->lock_path, strerror(why));
    if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0)
        return SKS_OK;
    folder_unlock(folder);
    return sks_fail(err, SKS_ERROR_NOT_AVAILABLE, "%s: the store is in use by another process",
                    folder->lock_path);
}

enum sks_status folder_lock_alone(struct folder *folder, struct sks_error *err)
{
    struct sks_error why = { 0 };
    enum sks_status rc = folder_lock(folder, &why);

    if (rc == SKS_OK)
        return SKS_OK;
    return sks_fail(err, rc, "%s%s", why.text,
                    rc == SKS_ERROR_NOT_AVAILABLE ? ": stop sks-token serve first" : "");
}

void folder_unlock(struct folder *folder)
{
    if (folder->lock >= 0)
        (void)close(folder->lock);
    folder->lock = -1;
}

void folder_remove_database(const char *path)
{
    static const char *const SUFFIX[] = { "", "-wal", "-shm", "-journal" };
    char name[FOLDER_PATH_MAX + 16];

    for (size_t i = 0; i < NITEMS(SUFFIX); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, SUFFIX[i]);
        (void)unlink(name);
    }
}

void folder_sweep(const struct folder *folder)
{
    char copies[FOLDER_PATH_MAX + 16];

    (void)snprintf(copies, sizeof copies, "%s" TOKEN_COPY_MARK, folder->database);
    file_sweep(copies);
    file_sweep(folder->restored);
}
