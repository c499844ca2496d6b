/*
 * A disk that fails: every call of a whole life of keys is made again and again, and each time
 * another read, write, sync, truncation or opening of a file fails, alone or with all that come
 * after it; or there is no room for what is written. What a crash then leaves is looked at too.
 */
#include "keygen2/base/log.h"
#include "tests/plain/support/mischief.h"

#include <sqlite3.h>
#include <stdio.h>

enum { CHECKPOINT_PAGES = 4 };

static void fail_io(unsigned number, bool lasting)
{
    disk_fail(DISK_ERROR, number, lasting);
}

static void fill_up(unsigned number, bool lasting)
{
    disk_fail(DISK_FULL, number, lasting);
}

static bool end(void)
{
    bool failed = disk_failed();

    disk_fail(DISK_ERROR, 0, false);
    return failed;
}

static const struct mischief IO = { "I/O error", fail_io, end, true, false, true };
static const struct mischief FULL = { "full disk", fill_up, end, true, false, false };

/* So that checkpoints are among what fails. */
static int checkpoint_often(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error, (void)api;
    return sqlite3_wal_autocheckpoint(db, CHECKPOINT_PAGES);
}

int main(void)
{
    struct story story;
    unsigned io, full;

    log_set_level(LOG_LEVEL_NONE); /* of each sync that fails */
    (void)sqlite3_auto_extension((void (*)(void))checkpoint_often);
    story_record(&story);
    io = mischief_everywhere(&story, &IO);
    full = mischief_everywhere(&story, &FULL);
    (void)printf("OK: %u I/O errors, %u times no room\n", io, full);
    story_free(&story);
    return 0;
}
