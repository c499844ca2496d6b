/* A store as it is at one moment, for what is done to it as a whole: opened itself, or, where
 * somebody serves it, a copy that its server makes. */
#ifndef TOKEN_COMMAND_WHOLE_STORE_H
#define TOKEN_COMMAND_WHOLE_STORE_H

#include "token/command/folder.h"
#include "token/store.h"

struct whole_store {
    struct folder folder;
    char copy[FOLDER_PATH_MAX]; /* path of the server's copy, "" for the store itself */
    struct vault *vault;
    struct store *store;
};

/** Opens it; whole_store_close() it in any case. @param key_file see folder_paths() */
CHECKED enum sks_status whole_store_open(const char *store, const char *key_file,
                                         struct whole_store *whole, struct sks_error *err);

/**
 * Closes the database, after which its one file holds all of it, and nobody writes it until
 * whole_store_close(). The vault stays.
 *
 * @param path  out: of that file
 */
CHECKED enum sks_status whole_store_settle(struct whole_store *whole, const char **path,
                                           struct sks_error *err);

/** Closes all; a copy is gone. */
void whole_store_close(struct whole_store *whole);

#endif
