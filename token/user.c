/* The User API. A call is authorized first, so a wrong PIN costs a try whatever else is wrong. */
#include "keygen2/crypto/cipher.h"
#include "keygen2/crypto/signature.h"
#include "token/authorize.h"

/* Finds the algorithm of an operation, if the key may be used with it. */
static enum sks_status check_algorithm(struct call *call, struct bytes uri, unsigned use,
                                       const struct algorithm **algorithm)
{
    const struct key *key = &call->key;
    bool symmetric = key->symmetric_key.len > 0;
    bool is_rsa = call->live->parts.kind == KEY_KIND_RSA;
    enum sks_status rc;

    *algorithm = firmware_algorithm(call->policy, uri, use);
    CALL_REQUIRE(call, *algorithm != NULL, SKS_ERROR_ALGORITHM,
                 "algorithm is unknown, or not for this operation");
    CALL_REQUIRE(call, ((*algorithm)->kind == KEY_KIND_SYMMETRIC) == symmetric, SKS_ERROR_ALGORITHM,
                 "algorithm %s does not fit the key", (*algorithm)->uri);
    CALL_REQUIRE(call, aes_key_fits(*algorithm, key->symmetric_key.len), SKS_ERROR_OPTION,
                 "the key has not the size that algorithm %s wants", (*algorithm)->uri);
    CALL_REQUIRE(call, symmetric || ((*algorithm)->kind == KEY_KIND_RSA) == is_rsa,
                 SKS_ERROR_ALGORITHM, "algorithm %s does not fit the key", (*algorithm)->uri);
    CALL_REQUIRE(call, algorithm_is_endorsed(&key->endorsed_algorithms, uri), SKS_ERROR_ALGORITHM,
                 "algorithm %s is not endorsed for the key", (*algorithm)->uri);
    rc = SKS_OK;
out:
    return rc;
}

static enum sks_status check_size(struct call *call, struct bytes data)
{
    return data.len <= SKS_CRYPTO_DATA_MAX
               ? SKS_OK
               : call_fail(call, SKS_ERROR_OPTION, "data is over %d bytes", SKS_CRYPTO_DATA_MAX);
}

static enum sks_status check_no_parameters(struct call *call, struct bytes parameters)
{
    return parameters.len == 0
               ? SKS_OK
               : call_fail(call, SKS_ERROR_OPTION, "parameters: the algorithm has none");
}

/* EC and Ed25519 are told apart only when the operation itself begins. */
static enum sks_status check_curve(struct call *call, const struct algorithm *algorithm)
{
    return algorithm->kind == call->live->parts.kind
               ? SKS_OK
               : call_fail(call, SKS_ERROR_CRYPTO, "algorithm and key are of different curves");
}

/* Authorization, size of the data where the method limits it, algorithm, parameters. */
static enum sks_status begin_operation(struct call *call, unsigned use, bool limited,
                                       const struct algorithm **algorithm)
{
    const struct operation_in *in = &call->in.operation;
    enum sks_status rc;

    TRY(authorize_use(call, in->biometric_auth, in->authorization));
    if (limited)
        TRY(check_size(call, in->data));
    TRY(check_algorithm(call, in->algorithm, use, algorithm));
    TRY(check_no_parameters(call, in->parameters));
out:
    return rc;
}

static enum sks_status give_result(struct call *call, enum sks_status rc, struct buf *result)
{
    if (rc == SKS_OK)
        rc = call_keep(call, buf_bytes(result), &call->out.result.result);
    buf_free(result);
    return rc;
}

enum sks_status sign_hashed_data(struct call *call)
{
    const struct algorithm *algorithm = NULL;
    struct buf signature = { 0 };
    enum sks_status rc;

    TRY(begin_operation(call, ALGORITHM_SIGNATURE, true, &algorithm));
    TRY(check_curve(call, algorithm));
    rc = live_key_sign(call->live, algorithm, call->in.operation.data, &signature);
    CALL_REQUIRE(call, rc != SKS_ERROR_OPTION, rc,
                 "data has not the length that the algorithm wants");
out:
    return give_result(call, rc, &signature);
}

enum sks_status asymmetric_key_decrypt(struct call *call)
{
    const struct algorithm *algorithm = NULL;
    EVP_PKEY *pkey;
    struct buf clear = { 0 };
    enum sks_status rc;

    TRY(begin_operation(call, ALGORITHM_DECRYPTION, true, &algorithm));
    TRY(check_curve(call, algorithm));
    TRY(live_key_private(call->live, &pkey));
    TRY(rsa_decrypt(pkey, algorithm, call->in.operation.data, &clear));
out:
    return give_result(call, rc, &clear);
}

enum sks_status key_agreement(struct call *call)
{
    struct bytes other = call->in.operation.data;
    const struct algorithm *algorithm = NULL;
    struct public_key parts;
    EVP_PKEY *pkey;
    struct buf secret = { 0 };
    enum sks_status rc;

    TRY(begin_operation(call, ALGORITHM_AGREEMENT, false, &algorithm));
    rc = public_key_parse(other, &parts);
    CALL_REQUIRE(call, rc != SKS_ERROR_CRYPTO, rc, "publicKey is not a public key");
    TRY(rc);
    CALL_REQUIRE(call, parts.kind == KEY_KIND_EC, SKS_ERROR_OPTION, "publicKey is no EC key");
    TRY(check_curve(call, algorithm));
    CALL_REQUIRE(call, parts.curve == call->live->parts.curve, SKS_ERROR_CRYPTO,
                 "publicKey is on another curve");
    TRY(live_key_private(call->live, &pkey));
    TRY(ecdh_raw(pkey, other, &secret));
out:
    return give_result(call, rc, &secret);
}

enum sks_status perform_hmac(struct call *call)
{
    const struct algorithm *algorithm = NULL;
    struct buf mac = { 0 };
    enum sks_status rc;

    TRY(begin_operation(call, ALGORITHM_HMAC, true, &algorithm));
    TRY(hmac_by_algorithm(algorithm, call->key.symmetric_key, call->in.operation.data, &mac));
out:
    return give_result(call, rc, &mac);
}

static enum sks_status check_cipher_input(struct call *call, const struct algorithm *algorithm,
                                          const struct symmetric_encrypt_in *in)
{
    bool padded = algorithm->iv != IV_NONE;
    enum sks_status rc;

    if (algorithm->iv != IV_IN_PARAMETERS)
        TRY(check_no_parameters(call, in->parameters));
    else
        CALL_REQUIRE(call, in->parameters.len == CIPHER_BLOCK, SKS_ERROR_OPTION,
                     "parameters: the IV is not %d bytes", CIPHER_BLOCK);
    CALL_REQUIRE(call, (in->mode && padded) || in->data.len % CIPHER_BLOCK == 0, SKS_ERROR_OPTION,
                 "data is not a multiple of %d bytes", CIPHER_BLOCK);
    CALL_REQUIRE(call, in->mode || algorithm->iv != IV_IN_FRONT || in->data.len > 0,
                 SKS_ERROR_OPTION, "data has no IV in front");
    rc = SKS_OK;
out:
    return rc;
}

enum sks_status symmetric_key_encrypt(struct call *call)
{
    const struct symmetric_encrypt_in *in = &call->in.symmetric_encrypt;
    const struct algorithm *algorithm = NULL;
    struct buf result = { 0 };
    enum sks_status rc;

    TRY(authorize_use(call, in->biometric_auth, in->authorization));
    TRY(check_size(call, in->data));
    TRY(check_algorithm(call, in->algorithm, ALGORITHM_CIPHER, &algorithm));
    TRY(check_cipher_input(call, algorithm, in));
    TRY(aes_by_algorithm(algorithm, in->mode, call->key.symmetric_key, in->parameters, in->data,
                         &result));
out:
    return give_result(call, rc, &result);
}
