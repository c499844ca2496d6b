/*
 * Backups: files, sealed as a whole with a key made from a secret that is not in them. Whatever
 * their size, a chunk at a time is in memory.
 *
 *   magic (4 bytes), format 1 (byte), salt (16 random bytes), then chunks to the end of the file:
 *   length (uint) and so many bytes, sealed for the header before them all and their number from 0
 *
 * A chunk begins with its kind: 0 once, the first: time (ulong, seconds), version of the program
 * (string); 1 begins a file: name (string); 2 data of that file; 3 once, the last. So nothing can
 * be left out, repeated, reordered, cut off or taken from another backup.
 */
#ifndef KEYGEN2_CRYPTO_BACKUP_H
#define KEYGEN2_CRYPTO_BACKUP_H

#include "keygen2/base/files.h"
#include "keygen2/crypto/seal.h"

enum { BACKUP_HEAD_SIZE = 4 + 1 + 16 };

/* Whose backups, and how they are sealed. */
struct backup_seal {
    const char *magic; /* 4 characters */
    const char *what;  /* "backup of a token" */
    const char
        *wrong_key; /* "sealed with another master key", where the first chunk does not open */
    const void *ctx;
    enum sks_status (*make_key)(const void *ctx, struct bytes salt, uint8_t key[SEAL_KEY_SIZE]);
};

/* ---- writing ---- */

struct backup_writer {
    struct file_writer file;
    uint8_t head[BACKUP_HEAD_SIZE], key[SEAL_KEY_SIZE];
    uint32_t next; /* number of the next chunk */
    uint64_t size; /* bytes written */
};

/**
 * Begins a backup; backup_end() it in any case.
 *
 * @param how   may go
 * @param path  appears when the backup is finished; what is there must be a backup or empty, else
 *              SKS_ERROR_NOT_ALLOWED
 */
CHECKED enum sks_status backup_begin(struct backup_writer *w, const struct backup_seal *how,
                                     const char *path, struct sks_error *err);

/** Adds a file. @param name that it gets in the backup */
CHECKED enum sks_status backup_add(struct backup_writer *w, const char *name, const char *path,
                                   struct sks_error *err);

/** Writes the end, and puts the backup to its place durably, with mode 0600. */
CHECKED enum sks_status backup_finish(struct backup_writer *w, struct sks_error *err);

/** Wipes the key; what was not finished is gone. */
void backup_end(struct backup_writer *w);

/* ---- reading ---- */

/* Where the parts of a backup go. */
struct backup_sink {
    void *ctx;
    enum sks_status (*file)(void *ctx, struct bytes name, struct sks_error *err);
    enum sks_status (*data)(void *ctx, struct bytes data, struct sks_error *err);
};

struct backup_about {
    uint64_t created; /* seconds since 1970 */
    char made_by[32]; /* version of the program */
};

struct backup_reader;

/**
 * Opens a backup and verifies all of it.
 *
 * @param how    may go
 * @param about  out: NULL if nobody wants to know
 * @return SKS_ERROR_EXTERNAL if it cannot be read; SKS_ERROR_CRYPTO if it is sealed with another
 *         key, altered or cut off
 */
CHECKED enum sks_status backup_open(const struct backup_seal *how, const char *path,
                                    struct backup_reader **reader, struct backup_about *about,
                                    struct sks_error *err);

/** Hands the files of a verified backup to a sink; verifies them once more on the way. */
CHECKED enum sks_status backup_read(struct backup_reader *reader, const struct backup_sink *sink,
                                    struct sks_error *err);

/** NULL is allowed. */
void backup_close(struct backup_reader *reader);

#endif
