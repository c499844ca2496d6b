/*
 * CredentialDiscovery: what the device has of us. Nothing of it is protected, so it only says what
 * to try: a credential counts if this issuer has issued it into this device, and if it is live.
 */
#include "issuer/certificate_store.h"
#include "issuer/in_doubt.h"
#include "issuer/requests.h"
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"

#include <string.h>

struct discovery {
    struct exchange *x;
    struct buf device; /* put_device_name() of this session */
    size_t lookup;     /* index of the one at hand */
    unsigned generation;
};

const struct lookup_result *lookup_result_of(const struct json_array *results, const char *id)
{
    const struct lookup_result *result = results->item;

    for (size_t i = 0; i < results->count; i++)
        if (bytes_equal(result[i].id, bytes_of(id)))
            return &result[i];
    return NULL;
}

/* Why a credential cannot be a target; NULL if it can. */
static const char *objection(const struct discovery *d, const struct issued_certificate *known)
{
    const struct session_state *state = &d->x->session->state;

    if (known == NULL)
        return "this issuer has not issued it";
    if (!bytes_equal(known->device, buf_bytes(&d->device)))
        return "it was issued into another device";
    if (known->state != CERTIFICATE_LIVE && known->state != CERTIFICATE_IN_DOUBT)
        return name_of_value(NAMES_CERTIFICATE_STATE, (uint8_t)known->state);
    /* Its key has no device, and whoever has the certificate could play one that has the key. */
    if (known->state == CERTIFICATE_IN_DOUBT && state->terms.privacy_enabled)
        return "it is in doubt, and with privacy only its own proof settles it";
    for (size_t i = 0; i < state->found_credentials; i++)
        if (state->found_credential[i].lookup == d->lookup &&
            bytes_equal(state->found_credential[i].certificate, known->der))
            return "it was found already";
    return NULL;
}

static enum sks_status take_match(struct discovery *d, const struct matching_credential *match,
                                  const char *id)
{
    struct session_state *state = &d->x->session->state;
    struct issued_certificate *known;
    uint8_t fingerprint[32];
    struct buf hex = { 0 };
    const char *why;
    enum sks_status rc;

    TRY(sks_explain(d->x->err,
                    certificate_fingerprint(match->certificate_path.item[0], fingerprint)));
    TRY(certificate_find(&d->x->issuer->store, fingerprint, d->x->arena, &known, d->x->err));
    hex_encode(&hex, bytes_at(fingerprint, sizeof fingerprint));
    why = objection(d, known);
    check_pass(d->x, "credential", "%s: certificate with SHA-256 %.*s%s%s%s", id, (int)hex.len,
               (const char *)hex.ptr, match->locked ? ", locked" : "",
               why == NULL ? "" : ", left out: ", why == NULL ? "" : why);
    if (why == NULL)
        state->found_credential[state->found_credentials++] = (struct found_credential){
            .lookup = (uint16_t)d->lookup,
            .generation = (uint16_t)d->generation,
            .certificate = known->der,
            .server_session_id = match->server_session_id,
            .client_session_id = match->client_session_id,
        };
out:
    buf_free(&hex);
    return rc;
}

static enum sks_status take_result(struct discovery *d, const struct json_array *results,
                                   const struct lookup_profile *lookup)
{
    const struct lookup_result *result;
    const struct matching_credential *match;
    char id[SKS_ID_MAX + 1];
    enum sks_status rc = SKS_OK;

    lookup_specifier_id(lookup, d->generation, id);
    result = lookup_result_of(results, id);
    if (result == NULL)
        return check_fail(d->x, SKS_ERROR_OPTION, "lookup results", "there is none for %s", id);
    match = result->matching_credentials.item;
    for (size_t i = 0; i < result->matching_credentials.count; i++)
        TRY(take_match(d, &match[i], id));
out:
    return rc;
}

static bool is_used(const struct json_array *targets, size_t lookup)
{
    const struct target_profile *target = targets->item;

    for (size_t i = 0; i < targets->count; i++)
        if (target[i].index == lookup)
            return true;
    return false;
}

/* How many were found, against what the profile wants. @param more out: operations on top of
 * those that the profile was counted with */
static enum sks_status check_count(struct exchange *x, size_t index, unsigned *more)
{
    const struct lookup_profile *lookup =
        (const struct lookup_profile *)x->profile->lookups.item + index;
    const struct session_state *state = &x->session->state;
    unsigned uses =
        is_used(&x->profile->unlock_keys, index) + is_used(&x->profile->delete_keys, index);
    unsigned found = 0;
    const char *id = (const char *)lookup->id.ptr;

    for (size_t i = 0; i < state->found_credentials; i++)
        found += state->found_credential[i].lookup == index;
    if (lookup->exactly > 0 && found != lookup->exactly)
        return check_fail(x, SKS_ERROR_NO_KEY, "credentials", "%.*s: there are %u, not %u",
                          (int)lookup->id.len, id, found, lookup->exactly);
    if (uses > 0 && found == 0)
        return check_fail(x, SKS_ERROR_NO_KEY, "credentials", "%.*s: there is none",
                          (int)lookup->id.len, id);
    check_pass(x, "credentials", "%.*s: %u", (int)lookup->id.len, id, found);
    if (lookup->exactly == 0 && found > 1)
        *more += 2 * uses * (found - 1);
    return SKS_OK;
}

/* @param left out: operations that the session key has room for beyond those */
static enum sks_status check_counts(struct exchange *x, unsigned *left)
{
    unsigned operations = x->profile->operations;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < x->profile->lookups.count; i++)
        TRY(check_count(x, i, &operations));
    if (operations > x->session->state.terms.session_key_limit)
        return check_fail(x, SKS_ERROR_NOT_ALLOWED, "credentials",
                          "so many need %u operations, over the sessionKeyLimit", operations);
    *left = x->session->state.terms.session_key_limit - operations;
out:
    return rc;
}

static size_t count_matches(const struct json_array *results)
{
    const struct lookup_result *result = results->item;
    size_t count = 0;

    for (size_t i = 0; i < results->count; i++)
        count += result[i].matching_credentials.count;
    return count;
}

static enum sks_status take_results(struct discovery *d, const struct json_array *results)
{
    const struct json_array *lookups = &d->x->profile->lookups;
    const struct lookup_profile *lookup = lookups->item;
    struct session_state *state = &d->x->session->state;
    const struct found_credential *asked = state->found_credential;
    size_t in_doubt = state->found_credentials;
    unsigned left = 0;
    size_t wanted =
        lookups->count * (state->kmk_generation - state->oldest_generation + 1U) + in_doubt;
    enum sks_status rc;

    if (results->count != wanted)
        return check_fail(d->x, SKS_ERROR_OPTION, "lookup results", "there are %zu, not %zu",
                          results->count, wanted);
    TRY(sks_explain(d->x->err, put_device_name(&d->device, state)));
    state->found_credentials = 0;
    state->found_credential = arena_alloc(d->x->arena, count_matches(results) + in_doubt,
                                          sizeof *state->found_credential);
    REQUIRE(state->found_credential != NULL, d->x->err, SKS_ERROR_STORAGE,
            "no memory for the credentials");
    for (d->lookup = 0; d->lookup < lookups->count; d->lookup++)
        for (d->generation = state->oldest_generation; d->generation <= state->kmk_generation;
             d->generation++)
            TRY(take_result(d, results, &lookup[d->lookup]));
    check_pass(d->x, "lookup results", "%zu, one for each specifier", wanted);
    TRY(check_counts(d->x, &left));
    TRY(in_doubt_take(d->x, asked, in_doubt, results, left));
out:
    return rc;
}

enum sks_status step_discovery(struct exchange *x, const void *from)
{
    const struct credential_discovery_response *response = from;
    struct discovery d = { .x = x };
    struct session_key sk;
    enum sks_status rc;

    session_take_key(&x->session->state, &sk);
    TRY(check_ids(x, response->server_session_id, &response->client_session_id));
    TRY(check_lookups(x));
    TRY(take_results(&d, &response->lookup_results));
    TRY(request_keys(x, &sk));
out:
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(&d.device);
    return rc;
}
