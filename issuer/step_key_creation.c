/* KeyCreation: the keys that were made, each with its proof; then their certificates. */
#include "issuer/mac_order.h"
#include "issuer/verify.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"

/* KeyGen2, KeyCreationResponse: the same keys in the same order. */
static enum sks_status check_list(struct exchange *x, const struct json_array *generated)
{
    const struct session_state *state = &x->session->state;
    const struct generated_key *key = generated->item;

    if (generated->count != state->credentials)
        return check_fail(x, SKS_ERROR_OPTION, "generated keys", "there are %zu, not %u",
                          generated->count, state->credentials);
    for (size_t i = 0; i < generated->count; i++)
        if (!bytes_equal(key[i].id, state->credential[i].id))
            return check_fail(
                x, SKS_ERROR_OPTION, "generated keys", "/generatedKeys/%zu/id is not \"%.*s\"", i,
                (int)state->credential[i].id.len, (const char *)state->credential[i].id.ptr);
    check_pass(x, "generated keys", "%zu, in the order they were asked for", generated->count);
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
        return check_fail(x, rc, "key attestation", "%.*s: is not by the token of this session",
                          (int)key->id.len, (const char *)key->id.ptr);
    check_pass(x, "key attestation", "%.*s, with counter %u", (int)key->id.len,
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
        return check_fail(x, rc, "key algorithm", "%.*s: %s", (int)key->id.len,
                          (const char *)key->id.ptr, why.text);
    check_pass(x, "key algorithm", "%.*s is of %s", (int)key->id.len, (const char *)key->id.ptr,
               algorithm->uri);
    credential->public_key = key->public_key;
out:
    return rc;
}

static enum sks_status issue(struct exchange *x, struct credential *credential)
{
    const struct key_profile *key = profile_key(x->profile, credential->id);
    uint8_t serial[CA_SERIAL_SIZE];
    struct buf der = { 0 }, hex = { 0 };
    enum sks_status rc;

    if (key == NULL) /* the profile was changed while the session ran */
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, "certificate",
                          "the profile no longer has %.*s", (int)credential->id.len,
                          (const char *)credential->id.ptr);
    TRY(ca_issue(&x->issuer->ca, &key->template, credential->public_key, clock_now(), serial,
                 &der));
    TRY(keep_bytes(x, buf_bytes(&der), &credential->certificate));
    TRY(keep_bytes(x, bytes_at(serial, sizeof serial), &credential->serial));
    hex_encode(&hex, credential->serial);
    check_pass(x, "certificate", "%.*s, serial number %.*s", (int)credential->id.len,
               (const char *)credential->id.ptr, (int)hex.len, (const char *)hex.ptr);
out:
    buf_free(&der);
    buf_free(&hex);
    return sks_explain(x->err, rc);
}

static enum sks_status request_close(struct exchange *x, struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct provisioning_finalization_request request = {
        .server_session_id = bytes_of(x->session->id),
        .client_session_id = state->terms.client_session_id,
    };
    uint8_t nonce[SKS_NONCE_MAX];
    enum sks_status rc;

    TRY(sks_explain(x->err, random_bytes(nonce, sizeof nonce)));
    TRY(keep_bytes(x, bytes_at(nonce, sizeof nonce), &state->nonce));
    TRY(order_finalization(x, sk, &request));
    TRY(sks_explain(x->err, session_keep_key(state, x->arena, sk)));
    TRY(answer_with(x, &PROVISIONING_FINALIZATION_REQUEST, &request));
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
    for (size_t i = 0; i < state->credentials; i++)
        TRY(issue(x, &state->credential[i]));
    TRY(request_close(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}
