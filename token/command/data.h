/* What commands read and write: files, standard input and output. */
#ifndef TOKEN_COMMAND_DATA_H
#define TOKEN_COMMAND_DATA_H

#include "keygen2/base/bytes.h"

#include <openssl/evp.h>

enum data_kind {
    DATA_PUBLIC, /* binary */
    DATA_TEXT,   /* fit for a terminal */
    DATA_CLEAR,  /* decrypted: nobody else's to read, on a terminal only if it is text */
    DATA_SECRET, /* key material: never on a terminal, unless --out - says so */
};

/**
 * Reads all input.
 *
 * @param path  NULL or "-" for standard input
 * @param max   bytes
 * @param data  out: appended
 * @return SKS_ERROR_OPTION for more than max bytes
 */
CHECKED enum sks_status data_read(const char *path, size_t max, struct buf *data,
                                  struct sks_error *err);

/** Reads input of any size and appends its digest. */
CHECKED enum sks_status data_digest(const char *path, const EVP_MD *md, struct buf *digest,
                                    struct sks_error *err);

/** Refuses at once what data_write() would refuse for the terminal that it would go to. */
CHECKED enum sks_status data_check(const char *path, enum data_kind kind, struct sks_error *err);

/**
 * Writes output. A file is replaced as a whole; secret and clear ones get mode 0600.
 *
 * @param path  NULL or "-" for standard output
 */
CHECKED enum sks_status data_write(const char *path, enum data_kind kind, struct bytes data,
                                   struct sks_error *err);

#endif
