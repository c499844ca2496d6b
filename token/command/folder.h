/* The folder of a token's store: who may open it, and the paths in it. */
#ifndef TOKEN_COMMAND_FOLDER_H
#define TOKEN_COMMAND_FOLDER_H

#include "token/token.h"

enum { FOLDER_PATH_MAX = 4096 };

struct folder {
    char database[FOLDER_PATH_MAX], master_key[FOLDER_PATH_MAX], device_ca[FOLDER_PATH_MAX],
        control[FOLDER_PATH_MAX], request[FOLDER_PATH_MAX], lock_path[FOLDER_PATH_MAX],
        restored[FOLDER_PATH_MAX];
    int lock; /* descriptor of the locked lock file, -1 if not locked */
};

/** Fills the paths. @param key_file path of the master key, NULL for the one in the folder */
CHECKED enum sks_status folder_paths(struct folder *folder, const char *store, const char *key_file,
                                     struct sks_error *err);

/** SKS_ERROR_EXTERNAL if there is no store in the folder. @param store its name for the text */
CHECKED enum sks_status folder_need_store(const struct folder *folder, const char *store,
                                          struct sks_error *err);

/** As folder_lock(), for what cannot be done beside a server: the text says to stop it. */
CHECKED enum sks_status folder_lock_alone(struct folder *folder, struct sks_error *err);

/** Locks the store for this process; SKS_ERROR_NOT_AVAILABLE if another one has it. */
CHECKED enum sks_status folder_lock(struct folder *folder, struct sks_error *err);

/** Removes a database and what SQLite keeps beside it. */
void folder_remove_database(const char *path);

/** Removes copies of the store, and what became of a restore, that somebody who was killed left
 * behind; for who has locked it. */
void folder_sweep(const struct folder *folder);

/** Unlocks. */
void folder_unlock(struct folder *folder);

#endif
