/*
 * Records what a program does to the files of one folder. Preloaded into the real sks-token, it
 * logs every open, write, truncate, sync, rename, unlink and mkdir there, with its data, and puts a
 * mark in front of whatever leaves on a socket. The order of the log is the order of the calls.
 *
 * SKS_RECORD_FOLDER      absolute path of the folder; what lies below is recorded
 * SKS_RECORD_LOG         file outside of it, appended to; tests/crash/recording.py reads it
 * SKS_RECORD_CHECKPOINT  pages after which SQLite checkpoints, in place of its own 1000
 * SKS_RECORD_SPLIT       set: every change is committed on its own, which is a defect to be found
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One entry of the log: this head, then `length` bytes. As in recording.py. */
struct entry {
    uint8_t kind; /* a letter of enum kind */
    uint8_t reserved[3];
    int32_t fd;
    uint64_t offset; /* of a write, size of a truncate, enum open_flags of an open */
    uint32_t length, reserved2;
};

enum kind {
    ENTRY_START = 'P',
    ENTRY_OPEN = 'O', /* name */
    ENTRY_CLOSE = 'C',
    ENTRY_WRITE = 'W', /* data */
    ENTRY_TRUNCATE = 'T',
    ENTRY_SYNC = 'S',
    ENTRY_UNLINK = 'U', /* name */
    ENTRY_RENAME = 'R', /* name, NUL, new name */
    ENTRY_MKDIR = 'M',  /* name */
    ENTRY_ANSWER = 'A', /* bytes are about to leave */
};

enum open_flags { OPEN_CREATED = 1, OPEN_TRUNCATED = 2 };

enum { DESCRIPTORS = 4096 };

static struct {
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*sendmsg)(int, const struct msghdr *, int);
    int (*open)(const char *, int, ...);
    int (*mkostemp)(char *, int);
    int (*close)(int);
    int (*ftruncate)(int, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*unlink)(const char *);
    int (*rename)(const char *, const char *);
    int (*mkdir)(const char *, mode_t);
    int (*sqlite3_open_v2)(const char *, sqlite3 **, int, const char *);
    int (*sqlite3_step)(sqlite3_stmt *);
} real;

static struct {
    pthread_mutex_t lock; /* held over call and entry, so that their orders agree */
    int log;              /* -1: nothing is recorded */
    const char *folder;
    size_t folder_len;
    bool watched[DESCRIPTORS];
} recorder = { .lock = PTHREAD_MUTEX_INITIALIZER, .log = -1 };

/* ---- the log ---- */

static void give_up(const char *why)
{
    (void)fprintf(stderr, "recorder: %s\n", why);
    abort(); /* better no recording than one with a gap */
}

static void record(enum kind kind, int fd, uint64_t offset, const void *data, size_t len)
{
    struct entry entry = {
        .kind = (uint8_t)kind, .fd = fd, .offset = offset, .length = (uint32_t)len
    };
    struct iovec part[] = { { &entry, sizeof entry }, { (void *)(uintptr_t)data, len } };

    if (real.writev(recorder.log, part, len > 0 ? 2 : 1) != (ssize_t)(sizeof entry + len))
        give_up("the log cannot be written");
}

/* The path below the folder, "" for the folder itself; NULL if it lies elsewhere. */
static const char *name_of(const char *path)
{
    if (recorder.log < 0 || strncmp(path, recorder.folder, recorder.folder_len) != 0)
        return NULL;
    path += recorder.folder_len;
    return *path == '/' ? path + 1 : *path == '\0' ? path : NULL;
}

static bool is_watched(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && recorder.watched[fd];
}

static void watch(int fd, const char *name, bool created, bool truncated)
{
    if (fd >= DESCRIPTORS)
        give_up("too many descriptors");
    recorder.watched[fd] = true;
    record(ENTRY_OPEN, fd, (created ? OPEN_CREATED : 0) | (truncated ? OPEN_TRUNCATED : 0), name,
           strlen(name));
}

static void enter(void)
{
    (void)pthread_mutex_lock(&recorder.lock);
}

static void leave(void)
{
    int kept = errno;

    (void)pthread_mutex_unlock(&recorder.lock);
    errno = kept;
}

/* ---- start ---- */

static void find(const char *name, void *slot)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    if (symbol == NULL)
        give_up(name);
    memcpy(slot, &symbol, sizeof symbol);
}

__attribute__((constructor)) static void start(void)
{
    const char *log = getenv("SKS_RECORD_LOG");
    const struct {
        const char *name;
        void *slot;
    } wanted[] = {
        { "write", &real.write },
        { "pwrite64", &real.pwrite },
        { "writev", &real.writev },
        { "send", &real.send },
        { "sendmsg", &real.sendmsg },
        { "open64", &real.open },
        { "mkostemp64", &real.mkostemp },
        { "close", &real.close },
        { "ftruncate64", &real.ftruncate },
        { "fsync", &real.fsync },
        { "fdatasync", &real.fdatasync },
        { "unlink", &real.unlink },
        { "rename", &real.rename },
        { "mkdir", &real.mkdir },
        { "sqlite3_open_v2", &real.sqlite3_open_v2 },
        { "sqlite3_step", &real.sqlite3_step },
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        find(wanted[i].name, wanted[i].slot);
    recorder.folder = getenv("SKS_RECORD_FOLDER");
    if (log == NULL || recorder.folder == NULL)
        return;
    recorder.folder_len = strlen(recorder.folder);
    recorder.log = real.open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (recorder.log < 0)
        give_up("the log cannot be opened");
    record(ENTRY_START, -1, 0, NULL, 0);
}

/* ---- files ---- */

static int recorded_open(const char *path, int flags, mode_t mode)
{
    const char *name = name_of(path);
    bool created;
    int fd;

    if (name == NULL)
        return real.open(path, flags, mode);
    enter();
    created = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    fd = real.open(path, flags, mode);
    if (fd >= 0)
        watch(fd, name, created, (flags & O_TRUNC) != 0);
    leave();
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return recorded_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return recorded_open(path, flags, mode);
}

int mkostemp(char *path, int flags)
{
    int fd;

    enter();
    fd = real.mkostemp(path, flags);
    if (fd >= 0 && name_of(path) != NULL)
        watch(fd, name_of(path), true, false);
    leave();
    return fd;
}

int close(int fd)
{
    int rc;

    enter();
    if (is_watched(fd)) {
        recorder.watched[fd] = false;
        record(ENTRY_CLOSE, fd, 0, NULL, 0);
    }
    rc = real.close(fd);
    leave();
    return rc;
}

static ssize_t recorded_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    ssize_t put;

    enter();
    put = real.pwrite(fd, data, len, offset);
    if (put > 0 && is_watched(fd))
        record(ENTRY_WRITE, fd, (uint64_t)offset, data, (size_t)put);
    leave();
    return put;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return recorded_pwrite(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    return recorded_pwrite(fd, data, len, offset);
}

static int recorded_truncate(int fd, off_t size)
{
    int rc;

    enter();
    rc = real.ftruncate(fd, size);
    if (rc == 0 && is_watched(fd))
        record(ENTRY_TRUNCATE, fd, (uint64_t)size, NULL, 0);
    leave();
    return rc;
}

int ftruncate(int fd, off_t size)
{
    return recorded_truncate(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return recorded_truncate(fd, size);
}

static int recorded_sync(int fd, int (*sync)(int))
{
    int rc;

    enter();
    rc = sync(fd);
    if (rc == 0 && is_watched(fd))
        record(ENTRY_SYNC, fd, 0, NULL, 0);
    leave();
    return rc;
}

int fsync(int fd)
{
    return recorded_sync(fd, real.fsync);
}

int fdatasync(int fd)
{
    return recorded_sync(fd, real.fdatasync);
}

/* ---- names ---- */

int unlink(const char *path)
{
    const char *name = name_of(path);
    int rc;

    enter();
    rc = real.unlink(path);
    if (rc == 0 && name != NULL)
        record(ENTRY_UNLINK, -1, 0, name, strlen(name));
    leave();
    return rc;
}

int rename(const char *from, const char *to)
{
    const char *old = name_of(from), *new = name_of(to);
    char names[2 * 4096];
    int rc;

    if ((old == NULL) != (new == NULL))
        give_up("a rename into the folder or out of it");
    enter();
    rc = real.rename(from, to);
    if (rc == 0 && old != NULL) {
        (void)snprintf(names, sizeof names, "%s%c%s", old, '\0', new);
        record(ENTRY_RENAME, -1, 0, names, strlen(old) + 1 + strlen(new));
    }
    leave();
    return rc;
}

int mkdir(const char *path, mode_t mode)
{
    const char *name = name_of(path);
    int rc;

    enter();
    rc = real.mkdir(path, mode);
    if (rc == 0 && name != NULL)
        record(ENTRY_MKDIR, -1, 0, name, strlen(name));
    leave();
    return rc;
}

/* ---- sockets ---- */

/* In front of the call: from here on the client may know. */
static void mark_answer(int fd)
{
    struct stat about;

    if (recorder.log < 0 || fstat(fd, &about) != 0 || !S_ISSOCK(about.st_mode))
        return;
    enter();
    record(ENTRY_ANSWER, fd, 0, NULL, 0);
    leave();
}

ssize_t write(int fd, const void *data, size_t len)
{
    ssize_t put;

    if (!is_watched(fd)) {
        mark_answer(fd);
        return real.write(fd, data, len);
    }
    enter();
    put = real.write(fd, data, len);
    if (put > 0)
        record(ENTRY_WRITE, fd, (uint64_t)(lseek(fd, 0, SEEK_CUR) - put), data, (size_t)put);
    leave();
    return put;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (is_watched(fd))
        give_up("writev() to a file");
    mark_answer(fd);
    return real.writev(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    mark_answer(fd);
    return real.send(fd, data, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    mark_answer(fd);
    return real.sendmsg(fd, message, flags);
}

/* ---- SQLite ---- */

int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
    const char *pages = getenv("SKS_RECORD_CHECKPOINT");
    int rc = real.sqlite3_open_v2(path, db, flags, vfs);

    if (rc == SQLITE_OK && pages != NULL)
        (void)sqlite3_wal_autocheckpoint(*db, atoi(pages));
    return rc;
}

int sqlite3_step(sqlite3_stmt *statement)
{
    sqlite3 *db = sqlite3_db_handle(statement);
    int rc = real.sqlite3_step(statement);

    if (rc == SQLITE_DONE && getenv("SKS_RECORD_SPLIT") != NULL && !sqlite3_get_autocommit(db) &&
        !sqlite3_stmt_readonly(statement) && strncmp(sqlite3_sql(statement), "BEGIN", 5) != 0 &&
        sqlite3_exec(db, "COMMIT; BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        give_up("a transaction cannot be split");
    return rc;
}
