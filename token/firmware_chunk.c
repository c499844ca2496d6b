#include "token/firmware_chunk.h"
#include "keygen2/crypto/signature.h"

#include <string.h>

enum { FORMAT = 1 };

static const char MAGIC[4] = { 'S', 'K', 'S', 'P' };

/* Stands in front of what is signed, so that no signature made for another purpose is one here. */
static const char PURPOSE[] = "SKS rig policy chunk";

void put_firmware_chunk(struct buf *out, const struct firmware_chunk *chunk)
{
    put_raw(out, bytes_at(MAGIC, sizeof MAGIC));
    put_byte(out, FORMAT);
    put_uint(out, chunk->version);
    put_ushort(out, chunk->index);
    put_ushort(out, chunk->count);
    put_raw(out, chunk->digest);
    put_array(out, chunk->next_url);
    put_blob(out, chunk->data);
}

static enum sks_status get_firmware_chunk(struct bytes *in, struct firmware_chunk *chunk)
{
    struct bytes magic, signature;
    uint8_t format;
    enum sks_status rc;

    TRY(get_raw(in, sizeof MAGIC, &magic));
    TRY(get_byte(in, &format));
    TRY(bytes_equal(magic, bytes_at(MAGIC, sizeof MAGIC)) && format == FORMAT ? SKS_OK
                                                                              : SKS_ERROR_OPTION);
    TRY(get_uint(in, &chunk->version));
    TRY(get_ushort(in, &chunk->index));
    TRY(get_ushort(in, &chunk->count));
    TRY(get_raw(in, FIRMWARE_DIGEST_SIZE, &chunk->digest));
    TRY(get_string(in, &chunk->next_url));
    TRY(get_blob(in, &chunk->data));
    TRY(get_raw(in, FIRMWARE_SIGNATURE_SIZE, &signature));
    TRY(get_end(in));
out:
    return rc;
}

enum sks_status firmware_chunk_decode(struct bytes in, struct firmware_chunk *chunk,
                                      struct sks_error *err)
{
    enum sks_status rc;

    *chunk = (struct firmware_chunk){ 0 };
    REQUIRE(get_firmware_chunk(&in, chunk) == SKS_OK, err, SKS_ERROR_OPTION,
            "chunk: does not decode as an update chunk");
    REQUIRE(chunk->version > 0, err, SKS_ERROR_OPTION, "chunk: version is 0");
    REQUIRE(chunk->count >= 1 && chunk->count <= FIRMWARE_CHUNKS_MAX, err, SKS_ERROR_OPTION,
            "chunk: count is not 1-%d", FIRMWARE_CHUNKS_MAX);
    REQUIRE(chunk->index < chunk->count, err, SKS_ERROR_OPTION, "chunk: index is not below count");
    REQUIRE(chunk->data.len >= 1 && chunk->data.len <= FIRMWARE_CHUNK_DATA_MAX, err,
            SKS_ERROR_OPTION, "chunk: data is not 1-%d bytes", FIRMWARE_CHUNK_DATA_MAX);
    if (chunk->index == chunk->count - 1)
        REQUIRE(chunk->next_url.len == 0, err, SKS_ERROR_OPTION, "chunk: nextUrl in the last one");
    else
        REQUIRE(firmware_url_is_valid(chunk->next_url), err, SKS_ERROR_OPTION,
                "chunk: nextUrl is not an http or https URL of at most %d bytes", SKS_URI_MAX);
    rc = SKS_OK;
out:
    return rc;
}

static enum sks_status put_signed(struct buf *out, struct bytes chunk)
{
    put_raw(out, bytes_of(PURPOSE));
    put_raw(out, chunk);
    return out->status;
}

enum sks_status firmware_chunk_sign(struct buf *chunk, EVP_PKEY *key)
{
    struct buf message = { 0 };
    enum sks_status rc;

    TRY(chunk->status);
    TRY(put_signed(&message, buf_bytes(chunk)));
    TRY(sign_digest(key, algorithm_by_jose(bytes_of("Ed25519"), ALGORITHM_SIGNATURE),
                    buf_bytes(&message), chunk));
out:
    buf_free(&message);
    return rc;
}

enum sks_status firmware_chunk_verify(struct bytes in, EVP_PKEY *key)
{
    struct buf message = { 0 };
    struct bytes body, signature;
    enum sks_status rc;

    TRY(in.len < FIRMWARE_SIGNATURE_SIZE ? SKS_ERROR_MAC : SKS_OK);
    TRY(get_raw(&in, in.len - FIRMWARE_SIGNATURE_SIZE, &body));
    TRY(get_raw(&in, FIRMWARE_SIGNATURE_SIZE, &signature));
    TRY(put_signed(&message, body));
    TRY(verify_ed25519(key, buf_bytes(&message), signature));
out:
    buf_free(&message);
    return rc;
}

bool firmware_url_is_valid(struct bytes url)
{
    static const char *const scheme[] = { "http://", "https://" };
    bool known = false;

    if (url.len > SKS_URI_MAX)
        return false;
    for (size_t i = 0; i < NITEMS(scheme); i++)
        known = known ||
                (url.len > strlen(scheme[i]) && memcmp(url.ptr, scheme[i], strlen(scheme[i])) == 0);
    for (size_t i = 0; i < url.len; i++)
        known = known && url.ptr[i] > 0x20 && url.ptr[i] < 0x7F;
    return known;
}
