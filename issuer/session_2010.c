/* The session key of the 2010 profile: drawn by the token, encrypted for an RSA key that the issuer
 * has for this session alone. */
#include "keygen2/crypto/session_2010.h"
#include "issuer/session_kind.h"
#include "keygen2/crypto/private_key.h"

/* The private key is kept, sealed, until the answer. No device signs the TLS certificate here, so
 * the session has none. */
static enum sks_status offer(struct exchange *x,
                             struct provisioning_initialization_request *request)
{
    struct session_state *state = &x->session->state;
    EVP_PKEY *pkey = NULL;
    enum sks_status rc;

    if (x->profile->server_key == NULL) /* the profile was changed while the session ran */
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, EVIDENCE_CHECK_PROFILE,
                          "no longer has sessions of 2010");
    rc = server_keys_take(x->issuer->server_keys, x->profile->server_key, &pkey, x->err);
    x->trouble = rc != SKS_OK;
    TRY(rc);
    TRY(session_kind_keep_pair(x, pkey, &state->server_public_key));
    state->terms.server_certificate = (struct bytes){ 0 };
    request->server_public_key = state->server_public_key;
out:
    EVP_PKEY_free(pkey);
    return sks_explain(x->err, rc);
}

static enum sks_status check_half(struct exchange *x,
                                  const struct provisioning_initialization_response *response)
{
    struct public_key server;
    unsigned bits;
    enum sks_status rc;

    TRY(sks_explain(x->err, public_key_parse(x->session->state.server_public_key, &server)));
    bits = public_key_bits(&server);
    if (response->encrypted_session_key.len != bits / 8)
        return check_fail(x, SKS_ERROR_OPTION, EVIDENCE_CHECK_CLIENT_KEY,
                          "encryptedSessionKey is not as long as a server key of %u bits", bits);
    check_pass(x, EVIDENCE_CHECK_CLIENT_KEY,
               "encryptedSessionKey, as long as a server key of %u bits", bits);
out:
    return rc;
}

static enum sks_status keep_proof(struct session_state *state, struct arena *arena,
                                  const struct session_key *sk)
{
    uint8_t proof[SKS_MAC_SIZE];
    enum sks_status rc;

    TRY(session_2010_proof(sk, proof));
    state->session_key_proof = arena_copy(arena, bytes_at(proof, sizeof proof));
    if (state->session_key_proof.ptr == NULL)
        rc = SKS_ERROR_STORAGE;
out:
    return rc;
}

static enum sks_status take_key(struct exchange *x,
                                const struct provisioning_initialization_response *response,
                                struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct bytes private_key = state->ephemeral_key;
    EVP_PKEY *own = NULL;
    enum sks_status rc;

    state->encrypted_session_key = response->encrypted_session_key;
    TRY(get_private_key(&private_key, &own));
    if (session_2010_decrypt(own, response->encrypted_session_key, sk) != SKS_OK)
        TRY(check_fail(x, SKS_ERROR_CRYPTO, EVIDENCE_CHECK_SERVER_KEY,
                       "encryptedSessionKey is not for that of this session"));
    check_pass(x, EVIDENCE_CHECK_SERVER_KEY, "has decrypted encryptedSessionKey");
    TRY(keep_proof(state, x->arena, sk));
    state->ephemeral_key = (struct bytes){ 0 };
out:
    EVP_PKEY_free(own);
    return sks_explain(x->err, rc);
}

static enum sks_status check_attestation(const struct session_state *state,
                                         const struct session_key *sk, EVP_PKEY *device_key,
                                         struct bytes attestation)
{
    const struct session_2010_terms terms = {
        .server_session_id = state->terms.server_session_id,
        .client_session_id = state->terms.client_session_id,
        .provisioning_uri = state->terms.issuer_uri,
        .server_public_key = state->server_public_key,
        .life_time = state->life_time,
    };

    (void)sk;               /* its proof is what was signed */
    if (device_key == NULL) /* there is no privacy mode */
        return SKS_ERROR_MAC;
    return session_2010_verify(device_key, state->session_key_proof, &terms, attestation);
}

const struct session_kind SESSION_2010 = { .algorithm = SKS_SESSION_2010,
                                           .offer = offer,
                                           .check_half = check_half,
                                           .take_key = take_key,
                                           .check_attestation = check_attestation };
