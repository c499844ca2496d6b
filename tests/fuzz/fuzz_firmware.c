/* Updates: chunks, which anybody may send, and policies, which their signer may get wrong. */
#include "keygen2/crypto/public_key.h"
#include "token/firmware_chunk.h"
#include "token/firmware_policy.h"

#include <openssl/err.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* RFC 8032, 7.1, TEST 1; the seeds are signed with another key. */
static EVP_PKEY *update_key(void)
{
    static const uint8_t point[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                       0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                       0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                       0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
    static EVP_PKEY *key;

    if (key == NULL)
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof point);
    must(key != NULL);
    return key;
}

/* What decodes is what was written, and it has no signature that holds. */
static void try_chunk(struct bytes in)
{
    struct firmware_chunk chunk;
    struct sks_error err = { 0 };
    struct buf again = { 0 };
    enum sks_status rc = firmware_chunk_decode(in, &chunk, &err);

    must((rc == SKS_OK) == (err.text[0] == '\0'));
    if (rc == SKS_OK) {
        put_firmware_chunk(&again, &chunk);
        must(again.status != SKS_OK ||
             bytes_equal(buf_bytes(&again), bytes_at(in.ptr, in.len - FIRMWARE_SIGNATURE_SIZE)));
    }
    must(firmware_chunk_verify(in, update_key()) != SKS_OK);
    ERR_clear_error();
    buf_free(&again);
}

static bool is_within(uint16_t value, uint16_t min, uint16_t max)
{
    return value >= min && value <= max;
}

static void try_policy(struct bytes text)
{
    struct firmware_policy policy;
    struct sks_error err = { 0 };
    enum sks_status rc = firmware_policy_read(text, &policy, &err);

    must((rc == SKS_OK) == (err.text[0] == '\0'));
    if (rc != SKS_OK)
        return;
    must(policy.version > 0);
    must(policy.limits.max_session_life_time >= 1);
    must(is_within(policy.limits.max_pin_retry_limit, 1, SKS_RETRY_LIMIT_MAX));
    must(is_within(policy.limits.max_puk_retry_limit, 0, SKS_RETRY_LIMIT_MAX));
    must(is_within(policy.limits.min_pin_length, 1, SKS_PIN_MAX));
    must(firmware_algorithm(&policy, bytes_of(SKS_SESSION_ALGORITHM), ALGORITHM_PROTOCOL) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_chunk(bytes_at(data + 1, size - 1));
    else
        try_policy(bytes_at(data + 1, size - 1));
    return 0;
}
