#include "matrix/snapshot.h"

#include "keygen2/base/files.h"

#include <stdio.h>

enum { DATABASE_MAX = 64 * 1024 * 1024 };

enum sks_status snapshot_take(struct buf *kept, const char *database, struct sks_error *err)
{
    buf_reset(kept);
    return file_read(database, DATABASE_MAX, kept, err);
}

/* Not durable: it is gone with the sweep. */
enum sks_status snapshot_put(const struct buf *kept, const char *database, struct sks_error *err)
{
    FILE *file = fopen(database, "we");
    bool good = file != NULL && fwrite(kept->ptr, 1, kept->len, file) == kept->len;

    good = file != NULL && fclose(file) == 0 && good;
    return good ? SKS_OK : sks_fail(err, SKS_ERROR_EXTERNAL, "%s cannot be written", database);
}
