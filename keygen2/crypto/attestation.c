#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/signature.h"

#include <openssl/crypto.h>

enum { F4_SIZE = 3 };

static const uint8_t F4[F4_SIZE] = { 1, 0, 1 };

/* ---- attestations ---- */

static enum sks_status verify_hmac(const struct session_key *sk, struct bytes data,
                                   struct bytes attestation)
{
    uint8_t expected[SKS_MAC_SIZE];
    enum sks_status rc = hmac_sha256(bytes_at(sk->key, sizeof sk->key), data, expected);

    if (rc == SKS_OK && !bytes_equal_secret(bytes_at(expected, sizeof expected), attestation))
        rc = SKS_ERROR_MAC;
    OPENSSL_cleanse(expected, sizeof expected);
    return rc;
}

enum sks_status verify_session_attestation(const struct session_terms *terms,
                                           struct bytes device_id,
                                           struct bytes client_ephemeral_key,
                                           const struct session_key *sk, EVP_PKEY *device_key,
                                           struct bytes attestation)
{
    struct buf data = { 0 };
    enum sks_status rc;

    put_session_attestation_data(&data, terms, device_id, client_ephemeral_key);
    TRY(data.status);
    rc = device_key == NULL ? verify_hmac(sk, buf_bytes(&data), attestation)
                            : verify_sha256(device_key, buf_bytes(&data), attestation);
    if (rc == SKS_ERROR_CRYPTO)
        rc = SKS_ERROR_MAC; /* a signature of the wrong length, for one */
out:
    buf_free(&data);
    return rc;
}

enum sks_status verify_attestation(const struct session_key *sk, uint16_t counter,
                                   struct bytes data, struct bytes attestation)
{
    struct session_key at = *sk;
    enum sks_status rc;

    at.counter = counter;
    rc = session_mac_verify(&at, MAC_DEVICE_ATTESTATION, data, attestation);
    OPENSSL_cleanse(&at, sizeof at);
    return rc;
}

/* ---- keys ---- */

/* SKS V1.07, createKeyEntry: keyParameters of RSA is the exponent, leading zeros allowed. */
static struct bytes wanted_exponent(struct bytes parameters)
{
    if (parameters.len == 0)
        return bytes_at(F4, sizeof F4);
    while (parameters.len > 1 && parameters.ptr[0] == 0)
        parameters = bytes_at(parameters.ptr + 1, parameters.len - 1);
    return parameters;
}

enum sks_status verify_key_algorithm(const struct algorithm *algorithm, struct bytes parameters,
                                     struct bytes spki, struct sks_error *err)
{
    struct public_key key;
    enum sks_status rc = SKS_OK;

    REQUIRE(public_key_parse(spki, &key) == SKS_OK && key.kind == algorithm->kind, err,
            SKS_ERROR_ALGORITHM, "the public key is of another kind than %s", algorithm->uri);
    if (key.kind != KEY_KIND_RSA) {
        REQUIRE(key.curve == algorithm, err, SKS_ERROR_ALGORITHM,
                "the public key is on another curve than %s", algorithm->uri);
        goto out;
    }
    REQUIRE(public_key_bits(&key) == algorithm->size, err, SKS_ERROR_ALGORITHM,
            "the public key has %u bits, not those of %s", public_key_bits(&key), algorithm->uri);
    REQUIRE(bytes_equal(key.e, wanted_exponent(parameters)), err, SKS_ERROR_ALGORITHM,
            "the public key has another exponent than was asked for");
out:
    return rc;
}
