/*
 * `sks-issuer backup` and `restore`: the data folder as it is at one moment, all keys included, in
 * one file (keygen2/crypto/backup.h, "SKSI") that opens with a passphrase. The key of the file is
 * scrypt(passphrase, salt, N = 32768, r = 8, p = 1).
 */
#ifndef ISSUER_BACKUP_H
#define ISSUER_BACKUP_H

#include "keygen2/base/program.h"
#include "keygen2/crypto/backup.h"

/** Fills in how backups of an issuer are sealed. @param passphrase lives as long as *how */
struct backup_seal issuer_backup_seal(const struct buf *passphrase);

/**
 * Reads the passphrase from the first line of a file, or asks for it.
 *
 * @param file  NULL: asks on the terminal; twice, if it is a new one
 */
CHECKED enum sks_status issuer_backup_passphrase(const char *file, bool is_new,
                                                 struct buf *passphrase, struct sks_error *err);

/** True if a backup may hold a file of that name: "ca.key", "trust/ca.pem". */
bool issuer_backup_has(struct bytes name);

/** `sks-issuer backup`; beside a running `serve` too. @param path of the backup */
enum exit_code issuer_backup(const char *data, const char *path, const char *passphrase_file);

/** `sks-issuer restore`: all of the backup is verified before anything appears at `data`, which
 * must be missing or empty. restore.c */
enum exit_code issuer_restore(const char *data, const char *path, const char *passphrase_file);

#endif
