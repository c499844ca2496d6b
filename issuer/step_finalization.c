/* ProvisioningFinalization: the proof that the token committed all of it, and the end. */
#include "issuer/exchange.h"
#include "issuer/verify.h"

enum sks_status step_finalization(struct exchange *x, const void *from)
{
    const struct provisioning_finalization_response *response = from;
    const struct session_state *state = &x->session->state;
    struct session_key sk;
    struct buf data = { 0 };
    enum sks_status rc;

    session_take_key(state, &sk);
    TRY(check_ids(x, response->server_session_id, &response->client_session_id));
    put_attested_close(&data, state->nonce);
    TRY(sks_explain(x->err, data.status));
    if (verify_attestation(&sk, state->counter, buf_bytes(&data), response->attestation) !=
        SKS_OK) {
        rc = check_fail(x, SKS_ERROR_MAC, EVIDENCE_CHECK_CLOSING_PROOF,
                        "is not by the token of this session over the nonce of its close");
        goto out;
    }
    check_pass(x, EVIDENCE_CHECK_CLOSING_PROOF, EVIDENCE_DETAIL_CLOSING_PROOF, state->counter);
    x->session->verdict = VERDICT_SUCCEEDED;
    x->session->cause = "";
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(&data);
    return rc;
}
