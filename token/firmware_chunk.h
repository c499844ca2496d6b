/* One part of an update as it travels: make-update writes it, the token believes it. docs/wire.md
 * has it byte for byte. */
#ifndef TOKEN_FIRMWARE_CHUNK_H
#define TOKEN_FIRMWARE_CHUNK_H

#include "keygen2/objects.h"

#include <openssl/evp.h>

enum {
    FIRMWARE_CHUNKS_MAX = 64,
    FIRMWARE_CHUNK_DATA_MAX = 256 * 1024, /* bytes: the chunk still fits into one SKS call */
    FIRMWARE_POLICY_MAX = 1024 * 1024,    /* bytes of all data together */
    FIRMWARE_DIGEST_SIZE = 32,
    FIRMWARE_SIGNATURE_SIZE = 64,
    FIRMWARE_CHUNK_MAX = 1200 + FIRMWARE_CHUNK_DATA_MAX, /* bytes, generously */
};

/* What a chunk says of itself; the slices are borrowed from it. */
struct firmware_chunk {
    uint32_t version;      /* of the policy that it is a part of */
    uint16_t index, count; /* from 0; 1-FIRMWARE_CHUNKS_MAX */
    struct bytes digest;   /* SHA-256 of the whole policy */
    struct bytes next_url; /* where the next chunk is; empty in the last one */
    struct bytes data;     /* the next bytes of the policy, at least one */
};

/** Appends a chunk without its signature. */
void put_firmware_chunk(struct buf *out, const struct firmware_chunk *chunk);

/** Signs what put_firmware_chunk() wrote, which is all of *chunk, and appends the signature. */
CHECKED enum sks_status firmware_chunk_sign(struct buf *chunk, EVP_PKEY *key);

/**
 * Takes a chunk apart, signature or not.
 *
 * @return SKS_ERROR_OPTION if it has another form, a value out of range, or bytes left over
 */
CHECKED enum sks_status firmware_chunk_decode(struct bytes in, struct firmware_chunk *chunk,
                                              struct sks_error *err);

/** Checks the signature of what firmware_chunk_decode() took apart. SKS_ERROR_MAC if it is wrong.
 * @param key Ed25519 */
CHECKED enum sks_status firmware_chunk_verify(struct bytes in, EVP_PKEY *key);

/** True for an http or https URL of at most SKS_URI_MAX printable ASCII characters. */
bool firmware_url_is_valid(struct bytes url);

#endif
