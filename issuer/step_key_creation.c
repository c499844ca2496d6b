/* KeyCreation: the keys that were made, each with its proof; then their certificates. */
#include "issuer/requests.h"
#include "issuer/verify.h"

/* KeyGen2, KeyCreationResponse: the same keys in the same order. */
static enum sks_status check_list(struct exchange *x, const struct json_array *generated)
{
    const struct session_state *state = &x->session->state;
    const struct generated_key *key = generated->item;

    if (generated->count != state->credentials)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_GENERATED_KEYS,
                          "there are %zu, not %u", generated->count, state->credentials);
    for (size_t i = 0; i < generated->count; i++)
        if (!bytes_equal(key[i].id, state->credential[i].id))
            return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_GENERATED_KEYS,
                              "/generatedKeys/%zu/id is not \"%.*s\"", i,
                              (int)state->credential[i].id.len,
                              (const char *)state->credential[i].id.ptr);
    check_pass(x, EVIDENCE_CHECK_GENERATED_KEYS, "%zu, in the order they were asked for",
               generated->count);
    return SKS_OK;
}

static enum sks_status check_attestation(struct exchange *x, const struct session_key *sk,
                                         const struct generated_key *key,
                                         const struct credential *credential)
{
    struct buf data = { 0 };
    enum sks_status rc;

    put_attested_key(&data, key->public_key, credential->mac);
    rc = data.status != SKS_OK ? data.status
                               : verify_attestation(sk, credential->attestation_counter,
                                                    buf_bytes(&data), key->attestation);
    buf_free(&data);
    if (rc != SKS_OK)
        return check_fail(x, rc, EVIDENCE_CHECK_KEY_ATTESTATION,
                          "%.*s: is not by the token of this session", (int)key->id.len,
                          (const char *)key->id.ptr);
    check_pass(x, EVIDENCE_CHECK_KEY_ATTESTATION, EVIDENCE_DETAIL_KEY_ATTESTATION, (int)key->id.len,
               (const char *)key->id.ptr, credential->attestation_counter);
    return SKS_OK;
}

static enum sks_status check_key(struct exchange *x, const struct session_key *sk,
                                 const struct generated_key *key, struct credential *credential)
{
    const struct algorithm *algorithm =
        algorithm_by_uri(credential->key_algorithm, ALGORITHM_KEY_GENERATION);
    struct sks_error why = { 0 };
    enum sks_status rc;

    TRY(check_attestation(x, sk, key, credential));
    rc = algorithm == NULL
             ? SKS_ERROR_ALGORITHM
             : verify_key_algorithm(algorithm, credential->key_parameters, key->public_key, &why);
    if (rc != SKS_OK)
        return check_fail(x, rc, EVIDENCE_CHECK_KEY_ALGORITHM, "%.*s: %s", (int)key->id.len,
                          (const char *)key->id.ptr, why.text);
    check_pass(x, EVIDENCE_CHECK_KEY_ALGORITHM, "%.*s is of %s", (int)key->id.len,
               (const char *)key->id.ptr, algorithm->uri);
    credential->public_key = key->public_key;
out:
    return rc;
}

enum sks_status step_key_creation(struct exchange *x, const void *from)
{
    const struct key_creation_response *response = from;
    const struct generated_key *key = response->generated_keys.item;
    struct session_state *state = &x->session->state;
    struct session_key sk;
    enum sks_status rc;

    session_take_key(state, &sk);
    TRY(check_ids(x, response->server_session_id, &response->client_session_id));
    TRY(check_list(x, &response->generated_keys));
    for (size_t i = 0; i < state->credentials; i++)
        TRY(check_key(x, &sk, &key[i], &state->credential[i]));
    if (x->profile->deferred_issuance)
        x->next = profile_confirms_device(x->profile) ? PHASE_UNCONFIRMED : PHASE_PENDING;
    else
        TRY(request_close(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}
