#include "keygen2/crypto/fetched.h"

#include <pthread.h>
#include <stdlib.h>

/* NULL where there was no memory at the first use: then the old names serve. */
static EVP_MD *digest;
static EVP_CIPHER *cipher;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_all(void)
{
    EVP_MD_free(digest);
    EVP_CIPHER_free(cipher);
}

static void fetch_all(void)
{
    digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (atexit(free_all) != 0) {
        free_all();
        digest = NULL;
        cipher = NULL;
    }
}

const EVP_MD *fetched_sha256(void)
{
    (void)pthread_once(&once, fetch_all);
    return digest != NULL ? digest : EVP_sha256();
}

const EVP_CIPHER *fetched_aes_256_gcm(void)
{
    (void)pthread_once(&once, fetch_all);
    return cipher != NULL ? cipher : EVP_aes_256_gcm();
}

enum sks_status sha256(struct bytes data, uint8_t hash[32])
{
    return EVP_Digest(data.ptr, data.len, hash, NULL, fetched_sha256(), NULL) ? SKS_OK
                                                                              : SKS_ERROR_CRYPTO;
}
