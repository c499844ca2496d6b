#include "tests/fuzz/support/fast_sqlite.h"
#include "tests/plain/support/enrol.h"

#include <string.h>

static sqlite3 *newest;

/* ---- memory that AddressSanitizer does not look after, as it is a third of all ---- */

/* A block has its size in front. */
enum { SIZE_IN_FRONT = 16 };
void *__libc_malloc(size_t size);
void __libc_free(void *block);
void *__libc_realloc(void *block, size_t size);

static void *with_size(char *block, int size)
{
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    return block + SIZE_IN_FRONT;
}

static void *sqlite_malloc(int size)
{
    return with_size(__libc_malloc((size_t)size + SIZE_IN_FRONT), size);
}

static void sqlite_free(void *memory)
{
    __libc_free((char *)memory - SIZE_IN_FRONT);
}

static void *sqlite_realloc(void *memory, int size)
{
    return with_size(__libc_realloc((char *)memory - SIZE_IN_FRONT, (size_t)size + SIZE_IN_FRONT),
                     size);
}

static int sqlite_size(void *memory)
{
    int size = 0;

    if (memory != NULL)
        memcpy(&size, (char *)memory - SIZE_IN_FRONT, sizeof size);
    return size;
}

static int sqlite_round_up(int size)
{
    return (size + 7) & ~7;
}

static int sqlite_start(void *nothing)
{
    (void)nothing;
    return SQLITE_OK;
}

static void sqlite_stop(void *nothing)
{
    (void)nothing;
}

static const sqlite3_mem_methods PLAIN_MEMORY = {
    sqlite_malloc,   sqlite_free,  sqlite_realloc, sqlite_size,
    sqlite_round_up, sqlite_start, sqlite_stop,    NULL,
};

/* ---- databases in memory ---- */

/* Called for each database that is opened. One in memory lives as long as somebody has it open. */
static int note_database(sqlite3 *db, char **error, const void *api)
{
    static sqlite3 *keeper;

    (void)error, (void)api;
    if (newest == NULL) {
        newest = db; /* not again for the keeper */
        must(sqlite3_open(sqlite3_db_filename(db, "main"), &keeper) == SQLITE_OK, "SQLite");
    }
    newest = db;
    return SQLITE_OK;
}

void fast_sqlite(void)
{
    must(sqlite3_config(SQLITE_CONFIG_MALLOC, &PLAIN_MEMORY) == SQLITE_OK &&
             sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
             sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK &&
             sqlite3_vfs_register(sqlite3_vfs_find("memdb"), 1) == SQLITE_OK &&
             sqlite3_auto_extension((void (*)(void))note_database) == SQLITE_OK,
         "SQLite");
}

sqlite3 *fast_sqlite_database(void)
{
    return newest;
}
