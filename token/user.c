/* The User API. A call is authorized first, so a wrong PIN costs a try whatever else is wrong. */
#include "keygen2/crypto/signature.h"
#include "token/call.h"

static enum sks_status verify_pin(struct call *call, struct bytes pin)
{
    const struct key *key = &call->key;
    struct pin_policy_object policy;
    bool found = false;
    enum sks_status rc;

    if (key->pin_policy.handle == 0) {
        CALL_REQUIRE(call, pin.len == 0, SKS_ERROR_OPTION, "authorization: the key has no PIN");
        return SKS_OK;
    }
    TRY(pin_policy_load(call->token->store, key->pin_policy, &call->arena, &policy, &found,
                        &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PIN policy %u is missing",
                 key->pin_policy.handle);
    TRY(authorization_try(call->token->authorization, STORE_PIN, key->pin,
                          policy.policy.retry_limit, pin, &call->err));
out:
    return rc;
}

/* SKS V1.07, "biometricProtection": which of PIN and biometric a key wants. */
static enum sks_status authorize(struct call *call, bool biometric, struct bytes pin)
{
    uint8_t protection = call->key.biometric_protection;
    enum sks_status rc;

    CALL_REQUIRE(call, !biometric || protection != BIOMETRIC_NONE, SKS_ERROR_OPTION,
                 "biometricAuth: the key has no biometric protection");
    CALL_REQUIRE(call,
                 biometric || protection == BIOMETRIC_NONE || protection == BIOMETRIC_ALTERNATIVE,
                 SKS_ERROR_OPTION, "biometricAuth is missing");
    if (biometric && protection != BIOMETRIC_COMBINED) {
        CALL_REQUIRE(call, pin.len == 0, SKS_ERROR_OPTION,
                     "authorization: a PIN beside biometricAuth");
        return SKS_OK;
    }
    TRY(verify_pin(call, pin));
out:
    return rc;
}

static bool is_endorsed(const struct bytes_list *endorsed, struct bytes uri)
{
    for (size_t i = 0; i < endorsed->count; i++)
        if (bytes_equal(endorsed->item[i], uri))
            return true;
    return endorsed->count == 0;
}

/* Finds the algorithm of a private key operation, if the key may be used with it. */
static enum sks_status check_algorithm(struct call *call, struct bytes uri, unsigned use,
                                       const struct algorithm **algorithm)
{
    const struct key *key = &call->key;
    struct public_key parts;
    enum sks_status rc;

    *algorithm = algorithm_by_uri(uri, use);
    CALL_REQUIRE(call, *algorithm != NULL, SKS_ERROR_ALGORITHM,
                 "algorithm is unknown, or not for this operation");
    TRY(public_key_parse(key->public_key, &parts));
    CALL_REQUIRE(call, ((*algorithm)->kind == KEY_KIND_RSA) == (parts.kind == KEY_KIND_RSA),
                 SKS_ERROR_ALGORITHM, "algorithm does not fit the key");
    CALL_REQUIRE(call, is_endorsed(&key->endorsed_algorithms, uri), SKS_ERROR_ALGORITHM,
                 "algorithm is not endorsed for the key");
out:
    return rc;
}

/* EC and Ed25519 are told apart only when the operation itself begins. */
static enum sks_status check_curve(struct call *call, const struct algorithm *algorithm)
{
    struct public_key parts;
    enum sks_status rc;

    TRY(public_key_parse(call->key.public_key, &parts));
    CALL_REQUIRE(call, algorithm->kind == parts.kind, SKS_ERROR_CRYPTO,
                 "algorithm and key are of different curves");
out:
    return rc;
}

enum sks_status sign_hashed_data(struct call *call)
{
    const struct sign_in *in = &call->in.sign;
    const struct algorithm *algorithm;
    struct bytes secret = call->key.private_key;
    EVP_PKEY *pkey = NULL;
    struct buf signature = { 0 };
    enum sks_status rc;

    TRY(authorize(call, in->biometric_auth, in->authorization));
    CALL_REQUIRE(call, in->data.len <= SKS_CRYPTO_DATA_MAX, SKS_ERROR_OPTION,
                 "data is over %d bytes", SKS_CRYPTO_DATA_MAX);
    TRY(check_algorithm(call, in->algorithm, ALGORITHM_SIGNATURE, &algorithm));
    CALL_REQUIRE(call, in->parameters.len == 0, SKS_ERROR_OPTION,
                 "parameters: the algorithm has none");
    TRY(check_curve(call, algorithm));
    TRY(get_private_key(&secret, &pkey));
    rc = sign_digest(pkey, algorithm, in->data, &signature);
    CALL_REQUIRE(call, rc != SKS_ERROR_OPTION, rc,
                 "data has not the length that the algorithm wants");
    TRY(rc);
    TRY(call_keep(call, buf_bytes(&signature), &call->out.result.result));
out:
    EVP_PKEY_free(pkey);
    buf_free(&signature);
    return rc;
}
