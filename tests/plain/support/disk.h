/*
 * A disk in memory for SQLite. It knows what was written and what was synced, so that a test can
 * look at what a kill or a power cut at any moment would leave; and any call to it can be made to
 * fail. It stands in for the file system of the whole process.
 */
#ifndef TESTS_PLAIN_SUPPORT_DISK_H
#define TESTS_PLAIN_SUPPORT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Makes it SQLite's file system. Before the first database is opened. */
void disk_install(void);

/** Removes all files; none may be open. */
void disk_clear(void);

/** Bytes of a file; the name is without folders. */
size_t disk_size(const char *name);

/* ---- what is left when the process or the power goes ---- */

enum disk_loss {
    DISK_KILL,      /* all that was written is there */
    DISK_POWER_CUT, /* only what was synced is there */
    DISK_TORN,      /* of what was not synced, some sectors are there */
    DISK_LOSSES,    /* how many there are */
};

struct disk_image;

/** What the loss would leave now. @param seed  draws the sectors of DISK_TORN */
struct disk_image *disk_take(enum disk_loss loss, unsigned seed);

struct disk_image *disk_copy(const struct disk_image *image);

/** Puts an image in the place of all files, none of which may be open. */
void disk_put(const struct disk_image *image);

/** True if both hold the same. */
bool disk_same(const struct disk_image *a, const struct disk_image *b);

/** NULL is allowed. */
void disk_image_free(struct disk_image *image);

/* ---- calls that fail ---- */

enum disk_fault {
    DISK_ERROR, /* an I/O error of any call */
    DISK_FULL,  /* no room for what is written */
};

/**
 * Makes calls fail from now on. A write that fails has written a part.
 *
 * @param at       which one, from 1; 0: none
 * @param lasting  that one and all after it, instead of that one only
 */
void disk_fail(enum disk_fault fault, unsigned at, bool lasting);

/** True if a call has failed since disk_fail(). */
bool disk_failed(void);

/** True if a sync has failed since disk_fail() last made calls fail. */
bool disk_failed_sync(void);

/** Syncs from now on are answered as done, and nothing is. */
void disk_ignore_syncs(bool ignore);

/** As after a sync that failed: what was not synced is there to be read, and is synced only if it
 * is written again. */
void disk_give_up(void);

/* ---- watching ---- */

enum disk_event { DISK_WROTE, DISK_SYNCED, DISK_REMOVED, DISK_OTHER };

/**
 * Calls watch() after each event, with the disk held still.
 *
 * @param watch  NULL: nobody watches any more; may take images
 */
void disk_watch(void (*watch)(void *ctx, enum disk_event event, int detail), void *ctx);

/** Tells the watcher of something else that happens between writes. @param detail for the watcher
 */
void disk_note(int detail);

#endif
