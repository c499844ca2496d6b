#include "token/vault.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/session.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FILE_MAX = 256 };

struct vault {
    uint8_t seal_key[SEAL_KEY_SIZE], mac_key[32], backup_key[32]; /* one key for one purpose */
    bool present;                                                 /* false once wiped */
    bool from_environment;
};

/* ---- the master key ---- */

static enum sks_status write_key(const char *path, struct bytes key, struct sks_error *err)
{
    struct buf text = { 0 };
    enum sks_status rc;

    hex_encode(&text, key);
    put_text(&text, "\n");
    TRY(sks_explain(err, text.status));
    TRY(file_write(path, 0600, buf_bytes(&text), err));
out:
    buf_free(&text);
    return rc;
}

enum sks_status vault_create(const char *path, struct sks_error *err)
{
    uint8_t key[MASTER_KEY_SIZE];
    enum sks_status rc;

    REQUIRE(!file_exists(path), err, SKS_ERROR_NOT_ALLOWED, "%s: already there", path);
    TRY(random_bytes(key, sizeof key));
    TRY(write_key(path, bytes_at(key, sizeof key), err));
out:
    OPENSSL_cleanse(key, sizeof key);
    return sks_explain(err, rc);
}

static enum sks_status decode_key(const char *from, struct bytes text, struct buf *key,
                                  struct sks_error *err)
{
    if (text.len == 2 * MASTER_KEY_SIZE && hex_decode(text, key) == SKS_OK)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: a master key is %d hexadecimal digits", from,
                    2 * MASTER_KEY_SIZE);
}

static enum sks_status read_key_file(const char *path, struct buf *key, struct sks_error *err)
{
    struct buf file = { 0 };
    struct bytes text;
    enum sks_status rc;

    TRY(file_read_secret(path, KEY_FILE_MAX, &file, err));
    text = buf_bytes(&file);
    while (text.len > 0 && strchr(" \r\n\t", text.ptr[text.len - 1]) != NULL)
        text.len--;
    TRY(decode_key(path, text, key, err));
out:
    buf_free(&file);
    return rc;
}

void vault_ignore_environment(void)
{
    char *variable = getenv(MASTER_KEY_VARIABLE);

    if (variable == NULL)
        return;
    OPENSSL_cleanse(variable, strlen(variable));
    (void)unsetenv(MASTER_KEY_VARIABLE);
}

/* The environment wins. */
static enum sks_status read_master_key(const char *path, struct buf *key, struct sks_error *err)
{
    const char *from = getenv(MASTER_KEY_VARIABLE);

    return from == NULL ? read_key_file(path, key, err)
                        : decode_key(MASTER_KEY_VARIABLE, bytes_of(from), key, err);
}

enum sks_status vault_copy_key(const char *from, bool environment, const char *to,
                               struct sks_error *err)
{
    struct buf key = { 0 };
    enum sks_status rc;

    TRY(environment ? read_master_key(from, &key, err) : read_key_file(from, &key, err));
    TRY(write_key(to, buf_bytes(&key), err));
out:
    buf_free(&key);
    return rc;
}

/* ---- a vault ---- */

static enum sks_status derive(struct vault *v, struct bytes key, struct sks_error *err)
{
    enum sks_status rc;

    TRY(hmac_sha256(key, bytes_of("SealKey"), v->seal_key));
    TRY(hmac_sha256(key, bytes_of("CandidateKey"), v->mac_key));
    TRY(hmac_sha256(key, bytes_of("BackupKey"), v->backup_key));
    v->present = true;
out:
    return sks_explain(err, rc);
}

static enum sks_status load(struct vault *v, const char *path, struct sks_error *err)
{
    struct buf key = { 0 };
    enum sks_status rc;

    v->from_environment = getenv(MASTER_KEY_VARIABLE) != NULL;
    TRY(read_master_key(path, &key, err));
    TRY(derive(v, buf_bytes(&key), err));
out:
    buf_free(&key);
    return rc;
}

static enum sks_status load_file(struct vault *v, const char *path, struct sks_error *err)
{
    struct buf key = { 0 };
    enum sks_status rc;

    TRY(read_key_file(path, &key, err));
    TRY(derive(v, buf_bytes(&key), err));
out:
    buf_free(&key);
    return rc;
}

static enum sks_status open_by(enum sks_status (*fill)(struct vault *v, const char *path,
                                                       struct sks_error *err),
                               const char *path, struct vault **vault, struct sks_error *err)
{
    struct vault *v = OPENSSL_zalloc(sizeof *v);
    enum sks_status rc;

    *vault = NULL;
    REQUIRE(v != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(fill(v, path, err));
    *vault = v;
    v = NULL;
out:
    vault_close(v);
    return rc;
}

enum sks_status vault_open(const char *path, struct vault **vault, struct sks_error *err)
{
    return open_by(load, path, vault, err);
}

enum sks_status vault_open_file(const char *path, struct vault **vault, struct sks_error *err)
{
    return open_by(load_file, path, vault, err);
}

void vault_close(struct vault *vault)
{
    OPENSSL_clear_free(vault, sizeof *vault);
}

void vault_wipe(struct vault *vault)
{
    char *variable = vault->from_environment ? getenv(MASTER_KEY_VARIABLE) : NULL;

    if (variable != NULL) /* left empty, not unset: other threads may be reading the environment */
        OPENSSL_cleanse(variable, strlen(variable));
    OPENSSL_cleanse(vault->seal_key, sizeof vault->seal_key);
    OPENSSL_cleanse(vault->mac_key, sizeof vault->mac_key);
    OPENSSL_cleanse(vault->backup_key, sizeof vault->backup_key);
    vault->present = false;
}

bool vault_is_same(const struct vault *a, const struct vault *b)
{
    return CRYPTO_memcmp(a->seal_key, b->seal_key, sizeof a->seal_key) == 0;
}

bool vault_is_from_environment(const struct vault *vault)
{
    return vault->from_environment;
}

enum sks_status vault_reload(struct vault *vault, const char *path, struct sks_error *err)
{
    if (vault->from_environment)
        return sks_fail(err, SKS_ERROR_NOT_AVAILABLE,
                        MASTER_KEY_VARIABLE " was wiped: the token must be started again with it");
    return load(vault, path, err);
}

enum sks_status vault_seal(const struct vault *vault, struct bytes identity, struct bytes clear,
                           struct buf *sealed)
{
    if (!vault->present)
        return SKS_ERROR_NOT_AVAILABLE;
    return seal(vault->seal_key, identity, clear, sealed);
}

enum sks_status vault_unseal(const struct vault *vault, struct bytes identity, struct bytes sealed,
                             struct buf *clear)
{
    if (!vault->present)
        return SKS_ERROR_NOT_AVAILABLE;
    return unseal(vault->seal_key, identity, sealed, clear);
}

enum sks_status vault_mac(const struct vault *vault, struct bytes data, uint8_t mac[32])
{
    if (!vault->present)
        return SKS_ERROR_NOT_AVAILABLE;
    return hmac_sha256(bytes_at(vault->mac_key, sizeof vault->mac_key), data, mac);
}

static enum sks_status make_backup_key(const void *ctx, struct bytes salt,
                                       uint8_t key[SEAL_KEY_SIZE])
{
    const struct vault *vault = ctx;

    if (!vault->present)
        return SKS_ERROR_NOT_AVAILABLE;
    return hmac_sha256(bytes_at(vault->backup_key, sizeof vault->backup_key), salt, key);
}

struct backup_seal vault_backup_seal(const struct vault *vault)
{
    return (struct backup_seal){
        .magic = "SKSB",
        .what = "backup of a token",
        .wrong_key = "sealed with another master key, or altered",
        .ctx = vault,
        .make_key = make_backup_key,
    };
}
