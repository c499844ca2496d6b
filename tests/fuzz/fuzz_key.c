/* Public keys and stored private keys: bytes that OpenSSL would also have to read. */
#include "keygen2/crypto/private_key.h"

#include <openssl/err.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_public_key(struct bytes spki)
{
    struct public_key key;
    struct buf again = { 0 };
    EVP_PKEY *pkey = NULL;

    if (public_key_parse(spki, &key) == SKS_OK) {
        put_public_key(&again, &key);
        if (again.status == SKS_OK && !bytes_equal(buf_bytes(&again), spki))
            abort();
        if (public_key_load(spki, &pkey) == SKS_OK) {
            buf_reset(&again);
            if (put_pkey(&again, pkey) == SKS_OK && !bytes_equal(buf_bytes(&again), spki))
                abort();
        }
    }
    EVP_PKEY_free(pkey);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in;
    EVP_PKEY *pkey = NULL;

    if (size == 0)
        return 0;
    in = bytes_at(data + 1, size - 1);
    if (data[0] % 2 == 0)
        try_public_key(in);
    else if (get_private_key(&in, &pkey) == SKS_OK)
        EVP_PKEY_free(pkey);
    ERR_clear_error();
    return 0;
}
