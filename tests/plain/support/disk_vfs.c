/* The disk as SQLite's file system. */
#include "tests/plain/support/disk_internal.h"

#include <sqlite3.h>
#include <stdio.h>

enum { LOG_HEAD = 32, FRAME_HEAD = 24, FRAME = FRAME_HEAD + 4096 }; /* of SQLite's log */

struct file {
    sqlite3_file base;
    struct place *place;
    bool temporary;
};

/* ---- one file ---- */

static int close_file(sqlite3_file *base)
{
    struct file *file = (struct file *)base;

    if (file->temporary) {
        content_cut(&file->place->now, 0);
        file->place->now.exists = false;
        file->place->name[0] = '\0';
    }
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct content *now = &((struct file *)base)->place->now;
    size_t at = (size_t)offset, want = (size_t)amount, have;
    int rc = disk_meet_trouble(SQLITE_IOERR_READ, false);

    if (rc != SQLITE_OK)
        return rc;
    have = at >= now->len ? 0 : now->len - at;
    have = have > want ? want : have;
    memcpy(to, now->data + at, have);
    if (have == want)
        return SQLITE_OK;
    memset((uint8_t *)to + have, 0, want - have);
    return SQLITE_IOERR_SHORT_READ;
}

/* A commit comes to the log in one piece. What fails or cuts it off may come between its pages and
 * their heads all the same, so that each is a write of its own here. */
static size_t first_part(const struct place *place, size_t at, size_t len)
{
    const char *log = strstr(place->name, "-wal");
    size_t in_frame = (at - LOG_HEAD) % FRAME;
    size_t part = in_frame < FRAME_HEAD ? FRAME_HEAD - in_frame : FRAME - in_frame;

    return log == NULL || at < LOG_HEAD || part > len ? len : part;
}

static int write_part(struct place *place, const uint8_t *from, size_t len, size_t at)
{
    struct content *now = &place->now;
    int rc = disk_meet_trouble(SQLITE_IOERR_WRITE, true);

    if (rc != SQLITE_OK)
        len /= 2;
    must(at + len <= FILE_MAX, "the disk is larger than the file");
    memcpy(now->data + at, from, len);
    for (size_t sector = at / SECTOR; sector * SECTOR < at + len; sector++)
        place->given_up[sector] = false;
    now->len = at + len > now->len ? at + len : now->len;
    disk_tell(DISK_WROTE, 0);
    return rc;
}

static int write_file(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct place *place = ((struct file *)base)->place;
    size_t len = (size_t)amount, done = 0, part;
    int rc = SQLITE_OK;

    (void)pthread_mutex_lock(&disk_guard);
    for (; rc == SQLITE_OK && done < len; done += part) {
        part = first_part(place, (size_t)offset + done, len - done);
        rc = write_part(place, (const uint8_t *)from + done, part, (size_t)offset + done);
    }
    (void)pthread_mutex_unlock(&disk_guard);
    return rc;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    int rc;

    (void)pthread_mutex_lock(&disk_guard);
    rc = disk_meet_trouble(SQLITE_IOERR_TRUNCATE, false);
    if (rc == SQLITE_OK) {
        content_cut(&((struct file *)base)->place->now, (size_t)size);
        disk_tell(DISK_WROTE, 0);
    }
    (void)pthread_mutex_unlock(&disk_guard);
    return rc;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct place *place = ((struct file *)base)->place;
    int rc;

    (void)flags;
    (void)pthread_mutex_lock(&disk_guard);
    rc = disk_meet_trouble_of_sync();
    if (rc == SQLITE_OK) {
        disk_sync_place(place);
        disk_tell(DISK_SYNCED, 0);
    }
    (void)pthread_mutex_unlock(&disk_guard);
    return rc;
}

static int size_of_file(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)((struct file *)base)->place->now.len;
    return disk_meet_trouble(SQLITE_IOERR_FSTAT, false);
}

static int lock_file(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return disk_meet_trouble(SQLITE_IOERR_LOCK, false);
}

static int unlock_file(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int is_reserved(sqlite3_file *base, int *reserved)
{
    (void)base;
    *reserved = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *base, int operation, void *argument)
{
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base)
{
    (void)base;
    return 4096; /* as on Linux */
}

static int characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as on Linux */
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 1, /* no shared memory: nobody else opens the file */
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- the file system ---- */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *given)
{
    struct file *file = (struct file *)base;
    int rc = disk_meet_trouble(SQLITE_CANTOPEN, (flags & SQLITE_OPEN_CREATE) != 0);

    (void)vfs;
    file->base.pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    (void)pthread_mutex_lock(&disk_guard);
    file->place = disk_place(name);
    file->temporary = name == NULL;
    if (!file->place->now.exists && (flags & SQLITE_OPEN_CREATE) == 0)
        rc = SQLITE_CANTOPEN;
    else
        file->place->now.exists = true;
    (void)pthread_mutex_unlock(&disk_guard);
    if (rc == SQLITE_OK)
        file->base.pMethods = &METHODS;
    if (given != NULL)
        *given = flags;
    return rc;
}

/* The name goes at once only if the folder is synced, else it may come back with the old file. */
static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    int rc;

    (void)vfs;
    (void)pthread_mutex_lock(&disk_guard);
    rc = disk_meet_trouble(SQLITE_IOERR_DELETE, false);
    if (rc == SQLITE_OK) {
        struct place *place = disk_place(name);

        content_cut(&place->now, 0);
        place->now.exists = false;
        if (sync_folder)
            content_set(&place->synced, &place->now);
        disk_tell(DISK_REMOVED, 0);
    }
    (void)pthread_mutex_unlock(&disk_guard);
    return rc;
}

static int has_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs, (void)flags;
    *result = disk_place(name)->now.exists;
    return disk_meet_trouble(SQLITE_IOERR_ACCESS, false);
}

static int full_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    (void)snprintf(path, (size_t)size, "%s", name);
    return SQLITE_OK;
}

void disk_install(void)
{
    static sqlite3_vfs vfs;
    const sqlite3_vfs *real = sqlite3_initialize() == SQLITE_OK ? sqlite3_vfs_find(NULL) : NULL;

    disk_prepare();
    must(real != NULL, "SQLite");
    vfs = *real; /* its clock, its random numbers */
    vfs.zName = "disk";
    vfs.szOsFile = sizeof(struct file);
    vfs.pNext = NULL;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = has_access;
    vfs.xFullPathname = full_path;
    must(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK, "SQLite's file system");
}
