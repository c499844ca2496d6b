/* Invocation: the session begins; then the client's capabilities, and an offer of a session key. */
#include "issuer/requests.h"
#include "issuer/session_kind.h"
#include "keygen2/base/clock.h"

enum sks_status step_begin(struct exchange *x, const void *nothing)
{
    (void)nothing;
    return request_invocation(x);
}

/* Keys of older generations in the device may be taken over by the one of this session. */
static enum sks_status offer_roll_over(struct exchange *x, struct json_array *chain)
{
    unsigned generation = x->session->state.kmk_generation;
    enum sks_status rc;

    TRY(sks_explain(x->err,
                    key_management_chain(&x->issuer->key_management, generation, x->arena, chain)));
    if (chain->count > 0)
        check_pass(x, "key management key", "generation %u, with the chain of those before",
                   generation);
out:
    return rc;
}

enum sks_status step_invocation(struct exchange *x, const void *from)
{
    const struct invocation_response *response = from;
    struct session_state *state = &x->session->state;
    struct provisioning_initialization_request request = { 0 };
    char now[32];
    enum sks_status rc;

    TRY(check_ids(x, response->server_session_id, NULL));
    TRY(check_capabilities(x, &response->client_capabilities));
    TRY(session_kind_of(state)->offer(x, &request));
    keygen2_time_format(clock_now(), false, now);
    TRY(keep_bytes(x, bytes_of(now), &state->server_time));
    request.server_session_id = bytes_of(x->session->id);
    request.server_time.text = state->server_time;
    request.session_key_algorithm = state->terms.session_key_algorithm;
    request.session_key_limit = state->terms.session_key_limit;
    request.session_life_time = state->life_time;
    request.key_management_key = state->terms.key_management_key;
    if (x->profile->updatable_key_management_keys)
        TRY(offer_roll_over(x, &request.updatable_key_management_keys));
    TRY(answer_with(x, &PROVISIONING_INITIALIZATION_REQUEST, &request));
out:
    return rc;
}

/* Deferred issuance: the client has come back, and all that was missing is the certificates. */
enum sks_status step_resumed(struct exchange *x, const void *from)
{
    const struct invocation_response *response = from;
    struct session_key sk;
    enum sks_status rc;

    session_take_key(&x->session->state, &sk);
    TRY(check_ids(x, response->server_session_id, NULL));
    TRY(check_capabilities(x, &response->client_capabilities));
    TRY(request_close(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    return rc;
}
