#include "tests/plain/support/disk_internal.h"

#include <sqlite3.h>
#include <stdio.h>

struct place disk_places[FILES];
pthread_mutex_t disk_guard;

static uint8_t memory[FILES][2][FILE_MAX];

static struct {
    enum disk_fault fault;
    unsigned at, seen;
    bool lasting, failed, failed_sync;
    bool no_syncs;
} trouble;

static void (*watcher)(void *ctx, enum disk_event event, int detail);
static void *watcher_ctx;

/* ---- contents ---- */

void disk_prepare(void)
{
    pthread_mutexattr_t recursive;

    (void)pthread_mutexattr_init(&recursive);
    (void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&disk_guard, &recursive);
    for (size_t i = 0; i < FILES; i++) {
        disk_places[i].now.data = memory[i][0];
        disk_places[i].synced.data = memory[i][1];
    }
}

void content_set(struct content *to, const struct content *from)
{
    if (to->len > from->len)
        memset(to->data + from->len, 0, to->len - from->len);
    memcpy(to->data, from->data, from->len);
    to->len = from->len;
    to->exists = from->exists;
}

void content_cut(struct content *content, size_t len)
{
    if (len < content->len)
        memset(content->data + len, 0, content->len - len);
    content->len = len;
}

void disk_sync_place(struct place *place)
{
    const struct content *now = &place->now;

    if (trouble.no_syncs)
        return;
    content_cut(&place->synced, now->len);
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
            if (memcmp(disk_places[i].now.data + at, disk_places[i].synced.data + at, SECTOR) != 0)
                disk_places[i].given_up[at / SECTOR] = true;
}

struct place *disk_place(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct place *free_place = NULL;

    for (size_t i = 0; i < FILES; i++) {
        struct place *p = &disk_places[i];

        if (name != NULL && strcmp(p->name, name) == 0)
            return p;
        if (p->name[0] == '\0' && free_place == NULL)
            free_place = p;
    }
    must(free_place != NULL, "the disk has no room for another file");
    (void)snprintf(free_place->name, NAME_MAX_LEN, "%s", name == NULL ? "temporary" : name);
    return free_place;
}

void disk_clear(void)
{
    for (size_t i = 0; i < FILES; i++) {
        struct place *place = &disk_places[i];

        place->name[0] = '\0';
        content_cut(&place->now, 0);
        content_cut(&place->synced, 0);
        place->now.exists = place->synced.exists = false;
        memset(place->given_up, 0, sizeof place->given_up);
    }
}

size_t disk_size(const char *name)
{
    return disk_place(name)->now.len;
}

/* ---- events and trouble ---- */

void disk_tell(enum disk_event event, int detail)
{
    if (watcher != NULL)
        watcher(watcher_ctx, event, detail);
}

void disk_note(int detail)
{
    (void)pthread_mutex_lock(&disk_guard);
    disk_tell(DISK_OTHER, detail);
    (void)pthread_mutex_unlock(&disk_guard);
}

void disk_watch(void (*watch)(void *ctx, enum disk_event event, int detail), void *ctx)
{
    (void)pthread_mutex_lock(&disk_guard);
    watcher = watch;
    watcher_ctx = ctx;
    (void)pthread_mutex_unlock(&disk_guard);
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

int disk_meet_trouble(int error, bool takes_room)
{
    if (trouble.at == 0 || (trouble.fault == DISK_FULL && !takes_room))
        return SQLITE_OK;
    trouble.seen++;
    if (trouble.seen != trouble.at && !(trouble.lasting && trouble.seen > trouble.at))
        return SQLITE_OK;
    trouble.failed = true;
    return trouble.fault == DISK_FULL ? SQLITE_FULL : error;
}

int disk_meet_trouble_of_sync(void)
{
    int rc = disk_meet_trouble(SQLITE_IOERR_FSYNC, false);

    trouble.failed_sync = trouble.failed_sync || rc != SQLITE_OK;
    return rc;
}
