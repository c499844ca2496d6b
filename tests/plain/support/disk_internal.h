/* What the parts of the disk share: its files, what was written and synced of them, its trouble. */
#ifndef TESTS_PLAIN_SUPPORT_DISK_INTERNAL_H
#define TESTS_PLAIN_SUPPORT_DISK_INTERNAL_H

#include "tests/plain/support/disk.h"
#include "tests/plain/support/must.h"

#include <pthread.h>
#include <string.h>

enum { FILES = 8, FILE_MAX = 4 * 1024 * 1024, NAME_MAX_LEN = 64, SECTOR = 512 };

/* Contents lie in memory of the program's own: a test may be failing all allocations. */
struct content {
    bool exists;
    size_t len;
    uint8_t *data; /* FILE_MAX bytes; what is behind len is zero */
};

struct place {
    char name[NAME_MAX_LEN];
    struct content now, synced;
    bool given_up[FILE_MAX / SECTOR]; /* no sync will write it */
};

extern struct place disk_places[FILES];

/* Recursive: a watcher is called under it, and may take images. */
extern pthread_mutex_t disk_guard;

/** Gives the files their memory, and the guard. */
void disk_prepare(void);

/** The file of this name, made where there is none. @param path  NULL: a temporary one */
struct place *disk_place(const char *path);

void content_set(struct content *to, const struct content *from);
void content_cut(struct content *content, size_t len);

/** What was written of it is on the disk, unless syncs are ignored or it was given up. */
void disk_sync_place(struct place *place);

/** Under the guard. */
void disk_tell(enum disk_event event, int detail);

/** @return SQLITE_OK, or what a call that fails gives */
int disk_meet_trouble(int error, bool takes_room);

/** The same of a sync. */
int disk_meet_trouble_of_sync(void);

#endif
