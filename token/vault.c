#include "token/vault.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/seal.h"
#include "keygen2/crypto/session.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FILE_MAX = 256 };

struct vault {
    uint8_t seal_key[SEAL_KEY_SIZE], mac_key[32]; /* one key for one purpose */
    bool present;                                 /* false once wiped */
    bool from_environment;
};

enum sks_status vault_create(const char *path, struct sks_error *err)
{
    uint8_t key[MASTER_KEY_SIZE];
    struct buf text = { 0 };
    enum sks_status rc;

    REQUIRE(!file_exists(path), err, SKS_ERROR_NOT_ALLOWED, "%s: already there", path);
    TRY(random_bytes(key, sizeof key));
    hex_encode(&text, bytes_at(key, sizeof key));
    put_text(&text, "\n");
    TRY(text.status);
    TRY(file_write(path, 0600, buf_bytes(&text), err));
out:
    OPENSSL_cleanse(key, sizeof key);
    buf_free(&text);
    return sks_explain(err, rc);
}

static enum sks_status read_master_key(const char *path, struct buf *key, struct sks_error *err)
{
    const char *from = getenv(MASTER_KEY_VARIABLE);
    struct buf file = { 0 };
    struct bytes text = bytes_of(from);
    enum sks_status rc;

    if (from == NULL) {
        TRY(file_read_secret(path, KEY_FILE_MAX, &file, err));
        text = buf_bytes(&file);
        while (text.len > 0 && strchr(" \r\n\t", text.ptr[text.len - 1]) != NULL)
            text.len--;
    }
    REQUIRE(text.len == 2 * MASTER_KEY_SIZE && hex_decode(text, key) == SKS_OK, err,
            SKS_ERROR_EXTERNAL, "%s: a master key is %d hexadecimal digits",
            from == NULL ? path : MASTER_KEY_VARIABLE, 2 * MASTER_KEY_SIZE);
    rc = SKS_OK;
out:
    buf_free(&file);
    return rc;
}

static enum sks_status load(struct vault *v, const char *path, struct sks_error *err)
{
    struct buf key = { 0 };
    enum sks_status rc;

    v->from_environment = getenv(MASTER_KEY_VARIABLE) != NULL;
    TRY(read_master_key(path, &key, err));
    TRY(hmac_sha256(buf_bytes(&key), bytes_of("SealKey"), v->seal_key));
    TRY(hmac_sha256(buf_bytes(&key), bytes_of("CandidateKey"), v->mac_key));
    v->present = true;
out:
    buf_free(&key);
    return sks_explain(err, rc);
}

enum sks_status vault_open(const char *path, struct vault **vault, struct sks_error *err)
{
    struct vault *v = OPENSSL_zalloc(sizeof *v);
    enum sks_status rc;

    *vault = NULL;
    REQUIRE(v != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(load(v, path, err));
    *vault = v;
    v = NULL;
out:
    vault_close(v);
    return rc;
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
    vault->present = false;
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
