/*
 * SQLite writes a commit to its log page by page, each with a head of its own: two system calls a
 * page, some seventy for a session of the issuer. Here they are collected and written as one piece,
 * at the latest with the last page of the commit, which its head tells (SQLite's file format, 4.1
 * "WAL File Format"). So SQLite learns of an error before it takes the commit for written, and
 * nobody else looks at pages before. All else is left to the system's own file functions.
 */
#include "keygen2/base/database_internal.h"

#include <string.h>

enum {
    FRAME_HEAD = 24,
    SIZE_OF_DATABASE = 4, /* place in a head; 0 but in that of the last page of a commit */
    PIECE_MAX = 96 << 10, /* SQLite's own functions take less than 128 KiB at once */
};

static const uint8_t NOT_THE_LAST[4];

struct log_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this */
    uint8_t *piece;     /* PIECE_MAX bytes */
    size_t len;
    sqlite3_int64 offset;  /* of the piece */
    sqlite3_int64 end;     /* of what SQLite wrote last */
    bool head, last;       /* what was written before is a head; of a commit's last page */
    bool pads_to_a_sector; /* which takes writes of other forms: none is held back then */
    pthread_mutex_t syncing;
    bool sync_failed; /* once: then all do; under the mutex */
};

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

/* After an error SQLite gives the commit up: what is here of it goes with it. */
static int flush(struct log_file *log)
{
    size_t len = log->len;

    log->len = 0;
    return len == 0 ? SQLITE_OK
                    : log->real->pMethods->xWrite(log->real, log->piece, (int)len, log->offset);
}

/*
 * Heads are held back, and the pages that follow them, but the last: of what comes behind that
 * which was written before. Where SQLite writes a head elsewhere, no page may follow: it has
 * computed the sums of a commit anew whose pages it had to write early, more than once.
 */
static int write_file(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    struct log_file *log = log_of(file);
    const uint8_t *bytes = data;
    bool follows = offset == log->end, page = follows && log->head && log->len > 0;
    bool last = !page || log->last;
    int rc = SQLITE_OK;

    log->head = follows && !page && size == FRAME_HEAD && !log->pads_to_a_sector;
    log->last = log->head && memcmp(bytes + SIZE_OF_DATABASE, NOT_THE_LAST, 4) != 0;
    log->end = offset + size;
    if (!follows || (size_t)size > PIECE_MAX - log->len)
        rc = flush(log);
    if (rc != SQLITE_OK || size > PIECE_MAX)
        return rc != SQLITE_OK ? rc : log->real->pMethods->xWrite(log->real, data, size, offset);
    if (log->len == 0)
        log->offset = offset;
    memcpy(log->piece + log->len, data, (size_t)size);
    log->len += (size_t)size;
    return last && !log->head ? flush(log) : SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    struct log_file *log = log_of(file);
    int rc = flush(log);

    return rc != SQLITE_OK ? rc : log->real->pMethods->xRead(log->real, data, size, offset);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *log = log_of(file);
    int rc = flush(log);

    return rc != SQLITE_OK ? rc : log->real->pMethods->xTruncate(log->real, size);
}

/* The system tells of a sync that fails once, and forgets what was to be written: another one would
 * succeed, and so may one at the same time. SQLite itself lets a checkpoint fail without a word. */
static int sync_real(struct log_file *log, int flags)
{
    int rc;

    (void)pthread_mutex_lock(&log->syncing);
    rc = log->sync_failed ? SQLITE_IOERR_FSYNC : log->real->pMethods->xSync(log->real, flags);
    log->sync_failed = rc != SQLITE_OK;
    (void)pthread_mutex_unlock(&log->syncing);
    return rc;
}

static int sync_file(sqlite3_file *file, int flags)
{
    struct log_file *log = log_of(file);
    int rc = flush(log);

    return rc != SQLITE_OK ? rc : sync_real(log, flags);
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size)
{
    struct log_file *log = log_of(file);
    int rc = flush(log);

    return rc != SQLITE_OK ? rc : log->real->pMethods->xFileSize(log->real, size);
}

static int close_file(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    int rc = flush(log), closed = log->real->pMethods->xClose(log->real);

    sqlite3_free(log->piece);
    (void)pthread_mutex_destroy(&log->syncing);
    return rc != SQLITE_OK ? rc : closed;
}

static int lock_file(sqlite3_file *file, int kind)
{
    return log_of(file)->real->pMethods->xLock(log_of(file)->real, kind);
}

static int unlock_file(sqlite3_file *file, int kind)
{
    return log_of(file)->real->pMethods->xUnlock(log_of(file)->real, kind);
}

static int look_at_lock(sqlite3_file *file, int *result)
{
    return log_of(file)->real->pMethods->xCheckReservedLock(log_of(file)->real, result);
}

static int control_file(sqlite3_file *file, int what, void *arg)
{
    return log_of(file)->real->pMethods->xFileControl(log_of(file)->real, what, arg);
}

static int sector_size(sqlite3_file *file)
{
    return log_of(file)->real->pMethods->xSectorSize(log_of(file)->real);
}

static int device_characteristics(sqlite3_file *file)
{
    return log_of(file)->real->pMethods->xDeviceCharacteristics(log_of(file)->real);
}

static const sqlite3_io_methods LOG_METHODS = {
    .iVersion = 1, /* the rest is of shared memory and mapping, which the database file has */
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = look_at_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
};

/* What is collected here just then belongs to a commit that is not written yet. */
int database_file_sync(sqlite3_file *file)
{
    return file->pMethods == &LOG_METHODS ? sync_real(log_of(file), SQLITE_SYNC_NORMAL)
                                          : file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* The next commit comes where this would: perhaps another process has written it by then. */
static void forget(void *handle)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK &&
        file != NULL && file->pMethods == &LOG_METHODS)
        log_of(file)->len = 0;
}

void database_file_forget_what_fails(sqlite3 *handle)
{
    (void)sqlite3_rollback_hook(handle, forget, handle);
}

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given)
{
    struct log_file *log = log_of(file);
    int rc;

    if ((flags & SQLITE_OPEN_WAL) == 0)
        return real_vfs(vfs)->xOpen(real_vfs(vfs), name, file, flags, given);
    *log =
        (struct log_file){ .real = (sqlite3_file *)(log + 1), .piece = sqlite3_malloc(PIECE_MAX) };
    rc = log->piece == NULL ? SQLITE_NOMEM
                            : real_vfs(vfs)->xOpen(real_vfs(vfs), name, log->real, flags, given);
    if (rc != SQLITE_OK) {
        sqlite3_free(log->piece);
        return rc;
    }
    (void)pthread_mutex_init(&log->syncing, NULL);
    log->base.pMethods = &LOG_METHODS;
    log->pads_to_a_sector = (device_characteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0;
    return rc;
}

const char *database_file_system(void)
{
    static sqlite3_vfs vfs;
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    (void)pthread_mutex_lock(&once);
    if (real != NULL && vfs.pAppData == NULL) {
        vfs = *real;
        vfs.zName = "log-in-pieces";
        vfs.pAppData = real;
        vfs.szOsFile += (int)sizeof(struct log_file);
        vfs.xOpen = open_file;
        if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
            vfs.pAppData = NULL;
    }
    real = vfs.pAppData;
    (void)pthread_mutex_unlock(&once);
    return real == NULL ? NULL : vfs.zName;
}
