#include "keygen2/crypto/seal.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/fetched.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum { NONCE_SIZE = 12, TAG_SIZE = 16, NONCES_AHEAD = 40 };

/* Random bytes cost about the same one by one or by hundreds, so nonces are drawn ahead. A nonce is
 * no secret, but none must be used twice: a child process would have those of its parent. */
static _Thread_local struct {
    uint8_t bytes[NONCES_AHEAD * NONCE_SIZE];
    size_t left;
    unsigned process;
} ahead;

static unsigned process; /* counts up in each child */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static bool fork_is_told;

static void enter_child(void)
{
    process++;
}

static void watch_forks(void)
{
    fork_is_told = pthread_atfork(NULL, NULL, enter_child) == 0;
}

static enum sks_status draw_nonce(uint8_t nonce[NONCE_SIZE])
{
    enum sks_status rc;

    (void)pthread_once(&fork_once, watch_forks);
    if (!fork_is_told) /* no memory for it */
        return random_bytes(nonce, NONCE_SIZE);
    if (ahead.left == 0 || ahead.process != process) {
        TRY(random_bytes(ahead.bytes, sizeof ahead.bytes));
        ahead.left = sizeof ahead.bytes;
        ahead.process = process;
    }
    ahead.left -= NONCE_SIZE;
    memcpy(nonce, ahead.bytes + ahead.left, NONCE_SIZE);
    rc = SKS_OK;
out:
    return rc;
}

enum sks_status seal(const uint8_t key[SEAL_KEY_SIZE], struct bytes identity, struct bytes clear,
                     struct buf *sealed)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t nonce[NONCE_SIZE];
    int len;
    enum sks_status rc;

    TRY(draw_nonce(nonce));
    rc = SKS_ERROR_STORAGE;
    if (ctx == NULL || identity.len > INT32_MAX || clear.len > INT32_MAX ||
        !buf_reserve(sealed, clear.len + SEAL_OVERHEAD))
        goto out;
    rc = SKS_ERROR_CRYPTO;
    put_raw(sealed, bytes_at(nonce, sizeof nonce));
    if (EVP_EncryptInit_ex(ctx, fetched_aes_256_gcm(), NULL, key, nonce) <= 0 ||
        EVP_EncryptUpdate(ctx, NULL, &len, identity.ptr, (int)identity.len) <= 0 ||
        EVP_EncryptUpdate(ctx, sealed->ptr + sealed->len, &len, clear.ptr, (int)clear.len) <= 0)
        goto out;
    sealed->len += (size_t)len;
    if (EVP_EncryptFinal_ex(ctx, sealed->ptr + sealed->len, &len) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, sealed->ptr + sealed->len) <= 0)
        goto out;
    sealed->len += TAG_SIZE;
    rc = SKS_OK;
out:
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

enum sks_status unseal(const uint8_t key[SEAL_KEY_SIZE], struct bytes identity, struct bytes sealed,
                       struct buf *clear)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t size = sealed.len - SEAL_OVERHEAD;
    uint8_t tag[TAG_SIZE];
    int len, last;
    enum sks_status rc = SKS_ERROR_CRYPTO;

    if (sealed.len < SEAL_OVERHEAD || size > INT32_MAX || identity.len > INT32_MAX)
        goto out;
    rc = SKS_ERROR_STORAGE;
    if (ctx == NULL || !buf_reserve(clear, size + 1))
        goto out;
    memcpy(tag, sealed.ptr + NONCE_SIZE + size, TAG_SIZE);
    if (EVP_DecryptInit_ex(ctx, fetched_aes_256_gcm(), NULL, key, sealed.ptr) <= 0 ||
        EVP_DecryptUpdate(ctx, NULL, &len, identity.ptr, (int)identity.len) <= 0 ||
        EVP_DecryptUpdate(ctx, clear->ptr + clear->len, &len, sealed.ptr + NONCE_SIZE, (int)size) <=
            0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) <= 0)
        goto out;
    rc = SKS_ERROR_CRYPTO; /* what failed before had no memory: only the tag tells of a change */
    if (EVP_DecryptFinal_ex(ctx, clear->ptr + clear->len + len, &last) <= 0)
        goto out;
    clear->len += (size_t)(len + last);
    rc = SKS_OK;
out:
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}
