/* What the SQLite backend shares with its upgrades. Nobody else includes this. */
#ifndef TOKEN_STORE_SQLITE_H
#define TOKEN_STORE_SQLITE_H

#include "keygen2/base/database.h"
#include "token/store_backend.h"

#define STORE_COLUMNS "kind, handle, owner, refers, closed, name, tag, body"

/** Reads a row of STORE_COLUMNS; its body is appended to `sealed`. */
CHECKED enum sks_status store_read_row(sqlite3_stmt *statement, struct arena *arena,
                                       struct store_row *row, struct buf *sealed);

/* From forms of the store that are older; store_upgrade.c. Their context is the vault. */
enum { STORE_UPGRADES_COUNT = 2 };
extern const struct database_upgrade STORE_UPGRADES[STORE_UPGRADES_COUNT];

/** For struct database_schema. */
unsigned store_version_of(struct database *db, unsigned said);

#endif
