/* The issuer's data folder: its keys, its certificates, its database. */
#ifndef ISSUER_DATA_FOLDER_H
#define ISSUER_DATA_FOLDER_H

#include "issuer/issuer.h"

/**
 * Makes whatever is missing in the folder, and leaves alone what is there.
 *
 * @param host  a name or address for the TLS certificate besides those of the loopback, or NULL
 */
CHECKED enum sks_status data_folder_make(const char *folder, const char *host,
                                         struct sks_error *err);

/**
 * Makes the folder one of a CA that lies elsewhere: it gets a copy of the certificate and a link to
 * the key. Before data_folder_make(), each time. adopted_ca.c
 *
 * @param key_file  PEM, as file_read_secret() takes it; both NULL: nothing is done
 * @return SKS_ERROR_OPTION if the folder has another CA, or only one of the two is given
 */
CHECKED enum sks_status data_folder_adopt_ca(const char *folder, const char *key_file,
                                             const char *certificate_file, struct sks_error *err);

/** One process at a time makes, or copies, what is in the folder. @param lock out: -1, or for
 * data_folder_unlock() */
CHECKED enum sks_status data_folder_lock(const char *folder, int *lock, struct sks_error *err);

/**
 * One process at a time serves the folder, which is made if it is not there. What others may do
 * beside it takes data_folder_lock().
 *
 * @param lock  out: -1, or for data_folder_unlock(), as late as at the end of the server
 * @return SKS_ERROR_EXTERNAL if another one does
 */
CHECKED enum sks_status data_folder_claim(const char *folder, int *lock, struct sks_error *err);

/** @param lock  -1 is allowed */
void data_folder_unlock(int lock);

/** Whether a file of the folder is one of those that are locked, and hold nothing. */
bool data_folder_is_lock(const char *name);

/** Makes the next generation of the key management key. @param generation out: its number */
CHECKED enum sks_status data_folder_roll_over(const char *folder, unsigned *generation,
                                              struct sks_error *err);

/** Makes another evidence key, with its certificate; the old certificate is kept, its key is not.
 */
CHECKED enum sks_status data_folder_renew_evidence(const char *folder, struct sks_error *err);

/** Loads keys and certificates, all but the sealing key of the database. @param issuer zeroed; free
 * with data_folder_close() */
CHECKED enum sks_status data_folder_load(const char *folder, struct issuer *issuer,
                                         struct sks_error *err);

/** Looks whether all that data_folder_load() and data_folder_open() want is still there, but for
 * key management keys. */
CHECKED enum sks_status data_folder_look(const char *folder, struct sks_error *err);

/** Opens the database, which must be there, with its sealing key. */
CHECKED enum sks_status data_folder_open(const char *folder, struct session_store *store,
                                         struct sks_error *err);

/** Wipes and frees all that was loaded, the database included. */
void data_folder_close(struct issuer *issuer);

#endif
