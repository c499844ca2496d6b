#include "tests/unit/support/keygen2/database_files.h"
#include "keygen2/base/status.h"

#include <stdio.h>
#include <unistd.h>

void database_files_remove(const char *path)
{
    static const char *const SUFFIX[] = { "", "-wal", "-shm" };
    char name[128];

    for (size_t i = 0; i < NITEMS(SUFFIX); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, SUFFIX[i]);
        (void)unlink(name);
    }
}
