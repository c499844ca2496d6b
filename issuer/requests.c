#include "issuer/requests.h"
#include "issuer/certificate_store.h"
#include "issuer/in_doubt.h"
#include "issuer/issuance.h"
#include "issuer/mac_order.h"
#include "keygen2/base/clock.h"

#include <stdio.h>

/* ---- lookups ---- */

enum sks_status keep_lookups(struct exchange *x)
{
    uint8_t hash[32];
    enum sks_status rc;

    TRY(sks_explain(x->err, profile_lookups_hash(x->profile, hash)));
    TRY(keep_bytes(x, bytes_at(hash, sizeof hash), &x->session->state.lookups));
out:
    return rc;
}

enum sks_status check_lookups(struct exchange *x)
{
    struct bytes kept = x->session->state.lookups;
    uint8_t hash[32];
    enum sks_status rc;

    TRY(sks_explain(x->err, profile_lookups_hash(x->profile, hash)));
    if (kept.len > 0 && !bytes_equal(kept, bytes_at(hash, sizeof hash)))
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, EVIDENCE_CHECK_PROFILE,
                          "has other lookups than when the session began");
out:
    return rc;
}

/* ---- ProvisioningFinalizationRequest ---- */

enum sks_status request_close(struct exchange *x, struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct provisioning_finalization_request request = {
        .server_session_id = bytes_of(x->session->id),
        .client_session_id = state->terms.client_session_id,
    };
    uint8_t nonce[SKS_NONCE_MAX];
    enum sks_status rc = SKS_OK;

    TRY(check_lookups(x));
    TRY(in_doubt_revoke(x));
    for (size_t i = 0; i < state->credentials; i++)
        TRY(issue_certificate(x, &state->credential[i]));
    TRY(sks_explain(x->err, random_bytes(nonce, sizeof nonce)));
    TRY(keep_bytes(x, bytes_at(nonce, sizeof nonce), &state->nonce));
    TRY(order_finalization(x, sk, &request));
    TRY(sks_explain(x->err, session_keep_key(state, x->arena, sk)));
    TRY(answer_with(x, &PROVISIONING_FINALIZATION_REQUEST, &request));
    x->next = PHASE_FINALIZATION;
out:
    return rc;
}

/* ---- KeyCreationRequest ---- */

enum sks_status request_keys(struct exchange *x, struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    struct key_creation_request request = {
        .server_session_id = bytes_of(x->session->id),
        .client_session_id = state->terms.client_session_id,
        .key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM),
        .deferred_issuance = x->profile->deferred_issuance,
    };
    enum sks_status rc;

    if (x->profile->key_count == 0)
        return request_close(x, sk);
    TRY(order_key_creation(x, sk, &request));
    TRY(sks_explain(x->err, session_keep_key(state, x->arena, sk)));
    TRY(answer_with(x, &KEY_CREATION_REQUEST, &request));
    x->next = PHASE_KEY_CREATION;
out:
    return rc;
}

/* ---- CredentialDiscoveryRequest ---- */

void lookup_specifier_id(const struct lookup_profile *lookup, unsigned generation,
                         char id[SKS_ID_MAX + 1])
{
    (void)snprintf(id, SKS_ID_MAX + 1, "%.*s.%u", (int)lookup->id.len, (const char *)lookup->id.ptr,
                   generation);
}

/* From the oldest that the device is known to have: it may have learned of all later ones. */
static enum sks_status choose_generations(struct exchange *x)
{
    struct session_state *state = &x->session->state;
    unsigned newest = state->kmk_generation, oldest = 0;
    struct buf device = { 0 };
    enum sks_status rc;

    TRY(sks_explain(x->err, put_device_name(&device, state)));
    TRY(certificates_oldest_generation(&x->issuer->store, buf_bytes(&device), &oldest, x->err));
    if (oldest == 0 || oldest > newest)
        oldest = newest;
    if (newest - oldest >= LOOKUP_GENERATIONS_MAX)
        oldest = newest - LOOKUP_GENERATIONS_MAX + 1;
    state->oldest_generation = (uint16_t)oldest;
out:
    buf_free(&device);
    return rc;
}

enum sks_status request_signature(struct exchange *x, unsigned generation,
                                  struct lookup_specifier *to)
{
    const struct key_management *keys = &x->issuer->key_management;
    EVP_PKEY *key = key_management_private(keys, generation);
    enum sks_status rc;

    if (key == NULL)
        return check_fail(x, SKS_ERROR_NOT_AVAILABLE, "key management key", "generation %u is gone",
                          generation);
    to->public_key = key_management_public(keys, generation);
    TRY(keygen2_sign_lookup(to, key, x->arena, x->err));
    check_pass(x, "lookup", "%.*s, signed by key management key generation %u", (int)to->id.len,
               (const char *)to->id.ptr, generation);
out:
    return rc;
}

static enum sks_status sign_lookup(struct exchange *x, const struct lookup_profile *lookup,
                                   unsigned generation, struct bytes nonce,
                                   struct lookup_specifier *to)
{
    char id[SKS_ID_MAX + 1];
    enum sks_status rc;

    lookup_specifier_id(lookup, generation, id);
    TRY(keep_bytes(x, bytes_of(id), &to->id));
    to->nonce = nonce;
    to->search_filter = lookup->search_filter;
    TRY(request_signature(x, generation, to));
out:
    return rc;
}

enum sks_status request_discovery(struct exchange *x, const struct session_key *sk)
{
    struct session_state *state = &x->session->state;
    const struct json_array *lookups = &x->profile->lookups;
    const struct lookup_profile *lookup = lookups->item;
    struct credential_discovery_request request = {
        .server_session_id = bytes_of(x->session->id),
        .client_session_id = state->terms.client_session_id,
    };
    struct lookup_specifier *specifier;
    uint8_t nonce[32];
    size_t count = 0, in_doubt;
    enum sks_status rc;

    TRY(choose_generations(x));
    TRY(sks_explain(x->err, session_lookup_nonce(&state->terms, nonce)));
    specifier =
        arena_alloc(x->arena,
                    lookups->count * (state->kmk_generation - state->oldest_generation + 1U) +
                        state->found_credentials,
                    sizeof *specifier);
    REQUIRE(specifier != NULL, x->err, SKS_ERROR_STORAGE, "no memory for the lookups");
    for (size_t i = 0; i < lookups->count; i++)
        for (unsigned g = state->oldest_generation; g <= state->kmk_generation; g++)
            TRY(sign_lookup(x, &lookup[i], g, bytes_at(nonce, sizeof nonce), &specifier[count++]));
    TRY(in_doubt_specify(x, bytes_at(nonce, sizeof nonce), &specifier[count], &in_doubt));
    request.lookup_specifiers = (struct json_array){ specifier, count + in_doubt };
    TRY(sks_explain(x->err, session_keep_key(state, x->arena, sk)));
    TRY(answer_with(x, &CREDENTIAL_DISCOVERY_REQUEST, &request));
    x->next = PHASE_DISCOVERY;
out:
    return rc;
}

/* ---- InvocationRequest ---- */

enum sks_status request_invocation(struct exchange *x)
{
    const struct profile *profile = x->profile;
    const struct invocation_request request = {
        .server_session_id = bytes_of(x->session->id),
        .action = profile->action,
        .privacy_enabled = x->session->state.terms.privacy_enabled,
        .preferred_languages = profile->preferred_languages,
        .target_key_containers = profile->target_key_containers,
        .client_capability_query = profile->client_capability_query,
    };

    return answer_with(x, &INVOCATION_REQUEST, &request);
}

static const struct client_capability *find_answer(const struct json_array *answers,
                                                   struct bytes uri)
{
    const struct client_capability *answer = answers->item;

    for (size_t i = 0; i < answers->count; i++)
        if (bytes_equal(answer[i].type, uri))
            return &answer[i];
    return NULL;
}

static void record_capability(struct exchange *x, const struct client_capability *answer)
{
    const struct image_attributes *image = answer->image_attributes;
    int len = (int)answer->type.len;
    const char *uri = (const char *)answer->type.ptr;

    if (image != NULL)
        check_pass(x, "client capability", "%.*s: images of %ux%u", len, uri, image->width,
                   image->height);
    else if (answer->values.count > 0)
        check_pass(x, "client capability", "%.*s: %zu value%s, the first is %.*s", len, uri,
                   answer->values.count, answer->values.count == 1 ? "" : "s",
                   (int)answer->values.item[0].len, (const char *)answer->values.item[0].ptr);
    else
        check_pass(x, "client capability", "%.*s: %s", len, uri,
                   answer->supported ? "supported" : "not supported");
}

/* KeyGen2, InvocationResponse: the same URIs, in any order; none is there twice, says the decoder.
 */
enum sks_status check_capabilities(struct exchange *x, const struct json_array *answers)
{
    const struct bytes_list *query = &x->profile->client_capability_query;

    if (answers->count > query->count)
        return check_fail(x, SKS_ERROR_OPTION, "client capabilities",
                          query->count == 0 ? "nobody asked for them" : "more than were asked for");
    for (size_t i = 0; i < query->count; i++) {
        const struct client_capability *answer = find_answer(answers, query->item[i]);

        if (answer == NULL)
            return check_fail(x, SKS_ERROR_OPTION, "client capabilities", "no answer for %.*s",
                              (int)query->item[i].len, (const char *)query->item[i].ptr);
        record_capability(x, answer);
    }
    return SKS_OK;
}
