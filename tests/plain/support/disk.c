#include "tests/plain/support/disk.h"
#include "tests/plain/support/own_store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, FILE_MAX = 4 * 1024 * 1024, NAME_MAX_LEN = 64, SECTOR = 512 };
enum { LOG_HEAD = 32, FRAME_HEAD = 24, FRAME = FRAME_HEAD + 4096 }; /* of SQLite's log */

/* Contents lie in memory of the program's own: a test may be failing all allocations. */
struct content {
    bool exists;
    size_t len;
    uint8_t *data; /* FILE_MAX bytes; what is behind len is zero */
};

static struct place {
    char name[NAME_MAX_LEN];
    struct content now, synced;
    bool given_up[FILE_MAX / SECTOR]; /* no sync will write it */
} places[FILES];

static uint8_t memory[FILES][2][FILE_MAX];

struct file {
    sqlite3_file base;
    struct place *place;
    bool temporary;
};

static struct {
    enum disk_fault fault;
    unsigned at, seen;
    bool lasting, failed, failed_sync;
    bool no_syncs;
} trouble;

/* Recursive: a watcher is called under it, and may take images. */
static pthread_mutex_t guard;
static void (*watcher)(void *ctx, enum disk_event event, int detail);
static void *watcher_ctx;

/* ---- contents ---- */

static void set_content(struct content *to, const struct content *from)
{
    if (to->len > from->len)
        memset(to->data + from->len, 0, to->len - from->len);
    memcpy(to->data, from->data, from->len);
    to->len = from->len;
    to->exists = from->exists;
}

static void cut_content(struct content *content, size_t len)
{
    if (len < content->len)
        memset(content->data + len, 0, content->len - len);
    content->len = len;
}

static void sync_content(struct place *place)
{
    const struct content *now = &place->now;

    cut_content(&place->synced, now->len);
    place->synced.exists = now->exists;
    for (size_t at = 0; at < now->len; at += SECTOR)
        if (!place->given_up[at / SECTOR])
            memcpy(place->synced.data + at, now->data + at,
                   now->len - at < SECTOR ? now->len - at : SECTOR);
}

void disk_give_up(void)
{
    for (size_t i = 0; i < FILES; i++)
        for (size_t at = 0; at < FILE_MAX; at += SECTOR)
            if (memcmp(places[i].now.data + at, places[i].synced.data + at, SECTOR) != 0)
                places[i].given_up[at / SECTOR] = true;
}

static struct place *find_place(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct place *free_place = NULL;

    for (size_t i = 0; i < FILES; i++) {
        struct place *p = &places[i];

        if (name != NULL && strcmp(p->name, name) == 0)
            return p;
        if (p->name[0] == '\0' && free_place == NULL)
            free_place = p;
    }
    must(free_place != NULL, "the disk has no room for another file");
    (void)snprintf(free_place->name, NAME_MAX_LEN, "%s", name == NULL ? "temporary" : name);
    return free_place;
}

/* ---- events and trouble ---- */

static void tell(enum disk_event event, int detail)
{
    if (watcher != NULL)
        watcher(watcher_ctx, event, detail);
}

void disk_note(int detail)
{
    (void)pthread_mutex_lock(&guard);
    tell(DISK_OTHER, detail);
    (void)pthread_mutex_unlock(&guard);
}

void disk_watch(void (*watch)(void *ctx, enum disk_event event, int detail), void *ctx)
{
    (void)pthread_mutex_lock(&guard);
    watcher = watch;
    watcher_ctx = ctx;
    (void)pthread_mutex_unlock(&guard);
}

void disk_fail(enum disk_fault fault, unsigned at, bool lasting)
{
    trouble.fault = fault;
    trouble.at = at;
    trouble.seen = 0;
    trouble.lasting = lasting;
    trouble.failed = false;
    if (at > 0)
        trouble.failed_sync = false;
}

bool disk_failed_sync(void)
{
    return trouble.failed_sync;
}

void disk_ignore_syncs(bool ignore)
{
    trouble.no_syncs = ignore;
}

bool disk_failed(void)
{
    return trouble.failed;
}

/* SQLITE_OK, or what a call that fails gives. */
static int meet_trouble(int error, bool takes_room)
{
    if (trouble.at == 0 || (trouble.fault == DISK_FULL && !takes_room))
        return SQLITE_OK;
    trouble.seen++;
    if (trouble.seen != trouble.at && !(trouble.lasting && trouble.seen > trouble.at))
        return SQLITE_OK;
    trouble.failed = true;
    return trouble.fault == DISK_FULL ? SQLITE_FULL : error;
}

/* ---- one file ---- */

static int close_file(sqlite3_file *base)
{
    struct file *file = (struct file *)base;

    if (file->temporary) {
        cut_content(&file->place->now, 0);
        file->place->now.exists = false;
        file->place->name[0] = '\0';
    }
    return SQLITE_OK;
}

static int read_file(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct content *now = &((struct file *)base)->place->now;
    size_t at = (size_t)offset, want = (size_t)amount, have;
    int rc = meet_trouble(SQLITE_IOERR_READ, false);

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
    int rc = meet_trouble(SQLITE_IOERR_WRITE, true);

    if (rc != SQLITE_OK)
        len /= 2;
    must(at + len <= FILE_MAX, "the disk is larger than the file");
    memcpy(now->data + at, from, len);
    for (size_t sector = at / SECTOR; sector * SECTOR < at + len; sector++)
        place->given_up[sector] = false;
    now->len = at + len > now->len ? at + len : now->len;
    tell(DISK_WROTE, 0);
    return rc;
}

static int write_file(sqlite3_file *base, const void *from, int amount, sqlite3_int64 offset)
{
    struct place *place = ((struct file *)base)->place;
    size_t len = (size_t)amount, done = 0, part;
    int rc = SQLITE_OK;

    (void)pthread_mutex_lock(&guard);
    for (; rc == SQLITE_OK && done < len; done += part) {
        part = first_part(place, (size_t)offset + done, len - done);
        rc = write_part(place, (const uint8_t *)from + done, part, (size_t)offset + done);
    }
    (void)pthread_mutex_unlock(&guard);
    return rc;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    int rc;

    (void)pthread_mutex_lock(&guard);
    rc = meet_trouble(SQLITE_IOERR_TRUNCATE, false);
    if (rc == SQLITE_OK) {
        cut_content(&((struct file *)base)->place->now, (size_t)size);
        tell(DISK_WROTE, 0);
    }
    (void)pthread_mutex_unlock(&guard);
    return rc;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct place *place = ((struct file *)base)->place;
    int rc;

    (void)flags;
    (void)pthread_mutex_lock(&guard);
    rc = meet_trouble(SQLITE_IOERR_FSYNC, false);
    if (rc == SQLITE_OK) {
        if (!trouble.no_syncs)
            sync_content(place);
        tell(DISK_SYNCED, 0);
    } else {
        trouble.failed_sync = true;
    }
    (void)pthread_mutex_unlock(&guard);
    return rc;
}

static int size_of_file(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)((struct file *)base)->place->now.len;
    return meet_trouble(SQLITE_IOERR_FSTAT, false);
}

static int lock_file(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return meet_trouble(SQLITE_IOERR_LOCK, false);
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
    int rc = meet_trouble(SQLITE_CANTOPEN, (flags & SQLITE_OPEN_CREATE) != 0);

    (void)vfs;
    file->base.pMethods = NULL;
    if (rc != SQLITE_OK)
        return rc;
    (void)pthread_mutex_lock(&guard);
    file->place = find_place(name);
    file->temporary = name == NULL;
    if (!file->place->now.exists && (flags & SQLITE_OPEN_CREATE) == 0)
        rc = SQLITE_CANTOPEN;
    else
        file->place->now.exists = true;
    (void)pthread_mutex_unlock(&guard);
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
    (void)pthread_mutex_lock(&guard);
    rc = meet_trouble(SQLITE_IOERR_DELETE, false);
    if (rc == SQLITE_OK) {
        struct place *place = find_place(name);

        cut_content(&place->now, 0);
        place->now.exists = false;
        if (sync_folder)
            set_content(&place->synced, &place->now);
        tell(DISK_REMOVED, 0);
    }
    (void)pthread_mutex_unlock(&guard);
    return rc;
}

static int has_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs, (void)flags;
    *result = find_place(name)->now.exists;
    return meet_trouble(SQLITE_IOERR_ACCESS, false);
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
    pthread_mutexattr_t recursive;

    (void)pthread_mutexattr_init(&recursive);
    (void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&guard, &recursive);
    for (size_t i = 0; i < FILES; i++) {
        places[i].now.data = memory[i][0];
        places[i].synced.data = memory[i][1];
    }
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

void disk_clear(void)
{
    for (size_t i = 0; i < FILES; i++) {
        struct place *place = &places[i];

        place->name[0] = '\0';
        cut_content(&place->now, 0);
        cut_content(&place->synced, 0);
        place->now.exists = place->synced.exists = false;
        memset(place->given_up, 0, sizeof place->given_up);
    }
}

size_t disk_size(const char *name)
{
    return find_place(name)->now.len;
}

/* ---- images ---- */

struct disk_image {
    char name[FILES][NAME_MAX_LEN];
    struct content file[FILES];
};

static unsigned draw(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* Of the sectors that were not synced some are old, some are new; the file ends somewhere. */
static void tear(struct content *torn, const struct place *place, unsigned seed)
{
    const struct content *now = &place->now;
    size_t low = place->synced.len < now->len ? place->synced.len : now->len;
    size_t high = place->synced.len < now->len ? now->len : place->synced.len;

    torn->exists = now->exists || place->synced.exists;
    torn->len = low + (high > low ? draw(&seed) % (high - low + 1) : 0);
    for (size_t at = 0; at < torn->len; at += SECTOR) {
        size_t len = torn->len - at < SECTOR ? torn->len - at : SECTOR;
        const struct content *from = (draw(&seed) & 1) != 0 ? now : &place->synced;

        memcpy(torn->data + at, from->data + at, len);
    }
}

static void take_place(struct content *taken, const struct place *place, enum disk_loss loss,
                       unsigned seed)
{
    const struct content *from = loss == DISK_KILL ? &place->now : &place->synced;
    size_t size = place->now.len > place->synced.len ? place->now.len : place->synced.len;

    must((taken->data = calloc(1, size + 1)) != NULL, "memory");
    if (loss == DISK_TORN) {
        tear(taken, place, seed);
        return;
    }
    memcpy(taken->data, from->data, from->len);
    taken->len = from->len;
    taken->exists = from->exists;
}

struct disk_image *disk_take(enum disk_loss loss, unsigned seed)
{
    struct disk_image *image = calloc(1, sizeof *image);

    must(image != NULL, "memory");
    (void)pthread_mutex_lock(&guard);
    for (size_t i = 0; i < FILES; i++) {
        memcpy(image->name[i], places[i].name, NAME_MAX_LEN);
        take_place(&image->file[i], &places[i], loss, seed + (unsigned)i);
    }
    (void)pthread_mutex_unlock(&guard);
    return image;
}

struct disk_image *disk_copy(const struct disk_image *image)
{
    struct disk_image *copy = malloc(sizeof *copy);

    must(copy != NULL, "memory");
    *copy = *image;
    for (size_t i = 0; i < FILES; i++) {
        must((copy->file[i].data = malloc(image->file[i].len + 1)) != NULL, "memory");
        memcpy(copy->file[i].data, image->file[i].data, image->file[i].len);
    }
    return copy;
}

void disk_put(const struct disk_image *image)
{
    for (size_t i = 0; i < FILES; i++) {
        memcpy(places[i].name, image->name[i], NAME_MAX_LEN);
        set_content(&places[i].now, &image->file[i]);
        set_content(&places[i].synced, &image->file[i]);
        memset(places[i].given_up, 0, sizeof places[i].given_up);
    }
}

bool disk_same(const struct disk_image *a, const struct disk_image *b)
{
    for (size_t i = 0; i < FILES; i++) {
        const struct content *one = &a->file[i], *other = &b->file[i];

        if (strcmp(a->name[i], b->name[i]) != 0 || one->exists != other->exists ||
            one->len != other->len || memcmp(one->data, other->data, one->len) != 0)
            return false;
    }
    return true;
}

void disk_image_free(struct disk_image *image)
{
    for (size_t i = 0; image != NULL && i < FILES; i++)
        free(image->file[i].data);
    free(image);
}
