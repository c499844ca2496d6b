/* The master key of a token, and what is done under it. */
#ifndef TOKEN_VAULT_H
#define TOKEN_VAULT_H

#include "keygen2/crypto/backup.h"

enum { MASTER_KEY_SIZE = 32 };

/* Name of the environment variable that may hold the master key as 64 hexadecimal digits. */
#define MASTER_KEY_VARIABLE "SKS_TOKEN_MASTER_KEY"

struct vault;

/** Wipes MASTER_KEY_VARIABLE and takes it away; only while there is one thread. */
void vault_ignore_environment(void);

/** Draws a master key and writes it to a file of mode 0600. Fails if the file is there. */
CHECKED enum sks_status vault_create(const char *path, struct sks_error *err);

/**
 * Loads the master key: from the environment if MASTER_KEY_VARIABLE is set, else from the file.
 *
 * @param path  refused if group or others can read it (but under /run/secrets)
 */
CHECKED enum sks_status vault_open(const char *path, struct vault **vault, struct sks_error *err);

/** As vault_open(), from the file whatever the environment says. */
CHECKED enum sks_status vault_open_file(const char *path, struct vault **vault,
                                        struct sks_error *err);

/**
 * Writes a master key to a file of mode 0600, durably.
 *
 * @param environment  the key that vault_open(from) would load, else that of vault_open_file()
 */
CHECKED enum sks_status vault_copy_key(const char *from, bool environment, const char *to,
                                       struct sks_error *err);

/** True if both have the same master key. */
bool vault_is_same(const struct vault *a, const struct vault *b);

/** Wipes the key. NULL is allowed. */
void vault_close(struct vault *vault);

/**
 * Wipes the key but keeps the vault, which does nothing until vault_reload(). A key that came by
 * the environment is wiped there too, and cannot be had again.
 */
void vault_wipe(struct vault *vault);

/** True if the key came by the environment. */
bool vault_is_from_environment(const struct vault *vault);

/** As vault_open(), into a wiped vault. SKS_ERROR_NOT_AVAILABLE if it came by the environment. */
CHECKED enum sks_status vault_reload(struct vault *vault, const char *path, struct sks_error *err);

/* The following are SKS_ERROR_NOT_AVAILABLE in a wiped vault. */

/** Appends the sealed form of clear. @param identity is bound to it, not stored */
CHECKED enum sks_status vault_seal(const struct vault *vault, struct bytes identity,
                                   struct bytes clear, struct buf *sealed);

/** Appends the clear form. SKS_ERROR_CRYPTO if it was altered or belongs to another identity. */
CHECKED enum sks_status vault_unseal(const struct vault *vault, struct bytes identity,
                                     struct bytes sealed, struct buf *clear);

/** HMAC of data under a key made from the master key for this purpose only. @param mac 32 bytes */
CHECKED enum sks_status vault_mac(const struct vault *vault, struct bytes data, uint8_t mac[32]);

/** How backups of this token are sealed: with a key made from the master key. */
struct backup_seal vault_backup_seal(const struct vault *vault);

#endif
