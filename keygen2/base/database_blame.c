/* Which file it is that SQLite could not write: its own text does not say. */
#include "keygen2/base/database_internal.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <string.h>

/* What SQLite says where it may read only: "disk I/O error", if it cannot make its log. */
static bool is_about_files(int code)
{
    code &= 0xff;
    return code == SQLITE_READONLY || code == SQLITE_IOERR || code == SQLITE_CANTOPEN ||
           code == SQLITE_PERM;
}

bool database_blame(sqlite3 *handle, const char *path, enum sks_status status,
                    struct sks_error *err)
{
    static const char *const SUFFIX[] = { "", "-wal", "-shm" };
    struct sks_error why = { 0 };
    char name[PATH_MAX];

    if (path == NULL || path[0] == '\0' || !is_about_files(sqlite3_errcode(handle)))
        return false;
    for (size_t i = 0; i < NITEMS(SUFFIX); i++)
        if (snprintf(name, sizeof name, "%s%s", path, SUFFIX[i]) < (int)sizeof name &&
            file_need_writable(name, &why) != SKS_OK) {
            (void)sks_fail(err, status, "%s", why.text);
            return true;
        }
    return false;
}
