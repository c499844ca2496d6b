/* createProvisioningSession of the 2010 profile: the one place where its sessions are another kind
 * than those of V1.07. What this makes is a session as any other. */
#include "keygen2/crypto/session_2010.h"
#include "keygen2/crypto/signature.h"
#include "token/call.h"

static enum sks_status check_id(struct call *call, const char *argument, struct bytes id)
{
    return id.len == SKS_SESSION_ID_2010 ? SKS_OK
                                         : call_fail(call, SKS_ERROR_OPTION, "%s is not %d bytes",
                                                     argument, SKS_SESSION_ID_2010);
}

static enum sks_status check_terms(struct call *call, const struct session_2010_terms *in)
{
    enum sks_status rc;

    TRY(check_id(call, "server_session_id", in->server_session_id));
    TRY(check_id(call, "client_session_id", in->client_session_id));
    TRY(session_check_uri(call, "provisioning_uri", in->provisioning_uri));
    TRY(session_check_life_time(call, "life_time", in->life_time));
out:
    return rc;
}

static enum sks_status encrypt_key(struct call *call, const struct session *s,
                                   struct bytes *encrypted)
{
    EVP_PKEY *server_key = NULL;
    struct buf out = { 0 };
    struct sks_error why = { 0 };
    enum sks_status rc;

    rc = session_2010_load_key(s->terms.server_ephemeral_key, &server_key, &why);
    CALL_REQUIRE(call, rc == SKS_OK, rc, "server_public_key: %s", why.text);
    TRY(session_2010_encrypt(server_key, &s->sk, &out));
    TRY(call_keep(call, buf_bytes(&out), encrypted));
out:
    EVP_PKEY_free(server_key);
    buf_free(&out);
    return rc;
}

static enum sks_status attest_key(struct call *call, const struct session_key *sk,
                                  const struct session_2010_terms *terms, struct bytes *attestation)
{
    struct buf data = { 0 }, signature = { 0 };
    uint8_t proof[SKS_MAC_SIZE];
    enum sks_status rc;

    TRY(session_2010_proof(sk, proof));
    put_session_2010_attestation(&data, bytes_at(proof, sizeof proof), terms);
    TRY(data.status);
    TRY(device_sign(&call->token->device, buf_bytes(&data), &signature));
    TRY(call_keep(call, buf_bytes(&signature), attestation));
out:
    buf_free(&data);
    buf_free(&signature);
    return rc;
}

enum sks_status create_session_2010(struct call *call)
{
    const struct session_2010_terms *in = &call->in.create_session_2010;
    struct create_session_2010_out *out = &call->out.create_session_2010;
    struct session *s = &call->session;
    enum sks_status rc;

    s->terms = (struct session_terms){
        .session_key_algorithm = bytes_of(SKS_SESSION_2010),
        .server_session_id = in->server_session_id,
        .client_session_id = in->client_session_id,
        .server_ephemeral_key = in->server_public_key,
        .issuer_uri = in->provisioning_uri,
        .session_key_limit = UINT16_MAX,
    };
    TRY(check_terms(call, in));
    TRY(session_2010_draw(&s->sk));
    TRY(encrypt_key(call, s, &out->encrypted_session_key));
    TRY(attest_key(call, &s->sk, in, &out->attested_session_key));
    out->provisioning_id = session_begin(call, in->life_time, s->terms.session_key_limit);
out:
    return rc;
}
