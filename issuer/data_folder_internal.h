/* What making the data folder (data_folder_make.c) and using it (data_folder.c) share. Nobody else
 * includes this. */
#ifndef ISSUER_DATA_FOLDER_INTERNAL_H
#define ISSUER_DATA_FOLDER_INTERNAL_H

#include "issuer/session_store.h"

#include <limits.h>

enum { SECRET_MODE = 0600, FOLDER_MODE = 0700, NAME_MAX_LENGTH = 64 };

/* Pairs of NAME.key and NAME.pem. */
#define CA_NAME "ca"
#define TLS_NAME "tls"
#define EVIDENCE_NAME "evidence"

#define SEAL_FILE "seal.key"
#define DATABASE_FILE "issuer.db"

/** The path of a name and its suffix in the folder. */
CHECKED enum sks_status data_folder_path(char path[PATH_MAX], const char *folder, const char *name,
                                         const char *suffix, struct sks_error *err);

/** Reads the key that the database's secrets are sealed under. */
CHECKED enum sks_status data_folder_load_seal_key(const char *folder, struct session_store *store,
                                                  struct sks_error *err);

#endif
