#include "keygen2/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SECRETS_FOLDER[] = "/run/secrets/"; /* where containers mount them, mode 0444 */

enum sks_status file_path(char *path, size_t size, const char *folder, const char *name)
{
    size_t len = strlen(folder);
    const char *slash = len > 0 && folder[len - 1] != '/' ? "/" : "";
    int used = snprintf(path, size, "%s%s%s", folder, slash, name);

    return used >= 0 && (size_t)used < size ? SKS_OK : SKS_ERROR_OPTION;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* read(2) until the end; one byte more than max shows that there is more. */
static enum sks_status read_all(int fd, const char *path, size_t max, struct buf *out,
                                struct sks_error *err)
{
    enum sks_status rc = SKS_OK;
    size_t start = out->len;

    for (;;) {
        ssize_t got;

        REQUIRE(buf_reserve(out, 4096), err, SKS_ERROR_STORAGE, "%s: no memory", path);
        got = read(fd, out->ptr + out->len, out->cap - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        REQUIRE(got >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        out->len += (size_t)got;
        REQUIRE(out->len - start <= max, err, SKS_ERROR_STORAGE, "%s: over %zu bytes", path, max);
    }
out:
    return rc;
}

/* By the file itself, wherever links to it lie. */
static bool is_container_secret(const char *path)
{
    char real[PATH_MAX];

    return realpath(path, real) != NULL &&
           strncmp(real, SECRETS_FOLDER, sizeof SECRETS_FOLDER - 1) == 0;
}

static enum sks_status read_file(const char *path, bool secret, size_t max, struct buf *out,
                                 struct sks_error *err)
{
    enum sks_status rc;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    REQUIRE(fd >= 0 && fstat(fd, &about) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path,
            strerror(errno));
    REQUIRE(!secret || (about.st_mode & 077) == 0 || is_container_secret(path), err,
            SKS_ERROR_EXTERNAL, "%s: group or others may read it; it must have mode 0600", path);
    rc = read_all(fd, path, max, out, err);
out:
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

enum sks_status file_read(const char *path, size_t max, struct buf *out, struct sks_error *err)
{
    return read_file(path, false, max, out, err);
}

enum sks_status file_read_secret(const char *path, size_t max, struct buf *out,
                                 struct sks_error *err)
{
    return read_file(path, true, max, out, err);
}

bool file_write_to(int fd, struct bytes data)
{
    while (data.len > 0) {
        ssize_t put = write(fd, data.ptr, data.len);

        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data.ptr += put;
            data.len -= (size_t)put;
        }
    }
    return true;
}

/* "" if the path is too long. */
static void name_folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL || slash == path ? 1 : (int)(slash - path);

    if (snprintf(folder, PATH_MAX, "%.*s", len, slash == NULL ? "." : path) >= PATH_MAX)
        folder[0] = '\0';
}

static bool is_writable(const char *path)
{
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

enum sks_status file_need_writable(const char *path, struct sks_error *err)
{
    const char *which = path;
    char folder[PATH_MAX];
    bool good = is_writable(path) || errno == ENOENT;

    if (good) {
        name_folder_of(path, folder);
        which = folder;
        good = is_writable(folder) || errno == ENOENT;
    }
    if (good)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_EXTERNAL,
                    "%s: cannot be written (%s); make it writable for the user that this program"
                    " runs as, uid %u",
                    which, strerror(errno), (unsigned)geteuid());
}

/* The rename lasts only once the folder is on disk as well. */
static bool sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    bool done;
    int fd;

    name_folder_of(path, folder);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    done = fsync(fd) == 0;
    (void)close(fd);
    return done;
}

enum sks_status file_begin(struct file_writer *w, const char *path, struct sks_error *err)
{
    int used = snprintf(w->path, sizeof w->path, "%s", path);
    enum sks_status rc = SKS_OK;

    w->fd = -1;
    REQUIRE(used > 0 && (size_t)used + sizeof ".XXXXXX" <= sizeof w->temporary, err,
            SKS_ERROR_OPTION, "%s: the name is too long", path);
    (void)snprintf(w->temporary, sizeof w->temporary, "%s.XXXXXX", path);
    w->fd = mkostemp(w->temporary, O_CLOEXEC);
    REQUIRE(w->fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
out:
    return rc;
}

enum sks_status file_put(struct file_writer *w, struct bytes data, struct sks_error *err)
{
    return file_write_to(w->fd, data)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", w->path, strerror(errno));
}

enum sks_status file_finish(struct file_writer *w, unsigned mode, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (fchmod(w->fd, (mode_t)mode) != 0 || fsync(w->fd) != 0 ||
        rename(w->temporary, w->path) != 0 || !sync_folder_of(w->path))
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", w->path, strerror(errno));
    if (rc == SKS_OK) {
        (void)close(w->fd);
        w->fd = -1;
    }
    return rc;
}

void file_abandon(struct file_writer *w)
{
    if (w->fd < 0)
        return;
    (void)close(w->fd);
    (void)unlink(w->temporary); /* gone already if only the folder failed to sync */
    w->fd = -1;
}

enum sks_status file_write(const char *path, unsigned mode, struct bytes data,
                           struct sks_error *err)
{
    struct file_writer writer;
    enum sks_status rc;

    TRY(file_begin(&writer, path, err));
    TRY(file_put(&writer, data, err));
    TRY(file_finish(&writer, mode, err));
out:
    file_abandon(&writer);
    return rc;
}

enum sks_status file_sync(const char *path, struct sks_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum sks_status rc = SKS_OK;

    if (fd < 0 || fsync(fd) != 0 || !sync_folder_of(path))
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

enum sks_status file_rename(const char *from, const char *to, struct sks_error *err)
{
    if (rename(from, to) == 0 && sync_folder_of(to))
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_EXTERNAL, "%s cannot be renamed to %s: %s", from, to,
                    strerror(errno));
}

void file_sweep(const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    const char *name = slash == NULL ? prefix : slash + 1;
    char folder[PATH_MAX] = ".";
    DIR *entries;

    if (slash != NULL)
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(name - prefix), prefix);
    entries = opendir(folder);
    if (entries == NULL)
        return;
    for (struct dirent *e; (e = readdir(entries)) != NULL;)
        if (strncmp(e->d_name, name, strlen(name)) == 0)
            (void)unlinkat(dirfd(entries), e->d_name, 0);
    (void)closedir(entries);
}

/* What is in a folder lasts only once its own name does. One that is there already may come from
 * somebody who died before he synced it; its parent need not be ours to open. */
static bool make_one_folder(const char *path, unsigned mode)
{
    if (mkdir(path, (mode_t)mode) == 0)
        return sync_folder_of(path);
    if (errno != EEXIST)
        return false;
    (void)sync_folder_of(path);
    return true;
}

enum sks_status file_make_folder(const char *path, unsigned mode, struct sks_error *err)
{
    char part[PATH_MAX];
    enum sks_status rc = SKS_OK;
    struct stat about;
    size_t len = strlen(path);

    REQUIRE(len > 0 && len < sizeof part, err, SKS_ERROR_OPTION, "%s: not a usable folder name",
            path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        REQUIRE(make_one_folder(part, mode), err, SKS_ERROR_EXTERNAL, "%s: %s", part,
                strerror(errno));
    }
    REQUIRE(stat(path, &about) == 0 && S_ISDIR(about.st_mode), err, SKS_ERROR_EXTERNAL,
            "%s: not a folder", path);
out:
    return rc;
}
