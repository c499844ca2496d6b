/*
 * Which master key a store is sealed with, and how it gets another one.
 *
 * A change is one as a whole, though the key lies in a file and what it seals in a database:
 *
 *   1. the new key is written to KEY-FILE.pending, durably
 *   2. every row is sealed anew, in one durable transaction
 *   3. KEY-FILE.pending is renamed to KEY-FILE
 *
 * Whoever opens a store whose rows KEY-FILE does not open, but KEY-FILE.pending does, was cut off
 * between 2 and 3 and does 3. Before 2 the pending file means nothing, and the next change
 * overwrites it. Nothing else ever deletes it: it may be the only copy of the key.
 */
#ifndef TOKEN_MASTER_KEY_H
#define TOKEN_MASTER_KEY_H

#include "token/store.h"

/**
 * Opens a store and the vault that it is sealed with, and finishes a change that was cut off. Only
 * for who has locked the store.
 *
 * @param database  path of the database
 * @param key_file  see vault_open()
 * @param vault     out: must outlive the store; NULL on failure, as the store
 * @return SKS_ERROR_EXTERNAL if the store is sealed with another master key
 */
CHECKED enum sks_status master_key_open(const char *database, const char *key_file,
                                        struct vault **vault, struct store **store,
                                        struct sks_error *err);

/** As master_key_open(), of a copy of a store or beside who has locked it: it finishes nothing. */
CHECKED enum sks_status master_key_open_copy(const char *database, const char *key_file,
                                             struct vault **vault, struct store **store,
                                             struct sks_error *err);

/** Writes the master key that vault_open(from) would load to the pending file of key_file. */
CHECKED enum sks_status master_key_prepare(const char *from, const char *key_file,
                                           struct sks_error *err);

/** Step 3. */
CHECKED enum sks_status master_key_finish(const char *key_file, struct sks_error *err);

/**
 * True if key_file can be replaced here: the key does not come by the environment, and the folder
 * of the file can be written.
 */
bool master_key_is_replaceable(const struct vault *vault, const char *key_file);

/**
 * Changes the master key. Settles the tries of PINs and PUKs, as their candidates are made with it.
 *
 * @param vault     in: of the store; out: the new one, on success
 * @param key_file  where the present key lies; replaced if it is replaceable
 * @param new_file  the new master key; one is drawn and written there if it is not there. NULL
 *                  draws one for key_file, which must be replaceable
 * @return SKS_ERROR_OPTION if that is not possible, or the new key is the old one;
 *         SKS_ERROR_INTERNAL if a row is damaged. Unless SKS_OK, the old key stays in force, but
 *         for SKS_ERROR_EXTERNAL with a text that says otherwise.
 */
CHECKED enum sks_status master_key_change(struct store *store, struct vault **vault,
                                          const char *key_file, const char *new_file,
                                          struct sks_error *err);

#endif
