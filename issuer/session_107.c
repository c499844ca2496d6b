/* The session key of V1.07: agreed by ephemeral keys. */
#include "issuer/session_kind.h"
#include "issuer/verify.h"
#include "keygen2/crypto/private_key.h"

/* The private key is kept, sealed, until the answer. */
static enum sks_status offer(struct exchange *x,
                             struct provisioning_initialization_request *request)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    struct session_state *state = &x->session->state;
    EVP_PKEY *pkey = NULL;
    enum sks_status rc;

    TRY(private_key_generate(p256, (struct bytes){ 0 }, &pkey));
    TRY(session_kind_keep_pair(x, pkey, &state->terms.server_ephemeral_key));
    drawn_keys_keep(x->issuer->drawn_keys, state->terms.server_ephemeral_key, pkey);
    request->server_ephemeral_key = state->terms.server_ephemeral_key;
out:
    EVP_PKEY_free(pkey);
    return sks_explain(x->err, rc);
}

/* The decoder found the point to be on its curve; this is about which curve. */
static enum sks_status check_half(struct exchange *x,
                                  const struct provisioning_initialization_response *response)
{
    struct public_key client, server;

    if (public_key_parse(response->client_ephemeral_key, &client) != SKS_OK ||
        public_key_parse(x->session->state.terms.server_ephemeral_key, &server) != SKS_OK ||
        client.curve == NULL || client.curve != server.curve)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_CLIENT_KEY,
                          "clientEphemeralKey is not on the curve of serverEphemeralKey");
    check_pass(x, EVIDENCE_CHECK_CLIENT_KEY, "on the curve %s", client.curve->jose);
    return SKS_OK;
}

static enum sks_status take_key(struct exchange *x,
                                const struct provisioning_initialization_response *response,
                                struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct bytes private_key = state->ephemeral_key;
    EVP_PKEY *own = drawn_keys_take(x->issuer->drawn_keys, state->terms.server_ephemeral_key);
    enum sks_status rc = SKS_OK;

    state->client_ephemeral_key = response->client_ephemeral_key;
    if (own == NULL) /* as after a restart */
        TRY(get_private_key(&private_key, &own));
    TRY(session_key_derive(own, state->client_ephemeral_key, &state->terms,
                           session_device_id(state), sk));
    state->ephemeral_key = (struct bytes){ 0 };
out:
    EVP_PKEY_free(own);
    return sks_explain(x->err, rc);
}

static enum sks_status check_attestation(const struct session_state *state,
                                         const struct session_key *sk, EVP_PKEY *device_key,
                                         struct bytes attestation)
{
    return verify_session_attestation(&state->terms, session_device_id(state),
                                      state->client_ephemeral_key, sk, device_key, attestation);
}

const struct session_kind SESSION_107 = { .algorithm = SKS_SESSION_ALGORITHM,
                                          .offer = offer,
                                          .check_half = check_half,
                                          .take_key = take_key,
                                          .check_attestation = check_attestation };
