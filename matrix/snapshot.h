/* A database as it was at a moment, to go back to. Nobody may have it open meanwhile. */
#ifndef MATRIX_SNAPSHOT_H
#define MATRIX_SNAPSHOT_H

#include "keygen2/base/bytes.h"

/** Replaces what was kept. */
CHECKED enum sks_status snapshot_take(struct buf *kept, const char *database,
                                      struct sks_error *err);

CHECKED enum sks_status snapshot_put(const struct buf *kept, const char *database,
                                     struct sks_error *err);

#endif
